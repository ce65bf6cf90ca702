"""What the agent of cos-agent reads, decoded with the library of the observability charms."""

import json
from pathlib import Path

from cosl import LZMABase64
from cosl.juju_topology import JujuTopology
from cosl.rules import AlertRules
from registry.formats import cos

TEMPLATES = Path(__file__).parents[4] / "templates/cos"
RULES = (TEMPLATES / "rules.yaml").read_text()
DASHBOARD = (TEMPLATES / "dashboard.json").read_text()
UUID = "00000000-0000-4000-8000-000000000001"
TOPOLOGY = cos.Topology("prod.eu", UUID, "docker-registry")
JOBS = (cos.Job("charm", "127.0.0.1:5002"), cos.Job("registry", "127.0.0.1:5001"))
CONFIG = cos.config(TOPOLOGY, JOBS, RULES, {"dashboard.json": DASHBOARD})


def test_everything_that_the_agent_requires_is_there_and_small():
    config = json.loads(CONFIG)
    assert {name: type(value) for name, value in config.items()} == {
        "metrics_alert_rules": dict,
        "log_alert_rules": dict,
        "dashboards": list,
        "metrics_scrape_jobs": list,
        "log_slots": list,
    }
    assert len(CONFIG) < 16_000
    assert cos.config(TOPOLOGY, JOBS, RULES, {"dashboard.json": DASHBOARD}) == CONFIG, "each change is sent to everyone"


def test_jobs_have_names_of_their_own():
    jobs = json.loads(CONFIG)["metrics_scrape_jobs"]
    assert [job["static_configs"] for job in jobs] == [[{"targets": [one.address]}] for one in JOBS]
    names = {job["job_name"] for job in jobs}
    assert len(names) == len(jobs)
    assert all(name.startswith("docker-registry_") for name in names)


def test_rules_are_about_this_application_alone():
    (group,) = json.loads(CONFIG)["metrics_alert_rules"]["groups"]
    assert group["name"] == "prod_eu_00000000_docker_registry_docker_registry_rules"
    for rule in group["rules"]:
        assert cos.TOPOLOGY not in rule["expr"]
        assert f'juju_model="prod.eu", juju_model_uuid="{UUID}", juju_application="docker-registry"' in rule["expr"]
        assert {**rule["labels"], "severity": ""} == {**TOPOLOGY.labels, "juju_charm": cos.CHARM, "severity": ""}
        assert rule["annotations"].keys() == {"summary", "description"}


def test_labels_are_those_of_the_library():
    library = JujuTopology(TOPOLOGY.model, UUID, TOPOLOGY.application, charm_name=cos.CHARM)
    (group,) = json.loads(CONFIG)["metrics_alert_rules"]["groups"]
    assert library.label_matcher_dict.items() >= TOPOLOGY.labels.items()
    rules = AlertRules(query_type="promql", topology=library)
    rules.add({"groups": [group]}, group_name="x")
    (read,) = rules.as_dict()["groups"]
    for ours, theirs in zip(group["rules"], read["rules"], strict=True):
        assert ours["labels"] == theirs["labels"], "the library adds nothing that is missing"


def test_dashboards_are_read_by_the_library():
    (text,) = json.loads(CONFIG)["dashboards"]
    dashboard = json.loads(LZMABase64.decompress(text))
    assert dashboard["title"] == "Docker Registry"
    assert dashboard["tags"] == ["charm: docker-registry"]
    assert len(dashboard.pop("uid")) == 40
    assert dashboard == json.loads(DASHBOARD)
    variables = {one["name"] for one in dashboard["templating"]["list"]}
    assert variables == {"prometheusds", "juju_model", "juju_model_uuid", "juju_application", "juju_unit"}
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids)) > 15
