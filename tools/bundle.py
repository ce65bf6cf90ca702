"""The Python packages that the charm contains, unpacked from the files in requirements.lock.

One set of folders is for all supported Pythons and both architectures, because compiled modules have both in
their names: `any/` contains pure Python, `x86_64/` and `aarch64/` compiled packages.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import locked
import pythons

ARCHITECTURES = ("x86_64", "aarch64")

GLIBC = ("2014", "_2_17", "_2_28", "_2_34", "_2_35")
"""The kinds of manylinux wheels that run on Ubuntu 22.04 (glibc 2.35) and later."""

SOURCE_ONLY = {"charmhelpers": "charmhelpers", "charms-reactive": "charms"}
"""Packages without wheels, pure Python, and the folder of their source archive that is included."""

STOOD_IN = ("certifi", "charset-normalizer")
"""Packages that requests imports, and for which lib/shims has a module that stands in."""

LEFT_OUT = re.compile(
    r"""(^|/)(tests?|__pycache__|[^/]*\.data)/                # not required
    | \.dist-info/(?!METADATA|licen[cs]es?/|LICEN[CS]E|COPYING|NOTICE|AUTHORS)   # pip's own records
    | \.(pyi|pyx|pxd|c|h)$                                   # for compilers and type checkers
    | ^yaml/_yaml\.cpython-.*\.so$                           # 26 MB unpacked, and not used
    | ^_yaml/                                                 # its former name
    | ^charmhelpers/contrib/(?!__init__\.py|charmsupport/)    # for other charms: OpenStack, Ceph, ...
    """,
    re.VERBOSE,
)


def trees(lock: Path) -> Path:
    """The folder with the trees of a lock; created once and kept in the user's cache.

    Raises subprocess.CalledProcessError when pip cannot download a file, ValueError when two files disagree.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "docker-registry-charm"
    state = lock.read_bytes() + Path(__file__).read_bytes() + " ".join(pythons.SUPPORTED).encode()
    folder = cache / f"packages-{hashlib.sha256(state).hexdigest()[:16]}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        print("Getting the charm's Python packages ...", flush=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            made = _make(lock, Path(scratch))
            made.rename(folder)
    return folder


def _make(lock: Path, scratch: Path) -> Path:
    files, made = scratch / "files", scratch / "trees"
    _download(dict(locked.entries(lock)), scratch, files)
    for archive in sorted(files.iterdir()):
        members = _wheel(archive) if archive.suffix == ".whl" else _source(archive)
        included = [(name, content) for name, content in members if not LEFT_OUT.search(name)]
        tree = made / _tree(archive.name, [name for name, _ in included])
        for name, content in included:
            _put(tree / name, content)
    return made


def _tree(archive: str, names: list[str]) -> str:
    """The architecture, if something compiled for it is among the files; else any."""
    if not any(name.endswith(".so") for name in names):
        return "any"
    return next(machine for machine in ARCHITECTURES if machine in archive)


def _download(entries: dict[str, str], scratch: Path, files: Path) -> None:
    source = [name for name in entries if name in SOURCE_ONLY]
    compiled = [name for name in entries if name not in SOURCE_ONLY and name not in STOOD_IN]
    pip = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", "download", "--require-hashes"]
    pip += ["--no-deps", "-d", str(files), "-r"]
    listed = {}
    for kind, names in {"source": source, "compiled": compiled}.items():
        listed[kind] = scratch / f"{kind}.txt"
        listed[kind].write_text("".join(entries[name] for name in names))
    subprocess.run([*pip, str(listed["source"]), "--no-build-isolation"], check=True)
    for version in pythons.SUPPORTED:
        for machine in ARCHITECTURES:
            platforms = [f"--platform=manylinux{glibc}_{machine}" for glibc in GLIBC]
            wheels = ["--only-binary=:all:", f"--python-version={version}", *platforms]
            subprocess.run([*pip, str(listed["compiled"]), *wheels], check=True)


def _wheel(archive: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(archive) as wheel:
        for name in wheel.namelist():
            if not name.endswith("/"):
                yield name, wheel.read(name)


def _source(archive: Path) -> Iterator[tuple[str, bytes]]:
    """The members of a source archive as a wheel would have them; its code is not run."""
    with tarfile.open(archive) as source:
        top = os.path.commonpath(source.getnames())
        package, version = re.sub(r"[._]", "-", top.rsplit("-", 1)[0]), top.rsplit("-", 1)[1]
        records = f"{package.replace('-', '_')}-{version}.dist-info"
        for member in source.getmembers():
            name = member.name[len(top) + 1 :]
            content = source.extractfile(member)
            if content is None:
                continue
            if name.startswith(f"{SOURCE_ONLY[package]}/"):
                yield name, content.read()
            elif name == "PKG-INFO":
                yield f"{records}/METADATA", content.read()
            elif "/" not in name and name.startswith(("LICENSE", "COPYING", "AUTHORS")):
                yield f"{records}/{name}", content.read()


def _put(target: Path, content: bytes) -> None:
    """Write a file of a package; wheels of several Pythons contain the same ones, which must be equal."""
    if target.exists():
        if target.read_bytes() != content:
            raise ValueError(f"Wheels differ in {target.name}: they need folders of their own ({target})")
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def copy(lock: Path, target: Path) -> None:
    """Copy the trees of a lock to a folder that does not exist."""
    shutil.copytree(trees(lock), target)
