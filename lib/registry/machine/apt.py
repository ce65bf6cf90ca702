"""Debian packages of Docker, through apt and dpkg."""

from __future__ import annotations

import contextlib
import os
import pathlib
import platform
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence

from registry.formats import sources_list
from registry.machine.files import write_file
from registry.options import packages, runtime

SOCKET = pathlib.Path("/var/run/docker.sock")
# Nothing ever asks a question, and changed configuration files stay as they are.
_APT = ("apt-get", "--yes", "--quiet", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Options::=--force-confold")
# An operator who names a version means it, and holds are against others.
_AS_ASKED = ("--allow-downgrades", "--allow-change-held-packages")
_FOLDER = "/usr/bin"
_HELPER = "../lib/apt/apt-helper"
APT_FOLDER = pathlib.Path("/etc/apt")
# Only the repository that was just added is read, and whatever is wrong with it counts.
_STRICT = ("-o", "Dir::Etc::sourceparts=-", "-o", "APT::Get::List-Cleanup=0", "-o", "APT::Update::Error-Mode=any")
_UNSIGNED = re.compile(r"NO_PUBKEY|is not signed|EXPKEYSIG|BADSIG|REVKEYSIG|signatures? (?:were|was|couldn't)")
# apt itself waits for dpkg's locks, but not for that of its lists; dpkg waits for none.
_LOCKED = re.compile(r"Could not get lock|Unable to lock|lock (?:is|was) locked by another process")
_LOCK_SECONDS = 300
_RETRY_SECONDS = 3


class PackageError(Exception):
    """apt or dpkg failed; ``str()`` is a clause with their own last words."""


class BadKey(PackageError):
    """A repository's key cannot be had, or is not the one that it is signed with."""


def docker_is_there() -> bool:
    """Tell whether this machine has a Docker engine and its command, wherever they came from."""
    engine = shutil.which("dockerd") is not None or SOCKET.exists()
    return engine and shutil.which("docker") is not None


def install_docker(wanted: runtime.Runtime) -> None:
    """Install the Docker that is asked for. Raises PackageError; what is wrong with an option begins with its name."""
    _configure()
    names = _prepare(wanted)
    _run(*_APT, "update")
    with _blamed("docker_runtime_package", wanted):
        _run(*_APT, "install", "--no-install-recommends", *(names or _distribution()))


def check_docker(wanted: runtime.Runtime) -> None:
    """Tell apt where the Docker that is asked for comes from, and try its installation. Raises PackageError."""
    names = _prepare(wanted)
    with _blamed("docker_runtime_package", wanted):
        _run(*_APT, "install", *_AS_ASKED, "--simulate", *_replacing(names or _distribution()))


def upgrade_docker(wanted: runtime.Runtime) -> str:
    """Upgrade Docker's packages, or put those that are asked for in their place; return names and versions.

    One a line. Packages that are on hold are upgraded too, and stay on hold. Raises PackageError.
    """
    owners = docker_packages()
    if not owners:
        raise PackageError("Docker was not installed from packages; upgrade it the way it was installed")
    _configure()
    missing = packages.missing(wanted.wanted_packages(), states(wanted.wanted_packages()))
    names = _replacing(_prepare(wanted) or _distribution()) if missing else ["--only-upgrade", *owners]
    held = _run("apt-mark", "showhold", *owners).split()
    _run(*_APT, "update")
    try:
        with _blamed("docker_runtime_package", wanted):
            _run(*_APT, "install", *_AS_ASKED, "--no-install-recommends", *names)
    finally:
        still_there = states(held)
        hold(name for name in held if name in still_there)
    return _run("dpkg-query", "--show", "--showformat", "${Package} ${Version}\n", *docker_packages()).strip()


def docker_packages() -> list[str]:
    """Return the names of the packages that Docker's programs came from, sorted."""
    programs = [shutil.which(name) for name in ("dockerd", "docker", "containerd", "runc")]
    return sorted({_owner(path) for path in programs if path} - {""})


def _distribution() -> list[str]:
    """Return the packages of the distribution's Docker. From Debian 13 on the command is one of its own."""
    cli = _run("apt-cache", "--names-only", "search", "^docker-cli$")
    return ["docker.io", "ca-certificates", *(["docker-cli"] if cli else [])]


def _prepare(wanted: runtime.Runtime) -> list[str]:
    """Tell apt where the Docker that is asked for comes from; return its packages, none for the distribution's."""
    if wanted.docker_runtime == runtime.AUTO:
        return []
    architecture = _run("dpkg", "--print-architecture").strip()
    origin = wanted.origin(architecture, platform.freedesktop_os_release()["VERSION_CODENAME"])
    try:
        put_sources("docker", [origin.source] if origin and origin.source else [])
    except BadKey as error:
        raise _blaming("docker_runtime_key_url", wanted, error) from error
    except PackageError as error:
        raise _blaming("docker_runtime_repo", wanted, error) from error
    return list(origin.packages) if origin else []


def _replacing(names: Sequence[str]) -> list[str]:
    """Return what to ask apt for, so that what dockerd came from makes room for *names*."""
    path = shutil.which("dockerd")
    old = _owner(path) if path else ""
    return [*names, *([f"{old}-"] if old and old not in map(packages.bare, names) else [])]


@contextlib.contextmanager
def _blamed(option: str, wanted: runtime.Runtime) -> Iterator[None]:
    try:
        yield
    except PackageError as error:
        raise _blaming(option, wanted, error) from error


def _blaming(option: str, wanted: runtime.Runtime, error: PackageError) -> PackageError:
    """Return the error with the option in front that has to do with it; nobody can mend the distribution's Docker."""
    if wanted.docker_runtime != runtime.CUSTOM:
        option = "docker_runtime" if wanted.docker_runtime != runtime.AUTO else ""
    return PackageError(f"{option}: {error}" if option else str(error))


# Repositories and packages of any kind


def put_sources(name: str, sources: Sequence[sources_list.Source]) -> None:
    """Let apt know *sources* under a name, and no others of that name. Raises PackageError, and all is as before.

    They are tried in a place of their own first, because one that is wrong keeps apt from everything else. What apt
    knows already costs nothing.
    """
    file, keyrings = APT_FOLDER / f"sources.list.d/docker-registry-{name}.list", APT_FOLDER / "keyrings"
    mark = sources_list.mark(sources)
    if (file.read_text().splitlines()[:1] == [mark]) if file.exists() else not sources:
        return
    stem = f"docker-registry-{name}-{mark.split()[-1]}"
    keyrings.mkdir(mode=0o755, parents=True, exist_ok=True)
    if sources:
        draft = keyrings / f"{stem}.list"
        try:
            lines = [mark, *(_signed(source, keyrings / f"{stem}-{i}") for i, source in enumerate(sources))]
            text = "\n".join([*lines, ""])
            secret = sources_list.without_passwords(text) != text
            write_file(draft, text, 0o600 if secret else 0o644)
            _run(*_APT, "update", "-o", f"Dir::Etc::sourcelist={draft}", *_STRICT)
            draft.replace(file)
        except BaseException:
            _remove(keyrings.glob(f"{stem}*"))
            raise
    else:
        file.unlink()
    _remove(path for path in keyrings.glob(f"docker-registry-{name}-*") if not path.name.startswith(stem))


def _signed(source: sources_list.Source, stem: pathlib.Path) -> str:
    """Write the key of *source* to a file, which begins with *stem*; return the line that names it. Raises BadKey."""
    if not source.key:
        return source.line
    data = source.key_text or _fetched(str(source.key_url))
    suffix = sources_list.key_suffix(data)
    if suffix is None:
        raise BadKey(f"{sources_list.without_passwords(str(source.key_url))} has no OpenPGP key")
    keyring = stem.with_name(stem.name + suffix)
    keyring.write_bytes(data)
    keyring.chmod(0o644)  # apt reads it without being root
    return source.signed_by(str(keyring))


def _remove(paths: Iterable[pathlib.Path]) -> None:
    for path in list(paths):
        path.unlink()


def _fetched(url: str) -> bytes:
    """Return what is at *url*, by the ways and proxies that apt itself uses. Raises BadKey."""
    with tempfile.TemporaryDirectory() as folder:
        target = pathlib.Path(folder) / "key"
        try:
            _run(_HELPER, "download-file", url, str(target))
        except PackageError as error:
            raise BadKey(str(error)) from error
        return target.read_bytes()


def put_short_sources(names: Iterable[str]) -> None:
    """Let apt know sources such as ``ppa:owner/name``. Raises PackageError."""
    for name in names:
        _run("add-apt-repository", "--yes", "--no-update", name)


def install(names: Iterable[str]) -> None:
    """Install packages. Raises PackageError."""
    _configure()
    _run(*_APT, "update")
    _run(*_APT, "install", *_AS_ASKED, "--no-install-recommends", *names)


def states(names: Iterable[str]) -> dict[str, packages.State]:
    """Return what dpkg says of those of the packages that are installed, by name."""
    wanted = sorted({packages.bare(name) for name in names})
    if not wanted:
        return {}
    shown = ["--show", "--showformat", "${Package} ${db:Status-Abbrev} ${Version}\n", *wanted]
    done = subprocess.run([f"{_FOLDER}/dpkg-query", *shown], capture_output=True, text=True, check=False)
    found = (line.split() for line in done.stdout.splitlines())
    return {words[0]: packages.State(words[2], held=words[1][0] == "h") for words in found if words[1][1:] == "i"}


def hold(names: Iterable[str]) -> None:
    """Keep apt from changing installed packages. Raises PackageError."""
    if words := list(names):
        _run("apt-mark", "hold", *words)


def release(names: Iterable[str]) -> None:
    """Let apt change packages again. Raises PackageError."""
    if words := list(names):
        _run("apt-mark", "unhold", *words)


def finish() -> bool:
    """Finish an installation that a reboot cut off; tell whether there was one. Raises PackageError."""
    if not _run("dpkg", "--audit").strip():
        return False
    _configure()
    _run(*_APT, "--fix-broken", "--no-remove", "install")
    return True


def _configure() -> None:
    """Configure what was unpacked only: apt does nothing else before. What needs more packages is left to apt."""
    with contextlib.suppress(PackageError):
        _run("dpkg", "--configure", "-a", "--force-confold")


def restore(file: str) -> str:
    """Give a file that somebody has written over back to its package; return its path, "" if it is as it came.

    *file* is the end of its path, e.g. ``/systemd/system/docker.service``. None of the package's scripts runs. Raises
    PackageError, OSError.
    """
    name, _, path = _run("dpkg-query", "--search", f"*{file}").strip().partition(": ")
    if path not in _run("dpkg", "--verify", name):
        return ""
    version = _run("dpkg-query", "--show", "--showformat", "${Version}", name)
    with tempfile.TemporaryDirectory() as folder:
        _run("apt-get", "--quiet", "-o", "APT::Sandbox::User=root", "download", f"{name}={version}", cwd=folder)
        (archive,) = pathlib.Path(folder).glob("*.deb")
        _run("dpkg-deb", "--extract", str(archive), f"{folder}/content")
        write_file(pathlib.Path(path), pathlib.Path(f"{folder}/content{path}").read_text(), 0o644)
    return path


def _owner(path: str) -> str:
    """Return the package that *path* belongs to, or an empty string."""
    found = subprocess.run(
        [f"{_FOLDER}/dpkg-query", "--search", os.path.realpath(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.partition(":")[0]


def _run(program: str, *words: str, cwd: str | None = None) -> str:
    """Run the program, again and again for a while as long as another apt or dpkg holds a lock that it needs."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    end = time.monotonic() + _LOCK_SECONDS
    while True:
        command = [f"{_FOLDER}/{program}", *words]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", check=False, env=environment, cwd=cwd
            )
        except FileNotFoundError as error:
            raise PackageError(f"there is no {program} on this machine") from error
        if done.returncode == 0:
            return done.stdout
        if not _LOCKED.search(done.stderr) or time.monotonic() >= end:
            said = _last_words(done.stderr or done.stdout) or f"{program} failed ({done.returncode})"
            # apt's last words would be that it is not signed.
            if missing := re.search(r"NO_PUBKEY (\w+)", done.stderr):
                raise BadKey(f"it is signed with another key, {missing[1]}")
            raise (BadKey if _UNSIGNED.search(done.stderr) else PackageError)(said)
        time.sleep(_RETRY_SECONDS)


def _last_words(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("E: ") for line in lines if line.startswith(("E: ", "dpkg: error"))]
    errors = [line for line in errors if line != "Download Failed"]  # apt-helper's last, after the reason
    return sources_list.without_passwords([*lines, *errors][-1] if lines else "").rstrip(". ")
