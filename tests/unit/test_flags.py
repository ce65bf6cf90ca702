"""The flags: what is set is cleared and read, and the table in the reactive module says so."""

import ast
import re

import pytest
from charms.layer import flags
from fake_juju import ROOT

HANDLERS = (ROOT / "reactive/docker_registry.py").read_text()
NAMES = {name: value for name, value in vars(flags).items() if name.isupper() and isinstance(value, str)}


def sources():
    return [path.read_text() for folder in ("lib/charms/layer", "lib/actions", "reactive") for path in paths(folder)]


def paths(folder):
    return sorted((ROOT / folder).glob("*.py"))


def calls(verb):
    """The flags that calls of `reactive.<verb>` name, by constant or by text."""
    found = set()
    for text in sources():
        for word in re.findall(rf"\b{verb}\(\s*(?:flags\.)?([A-Z_]+|\"[^\"]+\")", text):
            found.add(word.strip('"') if word.startswith('"') else NAMES.get(word, word))
    return found


def waited_for():
    """The flags in the handlers' decorators."""
    found = set()
    for node in ast.walk(ast.parse(HANDLERS)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("reactive.when", "reactive.when_not"):
            found |= {argument.value for argument in node.args}
    return found


def test_every_flag_that_is_set_has_a_reader_and_every_reader_a_setter():
    followed = {flag for flag in waited_for() if re.fullmatch(r"endpoint\.[\w-]+\.connected", flag)}
    theirs = {"upgrade.series.in-progress", "leadership.set.http-secret", flags.PREDECESSOR, flags.PREDECESSOR_TLS}
    given = calls("set_flag") | followed | theirs
    read = waited_for() | calls("is_flag_set")
    assert given - {
        "charm.docker-registry.live-restore.loaded",
        "charm.docker-registry.live-restore.refused",
    } == read - {
        "charm.docker-registry.live-restore.loaded",
        "charm.docker-registry.live-restore.refused",
    }


def test_the_table_of_the_handlers_names_them_all():
    table = HANDLERS.split('"""')[1]
    named = set(re.findall(r"^((?:charm|docker|docker-registry|upgrade|leadership)\.[\w.-]+)", table, re.MULTILINE))
    assert {flag for flag in waited_for() if not flag.startswith("endpoint.")} <= named
    assert set(NAMES.values()) <= named


@pytest.mark.parametrize("flag", [*flags.OF_THIS_HOOK, flags.ON_DISK])
def test_flags_of_a_hook_are_gone_when_the_next_one_begins(deployed, flag):
    deployed.set_flag(flag)
    deployed.set_flag("upgrade.series.in-progress")  # nothing is managed, so nothing sets them again
    deployed.hook("update-status")
    assert flag not in deployed.flags()


def test_no_handler_waits_for_the_absence_of_a_flag_of_the_hook():
    for node in ast.walk(ast.parse(HANDLERS)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "reactive.when_not":
            assert not {argument.value for argument in node.args} & set(flags.OF_THIS_HOOK)
