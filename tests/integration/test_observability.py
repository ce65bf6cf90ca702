"""What is published over cos-agent, run by a real Prometheus: scraped, evaluated, and asked as the dashboard does."""

import base64
import json
import lzma
import time
import urllib.parse
import urllib.request

import pytest
from unit import Unit

LABELS = (
    'juju_model="m", juju_model_uuid="00000000-0000-4000-8000-000000000001", '
    'juju_application="docker-registry", juju_unit="docker-registry/0"'
)
HEALTHY = {
    "up": "1",
    "docker_registry_up": "1",
    "docker_registry_stopped": "0",
    "docker_registry_storage_healthy": "1",
    "docker_registry_upstream_reachable": "1",
    "docker_registry_disk_size_bytes": "100",
    "docker_registry_disk_free_bytes": "50",
    "docker_registry_pushes_refused": "0",
    "docker_registry_disk_inodes": "0",
    "docker_registry_disk_free_inodes": "0",
    "docker_registry_certificate_not_before_timestamp_seconds": "-1000000",
    "docker_registry_certificate_not_after_timestamp_seconds": "9000000",
    'registry_http_requests_total{code="200"': "0+100x50",
    'registry_http_requests_total{code="500"': "0+1x50",
    'docker_registry_action_success{action="backup"': "1",
    'docker_registry_action_success_timestamp_seconds{action="backup"': "0",
    'docker_registry_action_success_timestamp_seconds{action="garbage-collect"': "0",
}
"""Metric to value at each minute."""
DAY = 1440

FIRING = {
    "DockerRegistryDown": {"up": "0"},
    "DockerRegistryErrors": {'registry_http_requests_total{code="500"': "0+20x50"},
    "DockerRegistryStorageUnhealthy": {"docker_registry_storage_healthy": "0"},
    "DockerRegistryCertificateExpires": {"docker_registry_certificate_not_after_timestamp_seconds": "200000"},
    "DockerRegistryDiskLow": {"docker_registry_disk_inodes": "100", "docker_registry_disk_free_inodes": "5"},
    "DockerRegistryPushesRefused": {"docker_registry_pushes_refused": "1"},
    "DockerRegistryActionFailed": {'docker_registry_action_success{action="backup"': "0"},
    "DockerRegistryGarbageOld": {
        'docker_registry_action_success_timestamp_seconds{action="garbage-collect"': str(-35 * DAY * 60)
    },
    "DockerRegistryBackupOld": {'docker_registry_action_success_timestamp_seconds{action="backup"': str(-8 * DAY * 60)},
    "DockerRegistryUpstreamUnreachable": {"docker_registry_upstream_reachable": "0"},
    "DockerRegistryAdvisory": {'docker_registry_advisory{advisory="CVE-2026-85747"': "1"},
}
"""Alert to what is otherwise than in HEALTHY."""
QUIET = {"": {}, "a stop by an action": {"up": "0", "docker_registry_stopped": "1"}, "a full log": {"other": "0"}}

WITHOUT_DATA = ("Certificate expires in", "Since the last success", "Pull-through cache", "Inodes used")
"""Panels that are empty for a registry without TLS, without actions, or of version 2."""


def series(changes):
    for name, values in {**HEALTHY, **changes}.items():
        labels = f"{name}, {LABELS}}}" if "{" in name else f"{name}{{{LABELS}}}"
        yield {"series": labels, "values": values if "+" in values else f"{values}+0x50"}


def rules_test():
    """What promtool runs: each alert fires at what is wrong, alone, and none where all is well."""
    fires = {
        **{alert: ([alert], changes) for alert, changes in FIRING.items()},
        **{k: ([], v) for k, v in QUIET.items()},
    }
    expression = 'count by (alertname) (ALERTS{alertstate="firing"})'
    tests = [
        {
            "interval": "1m",
            "name": name,
            "input_series": list(series(changes)),
            "promql_expr_test": [
                {
                    "expr": expression,
                    "eval_time": "30m",
                    "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in alerts],
                }
            ],
        }
        for name, (alerts, changes) in fires.items()
    ]
    return json.dumps({"rule_files": ["rules.json"], "evaluation_interval": "1m", "tests": tests})


