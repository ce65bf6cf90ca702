"""Which file begins first: the one that took longest last time, so that no worker is left alone with it at the end."""

from __future__ import annotations

from collections import Counter

import pytest

KEY = "integration/seconds"
GUESS = 10
"""The seconds of a test that has not been run here yet."""


class Order:
    """The plugin that keeps the duration of each test in pytest's cache, and goes by it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._seconds: Counter[str] = Counter()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        known, files = self._config.cache.get(KEY, {}), Counter()
        for item in items:
            files[item.path] += known.get(item.nodeid, GUESS)
        items.sort(key=lambda item: -files[item.path])  # stable: a file's tests keep their order

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        if not hasattr(self._config, "workerinput"):  # the one process that hears of all tests
            self._config.cache.set(KEY, {**self._config.cache.get(KEY, {}), **self._seconds})
