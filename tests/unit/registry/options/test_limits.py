"""Limits of the container."""

import pytest
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


def test_sizes_are_counted_as_docker_counts_them():
    sizes = {"1": 1, "512b": 512, "1k": 1024, "512m": 512 * 1024**2, "2G": 2 * 1024**3}
    assert {size: limits(container_memory_limit=size).limits.memory_bytes for size in sizes} == sizes
    assert limits(container_cpu_limit="1.5").limits.nano_cpus == 1_500_000_000
    assert (limits().limits.memory_bytes, limits().limits.nano_cpus) == (0, 0)


def test_docker_is_asked_for_the_limits():
    spec = container.ContainerSpec(
        "r", "sha256:1", {}, (), memory=2**30, nano_cpus=5 * 10**8, log_size="1m", log_files=3
    )
    host = container.create_body(spec, "/x", "x")["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"]) == (2**30, 2**30, 5 * 10**8)
    assert host["LogConfig"]["Config"] == {"max-size": "1m", "max-file": "3"}
    assert container.ContainerSpec.from_json(spec.to_json()) == spec