@pytest.fixture(scope="module")
def watched(deployed, stand_in):
    """The shared unit with Prometheus beside it."""
    deployed.juju.deploy(stand_in("agent"), "agent")
    deployed.juju.integrate(f"{deployed.app}:cos-agent", "agent:cos-agent")
    deployed.settle()
    yield deployed
    deployed.juju.remove_application("agent", force=True)
    deployed.settle()


def config(unit):
    (agent,) = unit.juju.status().get_units("agent")
    return json.loads(Unit(unit.juju, agent).databag("cos-agent", unit.name)["config"])


def ask(unit, path, **query):
    url = f"http://{unit.address}:9090/api/v1/{path}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.loads(answer.read())["data"]


def until(read, seconds=20):
    end = time.monotonic() + seconds
    while not (found := read()) and time.monotonic() < end:
        time.sleep(0.3)
    return found


def test_prometheus_scrapes_what_is_published(watched, unit, small_image):
    assert not unit.answers(5001), "metrics are for the agent on the machine only"
    unit.load(small_image)
    unit.run("push", image="small:1", pull=False)
    unit.exec("docker rmi -f small:1")

    def health():
        targets = ask(unit, "targets")["activeTargets"]
        return len(targets) == 2 and all(one["health"] == "up" for one in targets)

    assert until(health), ask(unit, "targets")
    (group,) = ask(unit, "rules")["groups"]
    assert {rule["health"] for rule in group["rules"]} <= {"ok", "unknown"}, group
    (text,) = config(unit)["dashboards"]
    panels = {one["title"]: one for one in json.loads(lzma.decompress(base64.b64decode(text)))["panels"]}

    def empty():
        return [
            title
            for title, panel in panels.items()
            for target in panel["targets"]
            if not title.startswith(WITHOUT_DATA) and not ask(unit, "query", query=filled(target["expr"]))["result"]
        ]

    assert until(lambda: not empty()), empty()
    for panel in panels.values():
        for target in panel["targets"]:
            ask(unit, "query", query=filled(target["expr"]))  # one that is wrong is answered with 400
    assert not [alert["labels"]["alertname"] for alert in ask(unit, "alerts")["alerts"] if alert["state"] == "firing"]


def filled(expression):
    for name in ("juju_model_uuid", "juju_model", "juju_application", "juju_unit"):
        expression = expression.replace(f"${name}", ".*")
    return expression.replace("$__rate_interval", "20s")


def test_each_alert_fires_once(watched, tmp_path):
    (group,) = config(watched)["metrics_alert_rules"]["groups"]
    assert {rule["alert"] for rule in group["rules"]} == set(FIRING)
    labels = group["rules"][0]["labels"]
    text = json.dumps({"groups": [group]}).replace(labels["juju_model_uuid"], "00000000-0000-4000-8000-000000000001")
    text = text.replace(f'juju_model=\\"{labels["juju_model"]}\\"', 'juju_model=\\"m\\"')
    (tmp_path / "rules.json").write_text(text)
    (tmp_path / "test.json").write_text(rules_test())
    for name in ("rules.json", "test.json"):
        watched.juju.scp(tmp_path / name, f"{watched.name}:/tmp/{name}")
    print(watched.exec("cd /tmp && promtool check rules rules.json && promtool test rules test.json"))
    watched.exec("rm /tmp/rules.json /tmp/test.json")


def test_the_charms_metrics_end_with_the_relation(watched, unit):
    assert watched.exec("systemctl is-active docker-registry-metrics.socket") == "active"
    watched.juju.remove_relation(f"{watched.app}:cos-agent", "agent:cos-agent")
    watched.settle()
    assert watched.exec("systemctl is-active docker-registry-metrics.socket || true") == "inactive"
    assert "5001/tcp" not in unit.container()["HostConfig"]["PortBindings"]
