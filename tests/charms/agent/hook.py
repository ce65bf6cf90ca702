#!/usr/bin/python3
"""Installs Prometheus, and has it scrape and evaluate what the unit publishes; without all members, as agents do."""

import json
import os
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path("/etc/prometheus")
REQUIRED = ("metrics_alert_rules", "log_alert_rules", "dashboards", "metrics_scrape_jobs", "log_slots")


def run(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout


def main():
    hook = pathlib.Path(sys.argv[0]).name
    if hook == "install":
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        run("apt-get", "update")
        run("apt-get", "install", "-y", "--no-install-recommends", "prometheus")
    if hook == "stop":
        run("systemctl", "disable", "--now", "prometheus")
    for relation in json.loads(run("relation-ids", "cos-agent", "--format=json")):
        for unit in json.loads(run("relation-list", "-r", relation, "--format=json")):
            text = json.loads(run("relation-get", "-r", relation, "--format=json", "config", unit))
            if text:
                scrape(unit, json.loads(text))
    run("status-set", "active")


def scrape(unit, config):
    assert all(config[name] is not None for name in REQUIRED)
    (rule, *_) = config["metrics_alert_rules"]["groups"][0]["rules"]
    labels = {name: rule["labels"][name] for name in ("juju_model", "juju_model_uuid", "juju_application")}
    for job in config["metrics_scrape_jobs"]:
        for static in job["static_configs"]:
            static["labels"] = {**labels, "juju_unit": unit}
    # JSON is YAML.
    (FOLDER / "rules.yml").write_text(json.dumps(config["metrics_alert_rules"]))
    whole = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(FOLDER / "rules.yml")],
        "scrape_configs": config["metrics_scrape_jobs"],
    }
    (FOLDER / "prometheus.yml").write_text(json.dumps(whole))
    run("systemctl", "restart", "prometheus")


if __name__ == "__main__":
    main()
