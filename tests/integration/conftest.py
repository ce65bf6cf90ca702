"""The fixtures are in `deployment`, where the benchmarks find them too."""

from deployment import (  # noqa: F401
    archives,
    charm,
    deployed,
    model,
    pytest_addoption,
    pytest_report_header,
    small_image,
    stand_in,
    unit,
)
from failure import pytest_runtest_makereport  # noqa: F401
from order import Order


def pytest_configure(config):
    config.pluginmanager.register(Order(config))
