#!/usr/bin/python3
"""Installs NRPE, names the unit that it is beside, and restarts NRPE whenever that one says something."""

import json
import os
import pathlib
import subprocess
import sys

PACKAGES = ("nagios-nrpe-server", "nagios-nrpe-plugin", "monitoring-plugins-basic")


def run(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout


def main():
    if pathlib.Path(sys.argv[0]).name == "install":
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        run("apt-get", "update")
        run("apt-get", "install", "-y", "--no-install-recommends", *PACKAGES)
        pathlib.Path("/var/lib/nagios/export").mkdir(parents=True, exist_ok=True)
    for relation in json.loads(run("relation-ids", "nrpe-external-master", "--format=json")):
        for unit in json.loads(run("relation-list", "-r", relation, "--format=json")):
            host = f"ctx-{unit.replace('/', '-')}"
            run("relation-set", "-r", relation, f"nagios_hostname={host}", "nagios_host_context=ctx")
            run("systemctl", "restart", "nagios-nrpe-server")
    run("status-set", "active")


if __name__ == "__main__":
    main()
