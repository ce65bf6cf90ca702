"""Limits of the container."""

import pytest
from registry.options import limits as limits_module
from registry.options import options
from registry.release import container
from test_options import DEFAULTS

SIZE = "is not a size. Use a number with b, k, m or g, for example 512m or 2g"
TEXTS = {
    "container_cpu_limit": "is not a number of CPUs. Use a number of at least 0.01, for example 1.5",
    "container_memory_limit": SIZE,
    "log_max_size": SIZE,
    "log_max_files": "is out of range. Use a number from 1 to 1000",
}


def limits(**changes):
    return options.Options.from_config({**DEFAULTS, **{k.replace("_", "-"): v for k, v in changes.items()}})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("container_cpu_limit", "0"),
        ("container_cpu_limit", "0.001"),
        ("container_cpu_limit", "half"),
        ("container_cpu_limit", "."),
        ("container_cpu_limit", "-1"),
        ("container_memory_limit", "0"),
        ("container_memory_limit", "2gb"),
        ("container_memory_limit", "1.5g"),
        ("container_memory_limit", "\u0662g"),
        ("log_max_size", ""),
        ("log_max_size", "unlimited"),
        ("log_max_files", 0),
        ("log_max_files", -1),
        ("log_max_files", 1001),
    ],
)
def test_a_wrong_limit_is_a_sentence(option, value):
    assert limits(**{option: value}).sentences == (f"{option.replace('_', '-')}: {value!r} {TEXTS[option]}.",)


def test_a_limit_that_docker_refuses_is_a_sentence():
    small, large = "is less than Docker accepts. Use 6m or more", "is more than any machine has. Use a smaller size"
    for value, text in {
        "1": small,
        "6291455": small,
        "6143k": small,
        "5M": small,
        "9223372036854775808": large,
        "8589934592g": large,
        "9" * 90: large,
    }.items():
        (sentence,) = limits(container_memory_limit=value).sentences
        assert text in sentence
    assert not limits(container_memory_limit="6m").sentences
    assert not limits(log_max_size="1k").sentences


def test_what_docker_says_of_a_value_is_about_its_option():
    made = "container x cannot be created:"
    for words, option in {
        f"{made} Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available": "container-cpu-limit",
        f"{made} Minimum memory limit allowed is 6MB": "container-memory-limit",
        f"{made} runc: init was OOM-killed (memory limit too low?): unknown": "container-memory-limit",
        "container x cannot be started: failed to initialize logging driver: journald is not enabled on this host": (
            "log-driver"
        ),
        f"{made} No such image: x": None,
    }.items():
        found = limits_module.refused(words)
        assert (found[0] if found else None) == option, words
        assert found is None or "Docker refuses the value (" in found[1]


def test_sizes_are_counted_as_docker_counts_them():
    sizes = {"1": 1, "512b": 512, "1k": 1024, "512m": 512 * 1024**2, "2G": 2 * 1024**3}
    assert {size: limits(container_memory_limit=size).limits.memory_bytes for size in sizes} == sizes
    for text, billionths in {"1.5": 1_500_000_000, ".5": 500_000_000, "2.": 2_000_000_000, "0.01": 10_000_000}.items():
        accepted = limits(container_cpu_limit=text)
        assert (accepted.sentences, accepted.limits.nano_cpus) == ((), billionths)
    assert (limits().limits.memory_bytes, limits().limits.nano_cpus) == (0, 0)


def test_docker_is_asked_for_the_limits():
    spec = container.ContainerSpec(
        "r", "sha256:1", {}, (), memory=2**30, nano_cpus=5 * 10**8, log_size="1m", log_files=3
    )
    host = container.create_body(spec, "/x", "x")["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"]) == (2**30, 2**30, 5 * 10**8)
    assert host["LogConfig"]["Config"] == {"max-size": "1m", "max-file": "3"}
    assert container.ContainerSpec.from_json(spec.to_json()) == spec
