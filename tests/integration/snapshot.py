"""Prints as JSON what a unit of the charm keeps on its machine; runs there, with the system's Python as root.

Arguments: the charm's folder, then the folders and files to list. `TEXT=OTHER` among them has one taken for the other
in all files, so that what two units keep can be compared.
"""

import hashlib
import json
import os
import pathlib
import sqlite3
import stat
import sys


def stored(charm: pathlib.Path) -> dict[str, object]:
    """Return the keys of unitdata and their values."""
    state = sqlite3.connect(charm / ".unit-state.db")
    return {key: json.loads(value) for key, value in state.execute("select key, data from kv")}


def look(path: pathlib.Path, instead: dict[str, str]) -> str:
    """Return the type, the mode, the owner and the content of a file: all that a test compares."""
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        content = replaced(os.readlink(path), instead)
    elif stat.S_ISREG(found.st_mode):
        text = replaced(path.read_bytes().decode("latin-1"), instead)
        content = hashlib.sha256(text.encode("latin-1")).hexdigest()
    else:
        content = ""
    return f"{stat.filemode(found.st_mode)} {found.st_uid}:{found.st_gid} {content}"


def replaced(text: str, instead: dict[str, str]) -> str:
    """Return the text with one word for another."""
    for word, other in instead.items():
        text = text.replace(word, other)
    return text


def listed(folder: pathlib.Path, instead: dict[str, str]) -> dict[str, str]:
    """Return what *folder* holds, itself included, by path."""
    paths = [folder, *sorted(folder.rglob("*"))] if os.path.lexists(folder) else []
    return {replaced(str(path), instead): look(path, instead) for path in paths}


def main(charm: str, *folders: str) -> None:
    """Print it."""
    data = stored(pathlib.Path(charm))
    prefix = "reactive.states."
    files: dict[str, str] = {}
    instead = dict(word.split("=", 1) for word in folders if "=" in word)
    for folder in folders:
        if "=" not in folder:
            files.update(listed(pathlib.Path(folder), instead))
    found = {
        "flags": sorted(key.removeprefix(prefix) for key in data if key.startswith(prefix)),
        "unitdata": {key: value for key, value in data.items() if not key.startswith("reactive.")},
        "files": files,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
