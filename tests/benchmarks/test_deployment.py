"""How long a deployment takes on a machine without Docker, and which part of it is apt's."""

import datetime
import json
import platform
import time

from unit import Unit

from localjuju.docker import docker

SECTION = "Deployment"
SETTLED = ("install", "leader-elected", "config-changed", "start")


def moment(text):
    return datetime.datetime.fromisoformat(text[:19].replace("Z", "").replace(" ", "T")).replace(
        tzinfo=datetime.timezone.utc
    )


APT = """set -e; export DEBIAN_FRONTEND=noninteractive
printf "#!/bin/sh\\nexit 101\\n" >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
apt-get -q update
"""
"""Script that begins as the charm does; nothing is started in the container."""


def apt_alone(image, commands):
    """Return the seconds that the same commands of apt take in a container of the machine's image."""
    container = docker("create", "--network", "host", image, "sh", "-c", APT + "\n".join(commands))
    try:
        begin = time.monotonic()
        docker("start", "-a", container)
        return time.monotonic() - begin
    finally:
        docker("rm", "-f", "-v", container)


def test_from_deploy_to_active(model, charm, archives, figure):
    suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
    begin = datetime.datetime.now(datetime.timezone.utc)
    resources = {"registry-image": str(archives.registry)}
    model.deploy(charm, "fresh", constraints={"image-id": suite}, resources=resources)
    unit = Unit(model, "fresh/0")
    unit.settle()
    assert unit.status()[0] == "active"
    runs = json.loads(model.cli("hooks", unit.name, "--format", "json"))
    hooks = {run["hook"]: run["seconds"] for run in runs if run["hook"] in SETTLED}
    history = unit.exec("cat /var/log/apt/history.log").splitlines()
    commands = [line.partition(": ")[2] for line in history if line.startswith("Commandline: ")]
    served = moment(unit.container()["State"]["StartedAt"])
    active = moment(str(model.status().apps["fresh"].units[unit.name].workload_status.since))
    model.remove_application("fresh", force=True)
    alone = [apt_alone(f"localjuju:{suite}", commands)]
    figure("apt alone: the same packages in an idle container", alone, of="s")
    figure("all hooks until active", [sum(hooks.values())], alone, of="s", to="apt alone")
    figure("all hooks until active, without apt", [sum(hooks.values()) - alone[0]], alone, of="s", to="apt alone")
    for name, seconds in hooks.items():
        figure(f"hook {name}", [seconds], alone, of="s", to="apt alone")
    for name, end in (("registry's container started", served), ("status active", active)):
        figure(f"deploy to {name}", [(end - begin).total_seconds()], alone, of="s", to="apt alone")
