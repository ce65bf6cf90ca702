"""The base that handlers and actions stand on, through the real dispatch of charms.reactive."""

import ast
import json
import os
import shutil
import subprocess
import sys

import pytest
from charms.layer import basic
from fake_juju import ROOT, spawn

QUIET = """
from charms import reactive
from charms.layer import status

@reactive.when_not("never")
def say():
    status.active("Ready.")
"""

ECHO = """
from charms import reactive
from charmhelpers.core import hookenv

@reactive.when_not("never")
def say():
    hookenv.application_version_set(" ".join(reactive.get_flags()))
"""


def test_an_idle_hook_calls_three_tools(charm):
    charm.handlers(QUIET)
    charm.hook("install")
    calls = charm.hook("update-status")
    assert [call[0] for call in calls] == ["leader-get", "status-set", "juju-log"]
    assert "update-status" in calls[-1][-1]
    assert "reactive/handlers.py:5:say" in calls[-1][-1]


def test_the_status_is_written_once_and_the_worst_wins(charm):
    charm.handlers(
        QUIET
        + """
    status.waiting("For the database.")
    status.blocked("Set b.")
    status.blocked("Set a.")
    status.blocked("Set b.")
"""
    )
    charm.hook("update-status")
    assert charm.juju.called("status-set") == [["blocked", "Set b. (1 more problem: see juju debug-log.)"]]


def test_all_problems_are_logged_once_until_they_change(charm):
    twice = QUIET + "    status.blocked('Set a.')\n    status.blocked('Set b.')\n"
    for handlers, logged in (
        (twice, [["-l", "WARNING", "Set a.\nSet b."]]),
        (twice, []),
        (QUIET + "    status.blocked('Set b.')\n", [["-l", "WARNING", "Set b."]]),
        (QUIET, []),
        (twice, [["-l", "WARNING", "Set a.\nSet b."]]),
    ):
        charm.handlers(handlers)
        charm.hook("update-status")
        assert [call for call in charm.juju.called("juju-log") if "WARNING" in call] == logged


def test_progress_is_shown_at_once(charm):
    charm.handlers(QUIET + "    status.maintenance('Working.')\n")
    charm.hook("update-status")
    assert charm.juju.called("status-set") == [["maintenance", "Working."], ["active", "Ready."]]


def test_what_fails_a_hook_is_logged(charm):
    charm.handlers("from charms import reactive\n@reactive.when_not('never')\ndef fail():\n    raise OSError('disk')\n")
    with pytest.raises(OSError, match="disk"):
        charm.hook("config-changed")
    assert any("OSError: disk" in call[-1] for call in charm.juju.called("juju-log"))


HOOKS_AND_FLAGS = """
from charms import reactive
from charmhelpers.core import hookenv
from charms.layer import status

hookenv.atstart(reactive.clear_flag, "docker.available")

@reactive.hook("stop")
def remove():
    status.blocked("Removed.")

@reactive.when_not("docker.available")
def ensure_docker():
    reactive.set_flag("docker.available")

@reactive.when("docker.available")
def say():
    status.active("Ready.")
"""


@pytest.mark.parametrize("name", ["stop", "start"])
def test_an_action_runs_the_handlers_but_not_those_of_a_hook_of_its_name(charm, name):
    charm.handlers(HOOKS_AND_FLAGS)
    charm.hook("update-status")

    def run(params):
        basic.run_handlers()

    assert charm.action(name, {name: run}) == {}
    assert charm.juju.model["status"] == ["active", "Ready."]
    charm.hook("stop")
    assert charm.juju.model["status"] == ["blocked", "Removed."]


def test_values_of_options_that_are_gone_are_forgotten(charm):
    charm.handlers(QUIET)
    saved = charm.folder / ".juju-persistent-config"
    saved.write_text('{"gone-password": "secret", "registry-port": 5000}')
    charm.hook("upgrade-charm")
    assert "gone-password" not in json.loads(saved.read_text())
    assert saved.stat().st_mode & 0o777 == 0o600


def test_leader_data_has_flags_and_is_read_once(charm):
    charm.handlers(
        ECHO + "\nfrom charms.layer import leadership\n@reactive.when_not('never')\ndef read():\n"
        "    leadership.get('a'), leadership.get('b'), leadership.is_leader(), leadership.is_leader()\n"
    )
    charm.juju.change(leader={"a": "1"})
    charm.hook("install")
    charm.juju.change(leader={"a": "2"})
    charm.hook("leader-settings-changed")
    assert charm.juju.model["version"] == "leadership.set.a"
    assert len(charm.juju.called("leader-get")) == len(charm.juju.called("is-leader")) == 1
    charm.hook("update-status")
    assert charm.juju.model["version"] == "leadership.set.a"


SHARE = """
from charms import reactive
from charms.layer import leadership

@reactive.hook("leader-elected")
def share():
    leadership.set({"a": "1", "b": "2"})
    leadership.set({"a": "1", "b": None})
"""


