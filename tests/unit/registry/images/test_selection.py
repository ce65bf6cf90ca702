"""Which images an operator means."""

import pytest
from registry.images.selection import BadSelection, Pattern, selections

DIGEST = f"sha256:{'0a' * 32}"
TAGS = {"1.0": DIGEST, "1.1": DIGEST, "latest": DIGEST, f"sha256-{'0a' * 32}.sig": DIGEST}


@pytest.mark.parametrize(
    ("text", "repository", "tags"),
    [
        ("app:1.0", "app", ["1.0"]),
        ("app:1.*", "app", ["1.0", "1.1"]),
        ("app:1.?", "app", ["1.0", "1.1"]),
        ("app:1.[!0]", "app", ["1.1"]),
        ("*:latest", "team/app", ["latest"]),
        ("team/*:latest", "team/app", ["latest"]),
        ("app:1.0", "other", []),
        ("app:1", "app", []),
        (f"app@{DIGEST}", "app", []),
        (f"app:1.0@{DIGEST}", "app", ["1.0"]),
        (f"app:1.0@sha256:{'1b' * 32}", "app", []),
    ],
)
def test_tags(text, repository, tags):
    (one,) = selections(text)
    assert one.tags(repository, TAGS) == tags


def test_several_names():
    assert len(selections(f" app:1.0\n other@{DIGEST}\t")) == 2
    assert selections(f"app@{DIGEST}")[0].digests("app") == [DIGEST]
    assert selections(f"app@{DIGEST}")[0].digests("other") == []
    assert selections(f"app:1.0@{DIGEST}")[0].digests("app") == []  # which has other tags too


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "app",
        "--all",
        "App:1",
        "app:",
        f"app:@{DIGEST}",
        "app@sha256:0a",
        f"app@{DIGEST}0",
        "host:5000/app:1",
        "app:1;reboot",
        "app:$(id)",
        "app:1/2",
        "a" * 600 + ":1",
        "app:\x00",
        "áäb:1",
        f"app:1@{DIGEST}x",
    ],
)
def test_what_selects_nothing_is_refused(text):
    with pytest.raises(BadSelection):
        selections(text)


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("", "team/app", True),
        ("team/*", "team/app", True),
        ("team/*", "other/app", False),
        ("app", "app2", False),
        ("^team/(app|web)$", "team/web", True),
        ("^team/(app|web)$", "team/db", False),
        ("^team", "team/db", True),
    ],
)
def test_patterns_of_repositories(pattern, name, matches):
    assert Pattern.parse(pattern).matches(name) == matches


@pytest.mark.parametrize("pattern", ["^(", "^[", "^a{9999999999}", "^" + "(" * 500, "x" * 600])
def test_a_pattern_that_cannot_be_read(pattern):
    with pytest.raises(BadSelection):
        Pattern.parse(pattern)
