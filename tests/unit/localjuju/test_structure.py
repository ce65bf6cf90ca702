"""How localjuju's modules depend on each other, and how large they are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from localjuju import cli
from localjuju.session import VERBS

PACKAGE = Path(cli.__file__).parent
LINES = 250
"""A file with more lines than this is two nouns."""


def imports(package: Path) -> dict[str, set[str]]:
    """Module of a package -> the modules of it that it imports, inside functions as well.

    Imports for type checkers alone (`if TYPE_CHECKING:`) do not count: nothing runs them.
    """
    files = {path: _name(package, path) for path in sorted(package.rglob("*.py"))}
    modules = set(files.values())
    return {
        name: {found for found in _imported(ast.parse(path.read_text())) if found in modules} - {name}
        for path, name in files.items()
    }


def _name(package: Path, path: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield str(node.module)
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
        for child in ast.iter_child_nodes(node):
            yield from _imported(child)


def circles(graph: dict[str, set[str]]) -> list[str]:
    """The modules that are left when those are taken out, again and again, that import none of the others."""
    left = dict(graph)
    while free := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in free:
            del left[name]
    return sorted(left)


def test_a_circle_is_found(tmp_path: Path) -> None:
    package = tmp_path / "house"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("def f():\n    from house import two\n")
    (package / "two.py").write_text("from house.one import f\nimport house.three\n")
    (package / "three.py").write_text("import os\n")
    assert imports(package)["house.two"] == {"house.one", "house.three"}
    assert circles(imports(package)) == ["house.one", "house.two"]


def test_imports_have_no_circle() -> None:
    graph = imports(PACKAGE)
    assert graph["localjuju.cli"] >= {"localjuju.session"}
    assert circles(graph) == []


def test_the_session_does_not_know_the_verbs() -> None:
    assert not {name for name in imports(PACKAGE)["localjuju.session"] if ".verbs" in name}


def test_no_file_is_too_long() -> None:
    sizes = {path.name: len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {name: size for name, size in sizes.items() if size > LINES} == {}


def test_the_table_of_modules_has_every_verb() -> None:
    """A verb that the table does not name would never be found."""
    named = {verb: f"localjuju.verbs.{module}" for module, verbs in cli.MODULES.items() for verb in verbs.split()}
    assert all(cli.load(name) for name in named)
    assert {name: run.__module__ for name, (_, _, run) in VERBS.items()} == named
    assert {path.stem for path in (PACKAGE / "verbs").glob("*.py")} == {"__init__", *cli.MODULES}
