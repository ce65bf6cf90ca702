"""The catalog of a large registry: time grows with the number of images, memory stays below 200 MB."""

import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).with_name("catalog.py")


@pytest.mark.parametrize("repositories", [1_000, 10_000])
def test_the_catalog_of_a_large_registry(repositories, capsys):
    done = subprocess.run([sys.executable, SCRIPT, str(repositories)], capture_output=True, text=True, check=True)
    with capsys.disabled():
        print(f"\n  {done.stdout.strip()}")
