"""Packages and where they come from: what is taken, and the clause for what is not."""

import json

import pytest
from registry.formats import sources_list
from registry.options import packages
from test_options import DEFAULTS

KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n-----END PGP PUBLIC KEY BLOCK-----"
LINE = "deb https://x.example jammy main"


def wanted(**changes):
    return packages.Extras.from_config({**DEFAULTS, **changes})


@pytest.mark.parametrize(
    ("option", "value", "clause"),
    [
        ("extra_packages", "jq Jq", "'Jq' is not the name of a package"),
        ("extra_packages", "jq --purge", "'--purge' is not the name of a package"),
        ("extra_packages", "jq-", "'jq-' is not the name of a package"),
        ("package_status", "purge", "'purge' is not install or hold"),
        ("install_sources", "{", "is not a list in YAML"),
        ("install_sources", "- ppa: x", "is not a list in YAML"),
        ("install_sources", f"- {LINE}\n- cloud:x", "number 2 is not a line of sources.list"),
        ("install_keys", "- 1", "is not a list in YAML of keys"),
        ("install_keys", "- null", "has not as many entries as install_sources"),
    ],
)
def test_a_wrong_value_is_a_clause(option, value, clause):
    found = {name: text for name, text in wanted(**{option: value}).problems().items() if text}
    assert list(found) == [option]
    assert clause in found[option]


def test_what_is_no_key_is_a_clause_without_it():
    clause = wanted(install_sources=LINE, install_keys="hush").problems()["install_keys"]
    assert clause == "holds what is neither the text of a key in ASCII armour, nor the ID of one, nor null"


def test_sources_and_keys_belong_together():
    options = wanted(
        install_sources=json.dumps([LINE, "ppa:juju/stable", f"{LINE} b"]),
        install_keys=json.dumps([KEY, None, "0x9DC858229FC7DD38854AE2D88D81803C0EBFCD88"]),
    )
    assert not any(options.problems().values())
    first, second = options.sources()
    assert (first.line, first.key_text, first.key_url) == (LINE, f"{KEY}\n".encode(), None)
    assert second.key_url.endswith("&search=0x9DC858229FC7DD38854AE2D88D81803C0EBFCD88")
    assert options.short_sources() == ("ppa:juju/stable",)


def test_one_source_needs_no_list():
    assert wanted(install_sources=LINE).sources() == (sources_list.Source(LINE),)
    assert wanted().sources() == ()


def test_what_is_missing_goes_by_name_and_version():
    states = {"jq": packages.State("1.6-2", held=False), "g++": packages.State("4", held=False)}
    asked = ("jq", "jq=1.6*", "jq=1.7", "g++", "htop", "jq:amd64")
    assert packages.missing(asked, states) == ("jq=1.7", "htop")
    assert not any(wanted(extra_packages=" ".join(asked)).problems().values())
