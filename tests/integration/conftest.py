"""The fixtures are in `deployment`, where the benchmarks find them too."""

from deployment import archives, charm, deployed, model, pytest_report_header, small_image, unit  # noqa: F401
