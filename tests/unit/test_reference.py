"""docs/reference says what config.yaml, actions.yaml, metadata.yaml and the code say."""

import re

import messages
import pytest
import reference
import yaml
from registry.deployment import credentials, store

METADATA = yaml.safe_load((reference.ROOT / "metadata.yaml").read_text())
OPTIONS = yaml.safe_load((reference.ROOT / "config.yaml").read_text())["options"]
ACTIONS = yaml.safe_load((reference.ROOT / "actions.yaml").read_text())
RELATIONS = {**METADATA["provides"], **METADATA["requires"], **METADATA["peers"]}
PARAMETERS = [spec for action in ACTIONS.values() for spec in action.get("params", {}).values()]


def headings(page):
    lines = (reference.FOLDER / page).read_text().splitlines()
    return [line.strip("# `") for line in lines if line.startswith(("## `", "### `"))]


@pytest.mark.parametrize("page", reference.PAGES)
def test_a_page_is_what_its_sources_say(page):
    assert (reference.FOLDER / page).read_text() == reference.pages()[page], "run `make docs`"


@pytest.mark.parametrize(("page", "names"), [("options", OPTIONS), ("actions", ACTIONS), ("relations", RELATIONS)])
def test_each_has_a_section_of_its_own(page, names):
    assert sorted(headings(f"{page}.md")) == sorted(names)


def test_each_option_is_in_one_group():
    grouped = [name for names in reference.option_groups().values() for name in names]
    assert grouped == list(OPTIONS)
    assert len(reference.option_groups()) > 5


def test_these_messages_say_that_the_registry_serves_and_serving_examine_is_behind_them():
    """Whoever adds another one shows that a request stands behind it."""
    rows = (reference.FOLDER / "status-messages.md").read_text().splitlines()
    texts = [row.split(" | ")[0].strip("| ") for row in rows if row.startswith("| ")]
    claims = re.compile(r"(?i)\b(serves|serving|ready)\b")
    assert [text for text in texts if claims.search(text)] == [
        "a cache stores the images that it serves",
        "Ready at *netloc* (*scheme*)",
        "Still serving at *netloc* (*scheme*)",
    ]


def test_each_relation_has_a_meaning():
    assert reference.RELATIONS.keys() == RELATIONS.keys()


def test_each_file_of_the_configuration_is_listed():
    prefix = f"{store.ROOT}/"
    listed = {place.path.removeprefix(prefix).split("/")[0] for place in reference.places()}
    assert {*store.OWN_NAMES, *credentials.OWN_NAMES} <= listed


def test_a_description_is_short():
    for spec in (*OPTIONS.values(), *ACTIONS.values(), *PARAMETERS):
        lines = spec["description"].rstrip().splitlines()
        assert len(lines) <= 5, lines
        assert max(map(len, lines)) <= 100, lines
        assert lines[0][0].isupper(), lines
        assert lines[-1].endswith("."), lines


def test_nothing_in_a_description_is_read_as_html_or_cut_out_of_code():
    lines = reference._prose("Push `<host>/x` to <host>, " + "with many words " * 5 + "`docker push <host>`.", set())
    assert lines[0].startswith(r"Push `<host>/x` to \<host>, with")
    assert "`docker push <host>`." in "\n".join(lines)
    assert max(map(len, lines)) <= reference.WIDTH


def test_a_message_has_a_cause_and_says_what_to_do():
    for entry in messages.entries():
        assert entry.cause, f"{entry.name}: the text after it says why it happens"
        assert entry.problem[-1] != ".", entry.name
        assert entry.remedy[-1:] != ".", entry.name
        assert any(entry.module.is_relative_to(messages.LIB / folder) for folder in messages.PARTS), entry.name


def test_no_message_is_made_where_the_reference_does_not_see_it():
    for path in messages.LIB.rglob("*.py"):
        seen = [entry for entry in messages.entries() if entry.module == path]
        assert len(seen) == messages.uses(path), path
