"""What is made of pip-audit's answer: known vulnerabilities, and packages that nothing is known about."""

import audit

FINE = {"name": "good", "version": "1", "vulns": []}
HOLES = [{"id": "CVE-2026-1", "fix_versions": ["2.1", "3"]}, {"id": "CVE-2026-2", "fix_versions": []}]


def test_a_vulnerability_is_a_problem():
    packages = [FINE, {"name": "bad", "version": "2", "vulns": HOLES}]
    assert list(audit.find_problems(packages)) == [
        "bad 2: CVE-2026-1, fixed in 2.1, 3",
        "bad 2: CVE-2026-2, fixed in no version",
    ]


def test_a_package_that_was_not_looked_up_is_a_problem():
    skipped = {"name": "unknown", "skip_reason": "Dependency not found on PyPI"}
    told = "packages not audited, because PyPI did not answer for them"
    assert list(audit.find_problems([FINE, skipped])) == [f"1 of 2 {told}: unknown"]
    assert list(audit.find_problems([skipped])) == [f"1 of 1 {told}: all"]
