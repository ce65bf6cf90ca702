"""The catalog of a large registry: time grows with the number of images, memory stays below 200 MB."""

import json
import pathlib
import subprocess
import sys

import pytest

SECTION = "Scale"
SCRIPT = pathlib.Path(__file__).with_name("catalog.py")


def catalog(repositories):
    done = subprocess.run([sys.executable, SCRIPT, str(repositories)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("number", [1_000, pytest.param(10_000, marks=pytest.mark.soak)])
def test_the_catalog_of_a_large_registry(number, figure):
    few, many = catalog(100), catalog(number)
    name, to = f"catalog of {number} repositories", "100 repositories"
    yardstick = [few["seconds"] / 100 * 1e3]
    figure(f"{name}, each", [many["seconds"] / number * 1e3], yardstick, of="ms", to=to)
    figure(f"{name}, memory", [many["most"]], [few["most"]], of="MiB", to=to)
