"""The arrows between the rooms."""

import ast
import pathlib
import sys

import pytest

LIB = pathlib.Path(__file__).parents[2] / "lib"
EDGES = {
    "api",
    "applied",
    "archive",
    "bridge",
    "engine",
    "machine",
    "openssl",
    "openstack",
    "packages",
    "supply",
    "switch",
}
PURE = sorted(path.stem for path in (LIB / "registry").glob("*.py") if path.stem not in {*EDGES, "__init__"})
FORBIDDEN = {"subprocess", "socket", "shutil", "urllib.request", "http", "sqlite3"}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (
                f"{node.module}.{alias.name}" if node.module == "registry" else node.module for alias in node.names
            )


def inner(names):
    return {name.split(".")[1] for name in names if name.startswith("registry.")}


@pytest.mark.parametrize("module", PURE)
def test_pure_modules_import_values_only(module):
    names = set(imports(LIB / "registry" / f"{module}.py"))
    outside = {name for name in names if name.split(".")[0] not in sys.stdlib_module_names | {"registry"}}
    assert outside <= {"bcrypt", "yaml"}
    assert not {name for name in names if name in FORBIDDEN or name.split(".")[0] in FORBIDDEN - {"http"}}
    assert not inner(names) & EDGES


def test_there_are_pure_modules_and_all_edges():
    assert len(PURE) >= 10
    assert {path.stem for path in (LIB / "registry").glob("*.py")} >= EDGES


def test_only_the_engine_imports_docker_and_only_the_api_speaks_http():
    users = {
        library: {
            path.stem
            for path in (LIB / "registry").glob("*.py")
            if any(n.split(".")[0] == library for n in imports(path))
        }
        for library in ("docker", "requests")
    }
    assert users == {"docker": {"engine"}, "requests": {"api", "engine", "openstack"}}


def test_nothing_in_the_registry_knows_juju():
    for path in (LIB / "registry").glob("*.py"):
        assert not {name for name in imports(path) if name.split(".")[0] in ("charms", "charmhelpers")}, path.name


def test_the_handlers_import_no_more_than_the_layer():
    names = set(imports(LIB.parent / "reactive" / "docker_registry.py"))
    assert {name.split(".")[0] for name in names} == {"charms"}
