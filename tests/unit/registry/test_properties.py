"""Whatever an operator sets: it is refused with sentences that name options, or it gives a whole release."""

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from registry.options import options
from registry.plan import decision, published
from registry.release.release import Release
from test_authentication import HASH, TOKEN
from test_certificates import CERTIFICATE
from test_options import CONFIG, DEFAULTS
from test_plan import facts

PLAUSIBLE = (
    *("", " ", "x", "admin", "secret:abc", "10.0.0.1", "registry:3", "error", "30s", "168h", "off", "none", "512m"),
    *("https://registry.example.com:5000/", "http://[::1]", "http://user:pw@proxy:3128", "https://:0", "//host"),
    *("me: password", f"me: {HASH}", "{}", "[1]", "{", '{"debug": true}', "- deb http://x y z", "me: 1\nme: 2"),
    *(CERTIFICATE, CERTIFICATE[:100], "-----BEGIN", "LS0tLS1CRUdJTg==", "/etc/ssl/cert.pem", "/", "a\nb", "\x00"),
    *TOKEN.values(),
)
TEXT = st.one_of(st.sampled_from(PLAUSIBLE), st.text(st.characters(exclude_categories=["Cs"]), max_size=100))
NUMBER = st.one_of(st.sampled_from((-1, 0, 1, 5, 80, 5000, 65535, 65536)), st.integers(-(2**63), 2**63 - 1))
SLOW = {"auth-basic-bcrypt-cost": st.sampled_from((-1, 0, 3, 4, 5, 18, 99))}
"""What is right, and would take seconds."""


def values(name):
    kinds = {"string": TEXT, "int": NUMBER, "boolean": st.booleans()}
    return SLOW.get(name, kinds[CONFIG[name]["type"]])


CHANGES = st.lists(st.sampled_from(sorted(CONFIG)), max_size=6, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: values(name) for name in names})
)


@pytest.mark.parametrize("count", [200, pytest.param(5000, marks=pytest.mark.soak)])
def test_every_configuration_is_refused_by_name_or_makes_a_release(count):
    @settings(
        max_examples=count, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(CHANGES)
    def examples(changes):
        require_refused_or_released(changes)

    examples()


def require_refused_or_released(changes):
    wanted = options.Options.from_config({**DEFAULTS, **changes})
    problems = wanted.sentences
    for sentence in problems:
        named = sentence.partition(": ")[0].split(", ")
        assert set(named) <= set(CONFIG), sentence
        assert sentence.endswith(".")
    planned = decision.decide(wanted, facts())
    if planned.problems:
        assert planned.release is None
        return
    release = planned.release
    assert Release.from_files(release.files()) == release
    assert yaml.safe_load(release.config_yml)["version"] == 0.1
    assert release.authentication == wanted.authentication.kind
    assert published.published(wanted, facts(), release).peer.port == wanted.registry_port
