"""A charm's archive: a zip file called .charm."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from localjuju import JujuError, yamltext

FILES = ("metadata.yaml", "config.yaml", "actions.yaml")


def read(path: Path) -> dict[str, Any]:
    """The content of a charm's YAML files, {} for one that is missing, and all its paths as `names`."""
    import zipfile

    if not zipfile.is_zipfile(path):
        raise JujuError(f'"{path}" is not a charm archive')
    with zipfile.ZipFile(path) as archive:
        names = sorted({str(PurePosixPath(name)) for name in archive.namelist()})
        if "metadata.yaml" not in names:
            raise JujuError(f'"{path}" has no metadata.yaml')
        return {
            "names": names,
            **{name: (yamltext.load(archive.read(name)) or {}) if name in names else {} for name in FILES},
        }


def tar(path: Path) -> bytes:
    """The archive as a tar stream, modes and symbolic links kept, owned by root."""
    import io
    import stat
    import tarfile
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(path) as archive, tarfile.open(fileobj=packed, mode="w") as tar:
        for item in archive.infolist():
            info = tarfile.TarInfo(str(PurePosixPath(item.filename)))
            mode = item.external_attr >> 16
            info.mode = stat.S_IMODE(mode) or (0o755 if item.is_dir() else 0o644)
            data = archive.read(item)
            if item.is_dir():
                info.type, data = tarfile.DIRTYPE, b""
            elif stat.S_ISLNK(mode):
                info.type, info.linkname, data = tarfile.SYMTYPE, data.decode(), b""
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return packed.getvalue()


def links(names: Iterable[str], target: str) -> bytes:
    """Return a tar of symbolic links of these names, all to *target*."""
    import io
    import tarfile

    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name in names:
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
    return data.getvalue()
