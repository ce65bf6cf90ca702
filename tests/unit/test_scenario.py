"""The bundle and the Terraform module name what is there: endpoints, options, variables, resources."""

import re

import hcl2
import yaml
from fake_juju import ROOT

METADATA = yaml.safe_load((ROOT / "metadata.yaml").read_text())
ENDS = {role: list(METADATA[role]) for role in ("provides", "requires")}
OPTIONS = yaml.safe_load((ROOT / "config.yaml").read_text())["options"]
MODULE = {path.name: path.read_text() for path in (ROOT / "terraform").glob("*.tf")}


def bare(value):
    """Without the quotes that hcl2 leaves around texts."""
    if isinstance(value, dict):
        return {bare(key): bare(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [bare(inner) for inner in value]
    return value.strip('"') if isinstance(value, str) else value


def blocks(name, kind):
    """The blocks of a *kind*, by their labels."""
    found = {}
    for block in bare(hcl2.loads(MODULE[name])).get(kind, []):
        labels = []
        while len(block) == 1 and isinstance(next(iter(block.values())), dict):
            label, block = next(iter(block.items()))
            labels.append(label)
        found[".".join(labels)] = block
    return found


def test_the_bundle_is_one_that_juju_deploys():
    bundle = yaml.safe_load((ROOT / "bundle.yaml").read_text())
    applications = bundle["applications"]
    assert applications["docker-registry"]["num_units"] == 3
    assert applications["docker-registry"].get("options", {}).keys() <= OPTIONS.keys()
    for application in applications.values():
        allowed = {"charm", "channel", "base", "num_units", "options", "expose"}
        assert application.keys() <= allowed
        assert application["charm"].startswith("./") or application["channel"].count("/") == 1
    for relation in bundle["relations"]:
        ends = dict(end.split(":") for end in relation)
        assert ends.keys() <= applications.keys()
        assert ends["docker-registry"] in [end for names in ENDS.values() for end in names]
    related = {end.split(":")[0] for relation in bundle["relations"] for end in relation}
    assert related == applications.keys()


def test_the_module_names_only_what_it_declares():
    variables, resources = blocks("variables.tf", "variable"), blocks("main.tf", "resource")
    text = "".join(MODULE.values())
    assert set(re.findall(r"\bvar\.(\w+)", text)) == variables.keys()
    assert {f"juju_application.{name}" for name in re.findall(r"juju_application\.(\w+)", text)} <= resources.keys()
    assert all(variable["description"].endswith(".") for variable in variables.values())
    integrations = [block for name, block in resources.items() if name.startswith("juju_integration.")]
    assert len(integrations) == 4
    for block in integrations:
        (ours,) = [end for end in block["application"] if "docker_registry" in end["name"]]
        assert ours["endpoint"] in [end for names in ENDS.values() for end in names]


def test_the_outputs_are_all_endpoints():
    outputs = blocks("outputs.tf", "output")
    for role, names in ENDS.items():
        assert sorted(value for key, value in outputs[role]["value"].items()) == sorted(names)
