"""Which images of a repository have had their time."""

import pytest
from registry.images.inventory import Repository
from registry.images.manifest import Manifest
from registry.images.retention import BadRule, Rules, age, expired
from registry.images.selection import selections

NOW = 1_790_000_000.0  # 2026-09-21
DIGESTS = {day: f"sha256:{day:064x}" for day in range(1, 10)}


def repository(**tags):
    """Return one with images of these days of September; `_` in a tag stands for a dot."""
    named = {tag.replace("_", "."): DIGESTS[day] for tag, day in tags.items()}
    return Repository("app", named, {digest: Manifest(digest, "", 1) for digest in named.values()})


CREATED = {digest: f"2026-09-{day:02}T00:00:00Z" for day, digest in DIGESTS.items()}


def days(found):
    return [next(day for day, digest in DIGESTS.items() if digest == one) for one in found]


@pytest.mark.parametrize(
    ("rules", "gone"),
    [
        ({"keep": 2}, [1, 2]),
        ({"keep": 9}, []),
        ({"keep": 0}, [1, 2, 3, 4]),
        ({"older_than": age("18d")}, [1, 2, 3]),
        ({"older_than": age("18d"), "keep": 3}, [1]),
        ({"older_than": age("1d"), "keep": 1}, [1, 2, 3]),
        ({"listed": frozenset({("app", "v1"), ("app", DIGESTS[4])})}, [2, 3]),
        ({"listed": frozenset({("other", "v1")})}, [1, 2, 3, 4]),
        ({"keep": 0, "protected": selections("app:v1 *:v3")}, [2, 4]),
        ({"keep": 0, "protected": selections(f"app@{DIGESTS[4]}")}, [1, 2, 3]),
        ({"keep": 0, "protected": selections(f"app:moved@{DIGESTS[4]}")}, [1, 2, 3]),
    ],
)
def test_rules(rules, gone):
    assert days(expired(repository(v1=1, v2=2, v3=3, v4=4), CREATED, Rules(**rules), NOW)) == gone


def test_an_image_with_several_tags_counts_once_and_stays_with_one_of_them():
    assert days(expired(repository(v1=1, stable=1, v2=2, latest=3, v3=3), CREATED, Rules(keep=1), NOW)) == [1, 2]
    rules = Rules(keep=0, protected=selections("app:stable"))
    assert days(expired(repository(v1=1, stable=1, v2=2), CREATED, rules, NOW)) == [2]


def test_dependents_are_not_counted():
    tags = {**repository(v1=1, v2=2).tags, f"sha256-{DIGESTS[2].partition(':')[2]}.sig": DIGESTS[9]}
    signed = Repository("app", tags, {digest: Manifest(digest, "", 1) for digest in tags.values()})
    assert days(expired(signed, CREATED, Rules(keep=1), NOW)) == [1]


@pytest.mark.parametrize(
    "created",
    ["", "yesterday", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2026-09-01", "2026-13-01T00:00:00Z"],
)
def test_an_image_of_unknown_age_is_never_too_old(created):
    assert expired(repository(v1=1), {DIGESTS[1]: created}, Rules(older_than=1), NOW) == []
    times = {**CREATED, DIGESTS[3]: created, DIGESTS[4]: created}
    assert days(expired(repository(v1=1, v2=2, v3=3, v4=4), times, Rules(keep=1), NOW)) == [1]


def test_images_of_unknown_age_stay_as_nobody_can_tell_which_are_the_newest():
    created = {digest: time for digest, time in CREATED.items() if digest not in (DIGESTS[1], DIGESTS[2], DIGESTS[3])}
    images = repository(v1=1, v2=2, v3=3, v4=4, v5=5)
    assert days(expired(images, created, Rules(keep=1), NOW)) == [4]
    assert len(expired(images, created, Rules(keep=0), NOW)) == 5
    assert len(expired(images, created, Rules(listed=frozenset()), NOW)) == 5


@pytest.mark.parametrize("created", ["2026-09-01T00:00:00.123456789Z", "2026-09-01T00:00:00.1+02:00"])
def test_times_as_go_writes_them(created):
    assert len(expired(repository(v1=1), {DIGESTS[1]: created}, Rules(older_than=1), NOW)) == 1


@pytest.mark.parametrize("rules", [{}, {"keep": -1}])
def test_without_a_rule_nothing_is_pruned(rules):
    with pytest.raises(BadRule):
        Rules(**rules)


@pytest.mark.parametrize("text", ["", "30", "d", "0d", "-1d", "30m", "1.5d", "999999d"])
def test_what_is_no_age(text):
    with pytest.raises(BadRule):
        age(text)
