"""The benchmarks use the deployed unit of the integration tests."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))

from deployment import archives, charm, deployed, model, small_image, stand_in, unit  # noqa: F401