def test_the_leader_shares_what_has_changed(charm):
    charm.handlers(SHARE)
    charm.hook("leader-elected")
    assert charm.juju.model["leader"] == {"a": "1"}
    assert charm.juju.called("leader-set") == [["a=1", "b=2"], ["b="]]
    assert charm.flags() == ["leadership.set.a"]
    charm.juju.change(is_leader=False, leader={"a": "other"})
    with pytest.raises(subprocess.CalledProcessError, match="leader-set"):
        charm.hook("leader-elected")


def stop(params):
    from charms import reactive
    from charms.layer import status

    reactive.set_flag("stopped")
    status.blocked("Stopped.")
    if params.get("name") == "missing":
        raise basic.ActionFailed("There is no container 'missing'.")
    if params.get("name") == "broken":
        raise KeyError("broken")
    return {"outcome": "success"} if params["remove"] else None


def test_an_action_has_its_parameters_and_keeps_flags_and_status(charm):
    assert charm.action("stop", {"stop": stop}, remove=True) == {"outcome": "success"}
    assert charm.juju.model["status"] == ["blocked", "Stopped."]
    assert charm.flags() == ["stopped"]
    assert charm.action("stop", {"stop": lambda params: {"flags": str(charm_flags())}}) == {"flags": "['stopped']"}


def charm_flags():
    from charms import reactive

    return reactive.get_flags()


def test_an_action_that_gives_nothing_sets_nothing(charm):
    assert charm.action("stop", {"stop": stop}, remove=False) == {}
    assert charm.juju.called("action-set") == []


def test_a_failed_action_says_its_sentence(charm, capfd):
    assert charm.action("stop", {"stop": stop}, name="missing") == {"failure": "There is no container 'missing'."}
    assert charm.flags() == ["stopped"]
    assert "Traceback" not in str(charm.juju.calls) + "".join(capfd.readouterr())


def test_a_bug_in_an_action_shows_its_traceback_in_the_log_alone(charm, capfd):
    assert charm.action("stop", {"stop": stop}, name="broken")["failure"] == (
        "Internal error. See `juju debug-log --replay` for its traceback."
    )
    assert "KeyError: 'broken'" in charm.juju.called("juju-log")[-1][-1]
    assert "Traceback" not in "".join(capfd.readouterr())
    assert charm.flags() == []


@pytest.fixture
def unpacked(charm):
    """The charm's folder with all that a hook needs, its packages taken from where the tests have them."""
    shutil.copytree(ROOT / "lib", charm.folder / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    (charm.folder / "packages").mkdir()
    (charm.folder / "packages/any").symlink_to(os.path.dirname(os.path.dirname(basic_packages())))
    (charm.folder / "hooks").mkdir(exist_ok=True)
    shutil.copy(ROOT / "hooks/hook.template", charm.folder / "hooks/update-status")
    return charm


def basic_packages():
    import charmhelpers

    return charmhelpers.__file__


ON_UBUNTU = """
import runpy, sys
sys.path[:0] = ["lib/shims", "packages/any"]
import charmhelpers.osplatform
charmhelpers.osplatform.get_platform = lambda: "ubuntu"
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_the_hook_itself_finds_its_packages_and_its_name(unpacked, juju):
    unpacked.handlers(QUIET)
    done = spawn(unpacked.folder / "hooks/update-status", juju, [sys.executable, "-IS", "-c", ON_UBUNTU])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert juju.model["status"] == ["active", "Ready."]
    assert "hook update-status" in juju.called("juju-log")[-1][-1]


def test_the_hook_template_is_a_format_string_without_fields():
    text = (ROOT / "hooks/hook.template").read_text()
    assert text.format("website") == text
    ast.parse(text)


def test_loose_versions_compare_numbers_as_numbers():
    text = (ROOT / "lib/shims/distutils/version.py").read_text()
    namespace = {}
    exec(compile(text, "version.py", "exec"), namespace)
    version = namespace["LooseVersion"]
    assert version("2.10") > version("2.9.1")
    assert version("3.6.0") >= version("3.6.0")
    assert version("3.6-beta1") != version("3.6")


STANDING_IN = """
import sys
sys.path[:0] = ["lib/shims", "packages/any"]
import requests
answer = requests.Response()
answer._content = "gr\\u00fc\\u00df".encode()
assert answer.text == "gr\\u00fc\\u00df"
assert requests.utils.DEFAULT_CA_BUNDLE_PATH == "/etc/ssl/certs/ca-certificates.crt"
assert not {"charset_normalizer.api", "certifi.core"} & set(sys.modules)
"""


def test_requests_finds_what_stands_in_for_packages(unpacked):
    command = [sys.executable, "-IS", "-W", "error", "-c", STANDING_IN]
    done = subprocess.run(command, cwd=unpacked.folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
