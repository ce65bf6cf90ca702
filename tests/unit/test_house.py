"""The house: which package may import which, how large a file may be, and what the pure packages keep their hands off.

`lib/registry` is eight packages. Five are pure: they turn values into values. Three are edges: they act.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIB = ROOT / "lib"

PURE = {
    "formats": set(),
    "images": set(),
    "options": {"formats", "images"},
    "release": {"formats", "options"},
    "plan": {"formats", "options", "release"},
}
EDGES = {
    "client": {"formats", "images", "options", "machine"},
    "machine": {"formats", "images", "options"},
    "deployment": {"formats", "images", "release", "client", "machine"},
}
ALLOWED = PURE | EDGES
"""Package to the packages that it may import. All may import `registry.message`, what operators read.

Edges may import `registry.deadline`, how long they may wait.
"""

LINES = 250
"""A file with more lines than this is two nouns."""

OUTSIDE = {"os", "subprocess", "socket", "shutil", "tempfile", "glob", "http", "urllib.request", "sqlite3", "ssl"}
"""Modules of the standard library that reach files, processes, sockets or the environment."""

IN_MEMORY = {"handshake.py": {"os", "ssl"}}
"""OpenSSL as Python has it reads a key from a file only: that one is in memory (memfd), and nobody else sees it."""

ENGINE = {f"machine/{name}.py" for name in ("engine", "engine_errors", "engine_images")}
"""The modules that use Docker's SDK, and the HTTP library below it for its errors."""

CLOCKS = {"time.time", "time.monotonic", "time.sleep", "datetime.datetime.now", "datetime.datetime.utcnow"}

ONLOOKERS = re.compile(r"_?(read|is|has|find)_")
"""Names of functions that only look."""

EFFECTS = re.compile(
    r"_?(write|ensure|publish|remove|restart|reload|make|install|keep|save|forget|put|create|start|stop|push|pull)_"
    r"|(set|clear|toggle)_flag$|(unlink|mkdir|rmdir|rmtree|chmod|chown|rename|symlink_to|write_text|write_bytes)$"
    r"|(status|relation|leader|action)_set$|(open|close)_port$"
)
"""Names of functions that act."""


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports(path: Path) -> Iterator[str]:
    """Every module that the file imports, at its top or inside a function, as `package.module`."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if is_module(inner) else node.module


def is_module(name: str) -> bool:
    path = LIB.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def modules(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (LIB / "registry" / package).glob("*.py"))


def test_the_packages_are_those_of_the_table():
    registry = LIB / "registry"
    assert {path.name for path in registry.iterdir() if (path / "__init__.py").exists()} == set(ALLOWED)
    assert sorted(path.name for path in registry.glob("*.py")) == ["__init__.py", "deadline.py", "message.py"]


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_what_the_table_allows(package):
    files = modules(package)
    assert len(files) > 1
    found = {name for path in files for name in imports(path) if name.split(".")[0] == "registry"}
    assert {name.split(".")[1] for name in found} <= ALLOWED[package] | {package, "message"} | (
        {"deadline"} if package in EDGES else set()
    )


def test_pure_packages_import_values_only():
    for path in modules(*PURE):
        names = {name for name in imports(path) if name.split(".")[0] != "registry"}
        assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names | {"bcrypt", "yaml"}, path
        reach = {name for name in names if name in OUTSIDE or name.split(".")[0] in OUTSIDE}
        assert reach == IN_MEMORY.get(path.name, set()), path


def test_pure_packages_touch_no_file_no_clock_and_no_environment():
    methods = {"read_text", "write_text", "exists", "unlink"}
    for path in modules(*PURE):
        called = {ast.unparse(node.func) for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)}
        assert called & (CLOCKS | {"open", "print", "input"}) <= ({"open"} if path.name in IN_MEMORY else set()), path
        assert not {name for name in called if name.rpartition(".")[2] in methods}, path


def test_each_library_has_its_one_place():
    users = {
        library: {
            str(path.relative_to(LIB / "registry"))
            for path in modules(*ALLOWED)
            if any(name.split(".")[0] == library for name in imports(path))
        }
        for library in ("docker", "requests", "bcrypt")
    }
    assert users["docker"] <= ENGINE
    assert {name for name in users["requests"] if not name.startswith("client/")} <= ENGINE
    assert users["bcrypt"] == {"formats/htpasswd.py"}


def test_nothing_in_the_registry_knows_juju():
    for path in modules(*ALLOWED):
        assert not {name for name in imports(path) if name.split(".")[0] in ("charms", "charmhelpers")}, path


def test_the_handlers_import_the_layer_alone():
    names = set(imports(ROOT / "reactive/docker_registry.py"))
    assert {name.split(".")[0] for name in names} <= {"charms", "charmhelpers"}


def test_no_module_imports_itself_by_way_of_others():
    files = {
        ".".join(path.relative_to(LIB).with_suffix("").parts): path
        for path in LIB.rglob("*.py")
        if "shims" not in path.parts and path.name != "__init__.py"
    }
    arrows = {name: {target for target in imports(path) if target in files} for name, path in files.items()}
    assert len(arrows) > 50
    while arrows:
        ends = {name for name, targets in arrows.items() if not targets & set(arrows)}
        assert ends, f"a circle among {sorted(arrows)}"
        arrows = {name: targets for name, targets in arrows.items() if name not in ends}


def test_no_file_is_too_long():
    files = [path for folder in ("lib", "reactive", "actions", "localjuju") for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 80
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files}
    assert {name: count for name, count in lines.items() if count > LINES} == {}


def test_what_is_named_as_a_question_changes_nothing():
    files = [path for folder in ("lib", "reactive") for path in (ROOT / folder).rglob("*.py")]
    asked, wrong = 0, []
    for path in files:
        for node in ast.walk(parsed(path)):
            if not (isinstance(node, ast.FunctionDef) and ONLOOKERS.match(node.name)):
                continue
            asked += 1
            for call in (inner for inner in ast.walk(node) if isinstance(inner, ast.Call)):
                name = ast.unparse(call.func).rpartition(".")[2]
                if EFFECTS.match(name):
                    wrong.append(f"{path.relative_to(ROOT)}: {node.name} calls {name}")
    assert asked > 30
    assert wrong == []
