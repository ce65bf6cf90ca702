"""The Markdown files: links lead somewhere, lines and tables can be read, and the README is short."""

import re

import pytest
import reference
import shell_blocks

ROOT = reference.ROOT
DOCUMENTS = sorted(
    path.relative_to(ROOT)
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
OPERATORS = [path for path in DOCUMENTS if path.parts[0] in {"README.md", "SECURITY.md", "CONTRIBUTING.md", "docs"}]
"""What an operator reads."""
README_LINES = 130
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")


def prose(text):
    """Return the lines of *text* by their number, without blocks of code."""
    found, is_code = {}, False
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code:
            found[number] = line
    return found


def links(text):
    """Return the targets of the links in *text*; one may be broken over two lines, and none is in code."""
    whole = "\n".join(prose(text).values())
    return LINK.findall(re.sub(r"`[^`]*`", "code", whole))


def anchors(text):
    """Return the anchors of the headings in *text*."""
    return {reference.anchor(line.lstrip("#").strip()) for line in prose(text).values() if re.match("#{1,6} ", line)}


def dead(document, text, others):
    """Return the links of *document* that lead nowhere; *others* are the texts of the documents by their path."""
    found = []
    for target in links(text):
        path, _, anchor = target.partition("#")
        if re.match("[a-z]+:", target):
            continue
        place = (ROOT / document.parent / path).resolve() if path else ROOT / document
        is_there = place in others or place.exists()
        if not is_there or (anchor and anchor not in anchors(others.get(place, ""))):
            found.append(target)
    return found


@pytest.fixture(scope="module")
def texts():
    return {ROOT / path: (ROOT / path).read_text() for path in DOCUMENTS}


def test_no_link_is_dead(texts):
    found = {document: dead(document, texts[ROOT / document], texts) for document in DOCUMENTS}
    assert not {document: links for document, links in found.items() if links}


def test_a_dead_link_is_noticed(texts):
    text = "[a](nowhere.md) [b](README.md#nowhere) [c](#here) [d](README.md) `[e](code.md)`\n# Here\n"
    others = {**texts, ROOT / "x.md": text}
    assert dead(reference.Path("x.md"), text, others) == ["nowhere.md", "README.md#nowhere"]


def test_a_line_of_prose_can_be_read(texts):
    lines = {(document, *line) for document in OPERATORS for line in prose(texts[ROOT / document]).items()}
    assert not [one for one in lines if len(one[-1]) > 100 and not one[-1].startswith("|")]


def test_a_table_has_few_columns_and_short_cells(texts):
    for document in OPERATORS:
        rows = [line for line in prose(texts[ROOT / document]).values() if line.startswith("|")]
        cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
        assert [row for row in cells if len(row) > 5 or max(map(len, row)) > 140] == [], document


def test_every_page_is_in_the_index(texts):
    pages = {path for path in DOCUMENTS if path.parts[0] == "docs"} - {reference.Path("docs/README.md")}
    listed = {reference.Path("docs", target) for target in links(texts[ROOT / "docs/README.md"])}
    assert pages <= listed


def test_the_readme_is_short(texts):
    assert len(texts[ROOT / "README.md"].splitlines()) <= README_LINES


def commands(text):
    """Return the commands in blocks of code, each on a line of its own and without what is quoted."""
    blocks = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [re.sub(r"\"[^\"]*\"|'[^']*'", "QUOTED", line) for line in lines]


def unknown(text):
    """Return the options, actions, parameters and endpoints in commands of *text* that the charm does not have."""
    options, actions = set(reference.read("config.yaml")["options"]), reference.read("actions.yaml")
    found = set()
    for command in commands(text):
        if named := re.match(r"\w*juju config docker-registry (?:--reset (\S+))?(.*)", command):
            found |= {*(named[1] or "").split(","), *re.findall(r"(?:^|\s)([a-z][\w-]*)=", named[2])} - options - {""}
        if named := re.match(r"\w*juju run (?:--wait=\S+ )?docker-registry/\d (\S+)(.*)", command):
            known = actions.get(named[1], {}).get("params", {})
            found |= ({named[1]} - set(actions)) | (set(re.findall(r"\s([a-z-]+)=", named[2])) - set(known))
        found |= set(re.findall(r"--config ([a-z][\w-]*)=", command)) - options
        found |= set(re.findall(r"juju integrate docker-registry:(\S+)", command)) - set(reference.RELATIONS)
    return found


def test_a_command_names_what_the_charm_has(texts):
    found = {document: unknown(texts[ROOT / document]) for document in OPERATORS}
    assert not {document: names for document, names in found.items() if names}


def test_a_command_that_names_something_else_is_noticed():
    text = """```
juju config docker-registry registry-port=5001 \\
    nothing="x y=z"
juju config docker-registry --reset registry-port,gone
localjuju run docker-registry/0 push image=x colour=red
juju run docker-registry/0 pushed
juju deploy ./x.charm --config port=1
juju integrate docker-registry:nowhere x
```
"""
    assert unknown(text) == {"nothing", "gone", "colour", "pushed", "port", "nowhere"}


def test_each_block_of_commands_is_run_or_says_what_it_needs():
    assert shell_blocks.unlisted() == [], "see the table in tests/unit/shell_blocks.py"
