"""What the registry tells of itself."""

import pytest
import yaml
from registry import configuration, options
from test_options import DEFAULTS


def asked(**changes):
    return options.Options.from_config({**DEFAULTS, **{k.replace("_", "-"): v for k, v in changes.items()}})


@pytest.mark.parametrize("level", ["", "warning", "INFO"])
def test_an_unknown_level_is_a_sentence(level):
    assert options.problems(asked(log_level=level)) == (f"log-level: {level!r} is none of error, warn, info, debug.",)


def test_the_log_is_as_asked():
    found = yaml.safe_load(configuration.config_yml(asked(log_level="warn", log_access=False), "hush", 2))
    assert found["log"] == {"level": "warn", "fields": {"service": "registry"}, "accesslog": {"disabled": True}}
