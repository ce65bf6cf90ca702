"""The built charm: the same bytes each time, nothing missing, nothing too much, and it runs on every Python."""

import json
import os
import shutil
import subprocess
import sys
import zipfile

import build
import bundle
import pytest
import pythons
import sbom
import yaml
from fake_juju import ROOT, spawn

PYTHONS = pythons.at_hand()

HOOKS = (
    *("config-changed", "install", "leader-elected", "leader-settings-changed", "post-series-upgrade"),
    *("pre-series-upgrade", "secret-changed", "start", "stop", "update-status", "upgrade-charm"),
)

HANDLER = """
from charms import reactive
from charms.layer import status

@reactive.when_not("never")
def say():
    status.active("Ready.")
"""

IMPORTS = """
import json, sys
sys.path.insert(0, "lib")
from charms.layer import basic
basic.activate()
import charmhelpers.osplatform
charmhelpers.osplatform.get_platform = lambda: "ubuntu"  # the machine of the tests may be Debian
import bcrypt, charmhelpers, charms.reactive, charmhelpers.core.hookenv, docker, requests, urllib3, yaml
modules = (bcrypt, charmhelpers, charms.reactive, docker, requests, urllib3, yaml)
print(json.dumps([module.__file__ for module in modules]))
"""

HOOK = """
import runpy, sys
sys.path.insert(0, "lib")
from charms.layer import basic
basic.activate()
import charmhelpers.osplatform
charmhelpers.osplatform.get_platform = lambda: "ubuntu"
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    path = tmp_path_factory.mktemp("built") / "docker-registry.charm"
    build.build(path)
    return path


@pytest.fixture(scope="module")
def unpacked(packed):
    folder = packed.parent / "unpacked"
    build.unpack(packed, folder)
    return folder


@pytest.fixture
def installed(unpacked, tmp_path):
    """A copy of the charm's folder that a test may change."""
    return shutil.copytree(unpacked, tmp_path / "installed", symlinks=True)


def names(folder):
    return [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if not path.is_dir()]


def test_the_same_bytes_each_time(packed, tmp_path):
    again = tmp_path / "docker-registry.charm"
    build.build(again)
    assert again.read_bytes() == packed.read_bytes()


def test_the_file_is_in_order_and_bears_the_time_of_the_commit(packed):
    with zipfile.ZipFile(packed) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(archive.namelist(), key=lambda name: name.split("/"))
        assert len({info.date_time for info in archive.infolist()}) == 1


def test_every_hook_is_there_and_runs(unpacked):
    metadata = yaml.safe_load((ROOT / "metadata.yaml").read_text())
    ends = [end for role in ("provides", "requires", "peers") for end in metadata.get(role, {})]
    kinds = ("created", "joined", "changed", "departed", "broken")
    expected = {*HOOKS, *(f"{end}-relation-{kind}" for end in ends for kind in kinds)}
    expected |= {f"{name}-storage-{kind}" for name in metadata["storage"] for kind in ("attached", "detaching")}
    hooks = {path.name for path in (unpacked / "hooks").iterdir() if path.is_file()}
    assert hooks == expected
    for hook in hooks:
        assert os.access(unpacked / "hooks" / hook, os.X_OK)
        assert (unpacked / "hooks" / hook).read_text() == (ROOT / "hooks/hook.template").read_text()


def test_every_action_is_a_link_to_the_one_script(unpacked):
    for action in yaml.safe_load((ROOT / "actions.yaml").read_text()):
        link = unpacked / "actions" / action
        assert link.is_symlink()
        assert link.resolve().parent == (unpacked / "actions").resolve()
        assert os.access(link, os.X_OK)


def test_only_the_charm_is_in_it(unpacked):
    top = {name.split("/")[0] for name in names(unpacked)}
    assert top <= {
        *("LICENSE", "README.md", "actions", "actions.yaml", "config.yaml", "copyright", "hooks", "icon.svg"),
        *("layer.yaml", "lib", "lxd-profile.yaml", "manifest.yaml", "metadata.yaml", "packages", "reactive"),
        *("sbom.cdx.json", "templates", "version"),
    }
    assert not [name for name in names(unpacked) if name.endswith(".pyc") or "/tests/" in name]
    for name in ("config.yaml", "actions.yaml"):
        assert yaml.safe_load((unpacked / name).read_text()) == yaml.safe_load((ROOT / name).read_text())


