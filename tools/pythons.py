"""The supported Python interpreters on this machine."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess

SUPPORTED = ("3.10", "3.11", "3.12", "3.13", "3.14")


def at_hand() -> dict[str, str]:
    """Path of one working interpreter per supported version on this machine, e.g. {"3.11": "/usr/bin/python3.11"}.

    Looks on PATH and below pyenv's folder. A file that does not run as that version (pyenv's shims
    of versions that are not selected) is skipped.
    """
    found = {}
    for version in SUPPORTED:
        for path in _candidates(version):
            if _version(path) == version:
                found[version] = path
                break
    return found


def _candidates(version: str) -> list[str]:
    root = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    on_path = [shutil.which(f"python{version}"), shutil.which("python3")]
    return [path for path in on_path if path] + sorted(glob.glob(f"{root}/versions/{version}.*/bin/python3"))


def _version(path: str) -> str | None:
    command = [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else None
