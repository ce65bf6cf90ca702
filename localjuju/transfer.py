"""Files between this host and a machine, as a user of the machine."""

from __future__ import annotations

import io
import shlex
import subprocess
import tarfile
from pathlib import Path, PurePosixPath

from localjuju import JujuError
from localjuju.host import Host


def upload(host: Host, user: str, source: Path, target: str) -> None:
    """Copy to a machine as scp does: into `target` if that is a folder, else to that name."""
    if not source.exists():
        raise JujuError(f'"{source}" not found')
    into = host.output(["runuser", "-l", user, "-c", f"test -d {shlex.quote(target or '.')}"]) is not None
    folder, name = (
        (target or ".", source.name) if into else (str(PurePosixPath(target).parent), PurePosixPath(target).name)
    )
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", dereference=True) as tar:
        tar.add(source, name)
    command = f"tar -x --no-same-owner -C {shlex.quote(folder)}"
    if host.output(["runuser", "-l", user, "-c", command], packed.getvalue()) is None:
        raise JujuError(f'{user} cannot write to "{target}"')


def download(host: Host, user: str, path: str, target: Path) -> None:
    """Copy from a machine as scp does."""
    name = PurePosixPath(path).name
    at = target / name if target.is_dir() else target
    command = f"tar -c -h -C {shlex.quote(str(PurePosixPath(path).parent))} {shlex.quote(name)}"
    process = host.popen(
        ["runuser", "-l", user, "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    packed, said = process.communicate()
    if process.returncode:
        raise JujuError(f'cannot read "{path}": {said.decode().strip()}')
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        for member in tar:
            to = at / PurePosixPath(member.name).relative_to(name)
            content = tar.extractfile(member)
            if content is None:
                to.mkdir(parents=True, exist_ok=True)
            else:
                to.write_bytes(content.read())
                to.chmod(member.mode)