def test_juju_accepts_the_profile_for_lxd(unpacked):
    """By the rules of https://github.com/juju/charm (ValidateConfigDevices): otherwise a deploy needs --force."""
    profile = yaml.safe_load((unpacked / "lxd-profile.yaml").read_text())
    assert profile.keys() == {"description", "config", "devices"}, "the name is Juju's"
    assert not [key for key in profile["config"] if key.startswith(("boot", "limits", "migration"))]
    assert all(isinstance(value, str) for value in profile["config"].values()), "LXD knows texts only"
    assert not profile["devices"]
    assert profile["config"]["security.nesting"] == "true"
    assert "security.privileged" not in profile["config"]


def test_each_package_brings_its_licence(unpacked):
    records = list((unpacked / "packages").glob("*/*.dist-info"))
    assert len(records) >= 9
    for folder in records:
        assert (folder / "METADATA").exists()
        assert [name for name in names(folder) if "LICEN" in name.upper()], folder


def test_the_bill_of_materials_names_each_package_and_its_licence(unpacked, tmp_path):
    bill = json.loads((unpacked / sbom.NAME).read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    records = {path.name.removesuffix(".dist-info") for path in (unpacked / "packages").glob("*/*.dist-info")}
    named = {
        f"{one['name'].replace('.', '_').replace('-', '_').lower()}-{one['version']}" for one in bill["components"]
    }
    assert named == {record.lower() for record in records}
    assert {one["licenses"][0]["license"]["id"] for one in bill["components"]} <= sbom.ALLOWED
    foreign = tmp_path / "any/x-1.dist-info"
    foreign.mkdir(parents=True)
    (foreign / "METADATA").write_text("Name: x\nVersion: 1\nLicense: AGPL-3.0-only\n")
    with pytest.raises(ValueError, match=r"'AGPL-3\.0-only' of x is not known to be compatible"):
        sbom.write(tmp_path, tmp_path / "bill", "1")


def test_both_architectures_have_the_same_compiled_modules(unpacked):
    machines = {"x86_64": 0x3E, "aarch64": 0xB7}  # ELF's e_machine
    trees = {}
    for machine, number in machines.items():
        libraries = list((unpacked / "packages").glob(f"{machine}/**/*.so*"))
        assert all(path.read_bytes()[18] == number for path in libraries)
        tree = unpacked / "packages" / machine
        trees[machine] = [name.replace(machine, "") for name in names(tree)] if tree.exists() else []
    assert trees["x86_64"] == trees["aarch64"]
    assert not list((unpacked / "packages/any").rglob("*.so"))


def test_the_manifest_names_the_bases(unpacked):
    bases = yaml.safe_load((unpacked / "manifest.yaml").read_text())["bases"]
    assert [(base["name"], base["channel"]) for base in bases] == [("ubuntu", "22.04"), ("ubuntu", "24.04")]
    assert all(base["architectures"] == ["amd64", "arm64"] for base in bases)


@pytest.mark.parametrize("version", PYTHONS)
def test_the_packages_are_imported_from_the_charm(installed, version):
    done = subprocess.run(
        [PYTHONS[version], "-W", "error", "-IS", "-c", IMPORTS], cwd=installed, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert all(path.startswith(f"{installed}/packages/") for path in json.loads(done.stdout))


@pytest.mark.parametrize("version", PYTHONS)
def test_a_hook_runs(installed, juju, version):
    (installed / "reactive/docker_registry.py").write_text(HANDLER)
    done = spawn(installed / "hooks/update-status", juju, [PYTHONS[version], "-IS", "-c", HOOK])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert juju.model["status"] == ["active", "Ready."]


def test_what_is_compiled_goes_to_the_tree_of_its_architecture():
    assert bundle._tree("a-1-cp39-abi3-manylinux_2_28_aarch64.whl", ["a/_a.abi3.so"]) == "aarch64"
    assert bundle._tree("a-1-cp311-cp311-manylinux2014_x86_64.whl", ["a/a.py"]) == "any"


def test_wheels_that_disagree_are_refused(tmp_path):
    bundle._put(tmp_path / "a/a.py", b"1")
    bundle._put(tmp_path / "a/a.py", b"1")
    with pytest.raises(ValueError, match=r"Wheels differ in a\.py"):
        bundle._put(tmp_path / "a/a.py", b"2")


def test_a_python_at_hand_is_one_that_answers():
    assert f"{sys.version_info[0]}.{sys.version_info[1]}" in PYTHONS
