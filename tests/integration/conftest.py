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
