"""Build the charm: tools/build.py docker-registry.charm

The same bytes for the same commit and the same requirements.lock: charm-build assembles the charm from the
files in git (and new ones that it does not ignore), the locked packages are added, and all is packed in sorted
order, with the time of the last commit. Nothing is done if the file is up to date.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import bundle
import sbom
import yaml

ROOT = Path(__file__).resolve().parent.parent

BASES = ("22.04", "24.04")
"""The releases of Ubuntu that the charm is for."""

ARCHITECTURES = ("amd64", "arm64")

MORE_HOOKS = ("secret-changed",)
"""Hooks that charm-build does not support yet."""

NOT_SHIPPED = ("hooks/hook.template", ".build.manifest")
"""Files of charm-build that the charm does not need: the template of the hooks, and an incomplete list of files."""


def main(target: Path) -> int:
    """Build the charm at this path unless it is up to date, and print how long it took."""
    begin = time.monotonic()
    state = _state(_sources())
    stamp = ROOT / ".cache" / f"{target.name}.sha256"
    if target.exists() and stamp.exists() and stamp.read_text() == f"{state} {_digest(target)}":
        print(f"{target} is up to date.")
        return 0
    build(target)
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(f"{state} {_digest(target)}")
    size = target.stat().st_size / 1e6
    print(f"Built {target}: {size:.1f} MB in {time.monotonic() - begin:.1f} s")
    return 0


def build(target: Path) -> None:
    """Build the charm at this path. Raises subprocess.CalledProcessError when a tool fails."""
    files = _sources()
    with tempfile.TemporaryDirectory() as scratch:
        _copy_sources(files, Path(scratch, "docker-registry"))
        folder = _charm_build(Path(scratch))
        _link_again(files, folder)
        _complete(folder)
        _pack(folder, target)


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip("\n")


def _sources() -> list[str]:
    """All files of the project that are not ignored, committed or not."""
    names = _git("ls-files", "-co", "--exclude-standard", "-z").split("\0")
    return sorted({name for name in names if name and os.path.lexists(ROOT / name)})


def _state(files: list[str]) -> str:
    """Digest of everything that the charm's bytes depend on."""
    digest = hashlib.sha256(f"{_commit_time()} {_version()}".encode())
    for name in files:
        path = ROOT / name
        content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
        digest.update(f"{name} {path.lstat().st_mode} {hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _commit_time() -> int:
    """Seconds since 1970 of the last commit."""
    return int(_git("log", "-1", "--format=%ct"))


def _version() -> str:
    return _git("describe", "--always", "--dirty", "--abbrev=12")


def _copy_sources(files: list[str], target: Path) -> None:
    for name in files:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name, follow_symlinks=False)


def _charm_build(scratch: Path) -> Path:
    """Run charm-build on the copied sources without downloads; return the charm's folder."""
    source, output = scratch / "docker-registry", scratch / "output"
    command = [str(Path(sys.executable).with_name("charm-build")), "--force", "--hide-metrics", "--log-level=WARNING"]
    command += ["--layer-index=http://localhost/", f"--build-dir={output}", f"--cache-dir={scratch}/cache", "."]
    # It imports pkg_resources, which warns that it is deprecated.
    environment = {**os.environ, "CHARM_INTERFACES_DIR": f"{source}/interfaces", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"charm-build failed:\n{done.stdout}{done.stderr}")
    return output / "docker-registry"


def _link_again(files: list[str], folder: Path) -> None:
    """Restore the links that charm-build has replaced by copies."""
    for name in files:
        if (ROOT / name).is_symlink() and (folder / name).exists():
            (folder / name).unlink()
            (folder / name).symlink_to((ROOT / name).readlink())


def _complete(folder: Path) -> None:
    """Add what charm-build does not support: newer hooks, the packages, the bases, the version."""
    for name in MORE_HOOKS:
        shutil.copy2(folder / "hooks/update-status", folder / "hooks" / name)
    for name in NOT_SHIPPED:
        (folder / name).unlink()
    bundle.copy(ROOT / "requirements.lock", folder / "packages")
    sbom.write(folder / "packages", folder / sbom.NAME, _version())
    bases = [{"name": "ubuntu", "channel": base, "architectures": list(ARCHITECTURES)} for base in BASES]
    (folder / "manifest.yaml").write_text(yaml.safe_dump({"bases": bases}, sort_keys=False))
    (folder / "version").write_text(f"{_version()}\n")


def _pack(folder: Path, target: Path) -> None:
    """Zip the folder, sorted by name; links stay links, and modes are 755 or 644."""
    date = datetime.datetime.fromtimestamp(_commit_time(), datetime.timezone.utc).timetuple()[:6]
    partial = target.with_name(f".{target.name}.partial")
    with zipfile.ZipFile(partial, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                continue
            info = zipfile.ZipInfo(str(path.relative_to(folder)), date)
            info.create_system, info.compress_type = 3, zipfile.ZIP_DEFLATED  # Unix, so that modes count
            if path.is_symlink():
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
                archive.writestr(info, str(path.readlink()))
            else:
                mode = 0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644
                info.external_attr = (stat.S_IFREG | mode) << 16
                archive.writestr(info, path.read_bytes(), compresslevel=9)
    partial.replace(target)


def unpack(charm: Path, folder: Path) -> None:
    """Unpack a charm as Juju does: links are links, and modes are kept."""
    with zipfile.ZipFile(charm) as archive:
        for info in archive.infolist():
            target, mode = folder / info.filename, info.external_attr >> 16
            target.parent.mkdir(parents=True, exist_ok=True)
            if stat.S_ISLNK(mode):
                target.symlink_to(archive.read(info).decode())
            else:
                target.write_bytes(archive.read(info))
                target.chmod(stat.S_IMODE(mode))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
