"""apt and dpkg: packages of any kind."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import subprocess
import tempfile
import time
from collections.abc import Iterable

from registry.formats import sources_list
from registry.machine.files import write_file
from registry.options import packages

PROGRAMS = "/usr/bin"
LOCK_SECONDS = 300
"""How long to wait for a lock that another apt or dpkg holds."""
# Non-interactive; changed configuration files stay unchanged.
GET = ("apt-get", "--yes", "--quiet", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Options::=--force-confold")
EXACTLY = ("--allow-downgrades", "--allow-change-held-packages")
"""Options of apt-get: a requested version takes precedence over newer ones and over holds."""
_UNSIGNED = re.compile(r"NO_PUBKEY|is not signed|EXPKEYSIG|BADSIG|REVKEYSIG|signatures? (?:were|was|couldn't)")
# apt waits for dpkg's locks, but not for that of its package lists; dpkg waits for none.
_LOCKED = re.compile(r"Could not get lock|Unable to lock|lock (?:is|was) locked by another process")


class PackageError(Exception):
    """apt or dpkg failed; ``words`` is their own error message, without full stop.

    ``option`` is the one to fix, and comes first in ``str()``; empty where none is to blame.
    """

    def __init__(self, words: str, option: str = "") -> None:
        super().__init__(f"{option}: {words}" if option else words)
        self.words, self.option = words, option


class BadKey(PackageError):
    """A repository's key cannot be fetched, or is not the one that signed the repository."""


class Apt:
    """apt and dpkg of this machine."""

    def __init__(
        self, programs: str = PROGRAMS, *, lock_seconds: float = LOCK_SECONDS, retry_seconds: float = 3
    ) -> None:
        self._programs = programs
        self._lock_seconds = lock_seconds
        self._retry_seconds = retry_seconds

    def install(self, names: Iterable[str]) -> None:
        """Install packages. Raises PackageError."""
        self.configure()
        self.run(*GET, "update")
        self.run(*GET, "install", *EXACTLY, "--no-install-recommends", *names)

    def read_states(self, names: Iterable[str]) -> dict[str, packages.State]:
        """Return the state of those of the packages that are installed, by name."""
        bare = sorted({packages.bare(name) for name in names})
        if not bare:
            return {}
        shown = ["--show", "--showformat", "${Package} ${db:Status-Abbrev} ${Version}\n", *bare]
        lines = (line.split() for line in self._query(*shown).splitlines())
        return {words[0]: packages.State(words[2], held=words[1][0] == "h") for words in lines if words[1][1:] == "i"}

    def find_owner(self, path: str) -> str:
        """Return the package that *path* belongs to, "" if there is none."""
        return self._query("--search", os.path.realpath(path)).partition(":")[0]

    def hold(self, names: Iterable[str]) -> None:
        """Put installed packages on hold. Raises PackageError."""
        if words := list(names):
            self.run("apt-mark", "hold", *words)

    def release(self, names: Iterable[str]) -> None:
        """Release packages from hold. Raises PackageError."""
        if words := list(names):
            self.run("apt-mark", "unhold", *words)

    def finish(self) -> bool:
        """Finish an installation that a reboot interrupted; tell whether there was one. Raises PackageError."""
        if not self.run("dpkg", "--audit").strip():
            return False
        self.configure()
        self.run(*GET, "--fix-broken", "--no-remove", "install")
        return True

    def configure(self) -> None:
        """Configure unpacked packages, which apt requires first. Missing dependencies are left to apt."""
        with contextlib.suppress(PackageError):
            self.run("dpkg", "--configure", "-a", "--force-confold")

    def restore(self, file: str) -> str:
        """Restore a file that was overwritten from its package; return its path, "" if it is unchanged.

        *file* is the end of its path, e.g. ``/systemd/system/docker.service``. The package's scripts do not run.
        Raises PackageError, OSError.
        """
        name, _, path = self.run("dpkg-query", "--search", f"*{file}").strip().partition(": ")
        if path not in self.run("dpkg", "--verify", name):
            return ""
        version = self.run("dpkg-query", "--show", "--showformat", "${Version}", name)
        with tempfile.TemporaryDirectory() as folder:
            self.run("apt-get", "--quiet", "-o", "APT::Sandbox::User=root", "download", f"{name}={version}", cwd=folder)
            (archive,) = pathlib.Path(folder).glob("*.deb")
            self.run("dpkg-deb", "--extract", str(archive), f"{folder}/content")
            write_file(pathlib.Path(path), pathlib.Path(f"{folder}/content{path}").read_text(), 0o644)
        return path

    def run(self, program: str, *words: str, cwd: str | None = None) -> str:
        """Run a program and return its output; retry while another apt or dpkg holds a lock. Raises PackageError."""
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
        end = time.monotonic() + self._lock_seconds
        while True:
            command = [f"{self._programs}/{program}", *words]
            try:
                done = subprocess.run(
                    command, capture_output=True, text=True, errors="replace", check=False, env=environment, cwd=cwd
                )
            except FileNotFoundError as error:
                raise PackageError(f"{program} is not installed") from error
            if done.returncode == 0:
                return done.stdout
            if not _LOCKED.search(done.stderr) or time.monotonic() >= end:
                raise _error(program, done)
            time.sleep(self._retry_seconds)

    def _query(self, *words: str) -> str:
        """Return the output of dpkg-query, which fails if it does not know one of several packages."""
        command = [f"{self._programs}/dpkg-query", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _error(program: str, done: subprocess.CompletedProcess[str]) -> PackageError:
    # apt's last line says only that the repository is not signed.
    if missing := re.search(r"NO_PUBKEY (\w+)", done.stderr):
        return BadKey(f"the repository is signed with another key, {missing[1]}")
    message = _last_error(done.stderr or done.stdout) or f"{program} failed ({done.returncode})"
    return (BadKey if _UNSIGNED.search(done.stderr) else PackageError)(message)


def _last_error(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("E: ") for line in lines if line.startswith(("E: ", "dpkg: error"))]
    errors = [line for line in errors if line != "Download Failed"]  # apt-helper's last line, after the reason
    return sources_list.without_passwords([*lines, *errors][-1] if lines else "").rstrip(". ")
