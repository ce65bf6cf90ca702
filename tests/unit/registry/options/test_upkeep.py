"""The options gc-schedule and prune-*, validation-urls-allow and catalog-max-entries."""

from test_options import CONFIG, DEFAULTS  # noqa: F401
from test_plan import wanted


def problems(**changes):
    return wanted(**changes).problems


def test_what_is_wrong_with_them():
    schedule = {"prune_schedule": "02:00"}
    for changes, beginning in (
        (schedule, {"prune-policy": "not set, but prune-schedule is set"}),
        ({**schedule, "prune_policy": "match=x"}, {"prune-policy": "no rule is given"}),
        ({**schedule, "prune_policy": "keep=1 dry-run=true"}, {"prune-policy": "'dry-run=true' is not a rule"}),
        ({**schedule, "prune_policy": "keep=x"}, {"prune-policy": "'x' is not a number"}),
        ({**schedule, "prune_policy": "older-than=1"}, {"prune-policy": "'1' is not an age"}),
        ({**schedule, "prune_policy": "keep=1 match=^("}, {"prune-policy": "'^(' is not a regular expression"}),
        (
            {**schedule, "prune_policy": "keep=1 match=^a{9999999999}"},
            {"prune-policy": "'^a{9999999999}' is not a reg"},
        ),
        ({**schedule, "prune_policy": "keep=10 keep=3"}, {"prune-policy": "keep is set 2 times. Set it once"}),
        ({**schedule, "prune_policy": "keep=1 match=a match=b"}, {"prune-policy": "match is set 2 times"}),
        ({**schedule, "prune_policy": "not-in-list=/a not-in-list=/b"}, {"prune-policy": "not-in-list is set 2 times"}),
        ({**schedule, "prune_policy": "keep=10 older-than=30d match=team/*"}, {}),
        ({"prune_protect": "app"}, {"prune-protect": "'app' names no tag"}),
        ({"prune_protect": "app:1 b app:2"}, {"prune-protect": "word 2 is not the name of an image with a tag"}),
        ({"gc_schedule": "Sun\n03:00"}, {"gc-schedule": "the value contains a control character"}),
        ({"validation_urls_allow": "^https:// ("}, {"validation-urls-allow": "'(' is not a regular expression"}),
        (
            {"validation_urls_allow": "a{9999999999}"},
            {"validation-urls-allow": "'a{9999999999}' is not a regular expre"},
        ),
        (
            {"validation_urls_allow": "(" * 3000},
            {"validation-urls-allow": f"'{'(' * 40}...' is not a regular expression"},
        ),
        ({"validation_urls_allow": r"\\Q("}, {"validation-urls-allow": r"'\\\\Q(' is not a regular expression"}),
        ({"validation_urls_allow": r"^https://x\.com\z ^http(?i)s:// \Q(\E [\p{Greek}\pL] (?<host>x)"}, {}),  # Go's
        ({"catalog_max_entries": 0}, {"catalog-max-entries": "0 is out of range"}),
    ):
        found = problems(**changes)
        assert found.keys() == beginning.keys(), changes
        assert all(found[option].startswith(text) for option, text in beginning.items()), found


def test_a_schedule_that_is_wrong_is_none():
    asked = wanted(gc_schedule="Sun 03:00", prune_schedule="02:00", prune_policy="keep=1", prune_protect="app")
    assert asked.upkeep.schedules == {"garbage-collect": ("gc-schedule", "Sun 03:00")}
    assert asked.upkeep.requests("prune")
    assert wanted(prune_policy="keep=1").unused.keys() == {"prune-policy"}
