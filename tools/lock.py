"""Write the lock files from the .in files: `make lock`. It uses uv, which it installs temporarily.

A lock names every file of every version with its hash, for all supported Pythons and both
architectures. Packages that nothing here imports are omitted, see UNUSED.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import locked

ROOT = Path(__file__).resolve().parent.parent

DEVELOPMENT = [
    # charm-tools uses them only to create charms, for the former charm store, and for a wheelhouse.
    *("cheetah3", "keyring", "pip", "secretstorage", "virtualenv"),
    *("jinja2", "netaddr", "pyaml", "pywin32"),
]
UNUSED = {
    "requirements": ["jinja2", "netaddr", "pbr", "pyaml", "pywin32"],
    "requirements-dev": DEVELOPMENT,
    "requirements-mutation": DEVELOPMENT,
    "requirements-checkers": ["pywin32", "pywin32-ctypes"],
    "requirements-docs": ["colorama"],
}
"""By lock: what the packages declare and this project never imports."""

NEVER = "sys_platform == 'none'"


def main() -> None:
    """Write all lock files."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([f"{folder}/bin/pip", "install", "--quiet", "uv"], check=True)
        for name, unused in UNUSED.items():
            overrides = Path(folder) / "overrides.txt"
            overrides.write_text("".join(f"{package} ; {NEVER}\n" for package in unused))
            _lock(f"{folder}/bin/uv", name, overrides)


def _lock(uv: str, name: str, overrides: Path) -> None:
    target = ROOT / f"{name}.lock"
    options = ["--universal", "--python-version", "3.10", "--generate-hashes", "--no-header", "--no-annotate"]
    command = [uv, "pip", "compile", "--quiet", *options, "--override", str(overrides)]
    subprocess.run([*command, "-o", str(target), f"{name}.in"], check=True, cwd=ROOT)
    texts = [text for _, text in locked.entries(target)]
    target.write_text("".join(text for text in texts if NEVER not in text and "win32'" not in text))


if __name__ == "__main__":
    main()
