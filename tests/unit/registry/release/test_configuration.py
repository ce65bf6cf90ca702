"""Texts on their way to the registry, whose parser of YAML reads more words as numbers and dates than PyYAML does."""

import dataclasses
import re

import pytest
import yaml
from registry.plan import decision
from registry.release import configuration
from registry.release.release import Release
from test_contract import S3
from test_plan import facts, wanted

WORDS = [
    *(
        "0890",
        "0123456789",
        "0777",
        "0o17",
        "0x1f",
        "0b11",
        "1_000",
        "+1",
        "-1",
        "1e5",
        "1E5",
        "1.5",
        ".5",
        "6.",
        "1:30",
    ),
    *("12:30:45", "2001-01-01", "2001-01-01T00:00:00Z", ".inf", "-.INF", ".nan", "NaN", "inf", "1" * 5000),
    *("y", "n", "Y", "yes", "No", "on", "OFF", "true", "False", "null", "Null", "~", "=", "<<", "-", "?", "", " "),
    *(
        " a",
        "a ",
        "\ta",
        "a\t",
        "a: b",
        "a #b",
        "#a",
        "&a",
        "*a",
        "!a",
        "!!int 1",
        "%a",
        "@a",
        "`a",
        "|",
        ">",
        "{a",
        "[a",
    ),
    *(
        '"a"',
        "'a'",
        "it's",
        'a"b',
        "a\\nb",
        "\\",
        "a\nb",
        "a\r\nb",
        "\x00",
        "\x07",
        "\x1b",
        "\x7f",
        "\x85",
        "\u2028",
        "\ufeffa",
    ),
    *("\xa0", "\u200b", "käse", "日本", "\U0001f600", "long " * 200, "x" * 5000, "---", "...", "--- a"),
]


@pytest.mark.parametrize("word", WORDS, ids=ascii)
def test_each_text_reaches_the_registry_as_it_is(word):
    text = configuration.dump({"text": word, "list": [word], "number": 0.1, "switch": True})
    assert yaml.safe_load(text) == {"text": word, "list": [word], "number": 0.1, "switch": True}
    quoted = r'"(?:[^"\\]|\\.)*"'
    assert re.fullmatch(rf"list:\n- {quoted}\nnumber: 0.1\nswitch: true\ntext: {quoted}\n", text)
    assert text.isascii()


def before(release):
    """The same release as charms before this one wrote it, with quotes only where PyYAML needs them."""
    return dataclasses.replace(release, config_yml=yaml.safe_dump(yaml.safe_load(release.config_yml)))


@pytest.mark.parametrize(
    "config", [{}, S3, {"auth-basic-password": "pw", "cache-remoteurl": "https://registry-1.docker.io"}]
)
def test_quotes_alone_replace_no_container(config):
    asked = wanted(**{option.replace("-", "_"): value for option, value in config.items()})
    old = before(decision.decide(asked, facts()).release)
    assert decision.decide(asked, facts(current=old)).release == old
    assert Release.from_files(old.files()).digest == old.digest


@pytest.mark.parametrize("word", ["0890", "1e5", "0123456789", "y", "12:30", "0.5", "1_0"])
def test_a_text_that_the_registry_read_as_something_else_is_written_anew(word):
    asked = wanted(**{option.replace("-", "_"): value for option, value in S3.items()}, storage_s3_useragent=word)
    good = decision.decide(asked, facts()).release
    old = dataclasses.replace(good, config_yml=good.config_yml.replace(f'"{word}"', word))
    assert decision.decide(asked, facts(current=old)).release == good


def test_the_time_to_end_is_in_the_file_and_not_too_short():
    for seconds in (0, 1, 9, 10, 30, 600):
        http = yaml.safe_load(configuration.config_yml(wanted(drain_timeout=seconds), "s", 2))["http"]
        assert configuration.drain_seconds(http) == seconds
        value, unit = re.fullmatch(r"(\d+)(ms|s)", http["draintimeout"]).groups()
        assert int(value) >= {"s": 10, "ms": 10_000}[unit]


@pytest.mark.parametrize(("seconds", "line"), [(0, ""), (3, '  draintimeout: "3s"\n'), (3, "  draintimeout: 3s\n")])
def test_the_file_of_an_earlier_revision_is_no_reason_for_a_new_container(seconds, line):
    text = configuration.config_yml(wanted(drain_timeout=seconds), "s", 2)
    earlier = re.sub("  draintimeout: .*\n", line, text)
    assert earlier != text
    assert configuration.is_same(text, earlier)
    assert not configuration.is_same(text, re.sub("  draintimeout: .*\n", '  draintimeout: "4s"\n', text))


def test_another_value_is_another_configuration():
    assert configuration.is_same("a: b\n", 'a: "b"\n')
    assert not configuration.is_same("a: b\n", 'a: "c"\n')
    assert not configuration.is_same("a: 1\n", 'a: "1"\n')
