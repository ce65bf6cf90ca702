"""Packages and their repositories: valid values, and the problem of others."""

import json

import pytest
from registry.formats import sources_list
from registry.options import packages
from test_options import DEFAULTS

KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n-----END PGP PUBLIC KEY BLOCK-----"
LINE = "deb https://x.example jammy main"
NOT_SOURCES = (
    "the value is not a YAML list of package sources. Use lines of `deb https://HOST SUITE main` or `ppa:OWNER/NAME`"
)


def wanted(**changes):
    return packages.Packages.from_config({**DEFAULTS, **changes})


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("extra_packages", "jq Jq", "'Jq' is not a package name. Use NAME or NAME=VERSION, separated by spaces"),
        (
            "extra_packages",
            "jq --purge",
            "'--purge' is not a package name. Use NAME or NAME=VERSION, separated by spaces",
        ),
        ("extra_packages", "jq-", "'jq-' is not a package name. Use NAME or NAME=VERSION, separated by spaces"),
        ("package_status", "purge", "'purge' is not supported. Use one of install, hold"),
        ("install_sources", "{", NOT_SOURCES),
        ("install_sources", "- ppa: x", NOT_SOURCES),
        (
            "install_sources",
            f"- {LINE}\n- cloud:x",
            "entry 2 is not a package source. Use `deb https://HOST SUITE main` or `ppa:OWNER/NAME`",
        ),
        ("install_keys", "- 1", "the value is not a YAML list of keys. Use texts in quotes, or null"),
        (
            "install_keys",
            "- null",
            "1 entries, but install_sources has 0. Use null for a source that needs no key of its own",
        ),
    ],
)
def test_a_wrong_value_is_a_problem(option, value, text):
    problems = wanted(**{option: value}).problems()
    assert {name: problem for name, problem in problems.items() if problem} == {option: text}


def test_the_problem_of_a_key_does_not_show_it():
    problem = wanted(install_sources=LINE, install_keys="hush").problems()["install_keys"]
    assert problem == "an entry is not a key. Use an ASCII-armored OpenPGP key, the ID of a key, or null"


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
