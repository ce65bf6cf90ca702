"""The fixtures are in `deployment`, where the benchmarks find them too."""

from deployment import archives, charm, deployed, model, pytest_report_header, small_image, stand_in, unit  # noqa: F401
