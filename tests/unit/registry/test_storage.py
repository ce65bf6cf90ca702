"""Where the images are, and what may be done to them."""

import pytest
import yaml
from registry import configuration, options
from test_options import DEFAULTS


def asked(**changes):
    return options.Options.from_config({**DEFAULTS, **{k.replace("_", "-"): v for k, v in changes.items()}})


def section(**changes):
    return yaml.safe_load(configuration.config_yml(asked(**changes), "hush"))["storage"]


@pytest.mark.parametrize(
    ("option", "value", "clause"),
    [
        ("storage_cache", "redis", "'redis' is none of inmemory, disabled"),
        ("storage_cache", "", "'' is none of inmemory, disabled"),
        ("storage_purge_age", "168", "'168' is not a duration in hours or minutes, such as 168h or 90m"),
        ("storage_purge_age", "0h", "'0h' is not a duration in hours or minutes, such as 168h or 90m"),
        ("storage_purge_interval", "", "'' is not a duration in hours or minutes, such as 168h or 90m"),
        ("storage_purge_interval", "-1h", "'-1h' is not a duration in hours or minutes, such as 168h or 90m"),
    ],
)
def test_a_wrong_value_is_a_sentence(option, value, clause):
    assert options.problems(asked(**{option: value})) == (f"{option.replace('_', '-')}: {clause}.",)


def test_no_cache_is_no_section():
    assert "cache" not in section(storage_cache="disabled")


def test_purging_has_all_its_keys_or_the_registry_panics():
    keys = {"enabled", "age", "interval", "dryrun"}
    for changes, enabled in [({}, True), ({"storage_purge_age": ""}, False), ({"storage_read_only": True}, False)]:
        found = section(**changes)["maintenance"]["uploadpurging"]
        assert found.keys() == keys
        assert found["enabled"] is enabled
        assert isinstance(found["age"], str) and isinstance(found["interval"], str)
