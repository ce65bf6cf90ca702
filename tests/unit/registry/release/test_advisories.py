"""Which advisories concern which registry."""

import pytest
from registry.release import advisories
from registry.release.advisories import CACHE, FIXED_DELETE, S3, TOKENS

CACHE_CVE = {"CVE-2026-85747", "CVE-2026-33540"}


@pytest.mark.parametrize(
    ("version", "present", "ids"),
    [
        ("2.8.3", {FIXED_DELETE, S3, TOKENS}, set()),
        ("2.8.2+ds1", {CACHE}, CACHE_CVE),
        ("2.8.1", set(), {"CVE-2023-2253"}),
        ("2.7.1", {CACHE}, {"CVE-2023-2253", "CVE-2021-41190", *CACHE_CVE}),
        ("3.0.0-rc.1", {TOKENS}, {"CVE-2025-24976"}),
        ("3.0.0", {FIXED_DELETE, S3, TOKENS}, {"CVE-2026-41888", "distribution#4891, #4903"}),
        ("3.1.1", {CACHE, FIXED_DELETE}, {"CVE-2026-85747"}),
        ("3.1.2", {CACHE, FIXED_DELETE, S3, TOKENS}, set()),
    ],
)
def test_an_advisory_concerns_what_its_text_says(version, present, ids):
    assert {one.id for one in advisories.affecting(version, frozenset(present))} == ids


def test_the_versions_of_the_table_are_versions():
    for one in advisories.ADVISORIES:
        assert one.concerns(one.since if one.since != "0" else "2.8.0") or one.fixed == "2.8.0"
        assert not one.concerns(one.fixed)
        assert one.summary[0].isupper()
        assert not one.summary.endswith(".")
