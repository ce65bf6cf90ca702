"""Repositories that apt knows because of the charm, with their keys."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Iterable, Sequence

from registry.formats import sources_list
from registry.machine.apt import GET, Apt, BadKey, PackageError
from registry.machine.files import write_file

FOLDER = pathlib.Path("/etc/apt")
HELPER = "../lib/apt/apt-helper"
# Only the repository that was just added is read, and whatever is wrong with it counts.
_STRICT = ("-o", "Dir::Etc::sourceparts=-", "-o", "APT::Get::List-Cleanup=0", "-o", "APT::Update::Error-Mode=any")


class AptSources:
    """The charm's files in apt's folder."""

    def __init__(self, apt: Apt, folder: pathlib.Path = FOLDER) -> None:
        self._apt = apt
        self._keyrings = folder / "keyrings"
        self._lists = folder / "sources.list.d"

    def ensure(self, name: str, sources: Sequence[sources_list.Source]) -> None:
        """Have apt know *sources* under a name, and no others of that name. Raises PackageError, changing nothing.

        They are tried in a place of their own first, because one that is wrong keeps apt from everything else. What
        apt knows already costs nothing.
        """
        file = self._lists / f"docker-registry-{name}.list"
        mark = sources_list.mark(sources)
        if (file.read_text().splitlines()[:1] == [mark]) if file.exists() else not sources:
            return
        stem = f"docker-registry-{name}-{mark.split()[-1]}"
        self._keyrings.mkdir(mode=0o755, parents=True, exist_ok=True)
        if sources:
            draft = self._keyrings / f"{stem}.list"
            try:
                self._write_and_try(draft, mark, sources)
                draft.replace(file)
            except BaseException:
                _remove(self._keyrings.glob(f"{stem}*"))
                raise
        else:
            file.unlink()
        old = self._keyrings.glob(f"docker-registry-{name}-*")
        _remove(path for path in old if not path.name.startswith(stem))

    def add_short(self, names: Iterable[str]) -> None:
        """Have apt know sources such as ``ppa:owner/name``. Raises PackageError."""
        for name in names:
            self._apt.run("add-apt-repository", "--yes", "--no-update", name)

    def _write_and_try(self, draft: pathlib.Path, mark: str, sources: Sequence[sources_list.Source]) -> None:
        keyrings = [draft.with_name(f"{draft.stem}-{i}") for i in range(len(sources))]
        lines = [mark, *(self._write_key(*pair) for pair in zip(sources, keyrings, strict=True))]
        text = "\n".join([*lines, ""])
        is_secret = sources_list.without_passwords(text) != text
        write_file(draft, text, 0o600 if is_secret else 0o644)
        self._apt.run(*GET, "update", "-o", f"Dir::Etc::sourcelist={draft}", *_STRICT)

    def _write_key(self, source: sources_list.Source, stem: pathlib.Path) -> str:
        """Write the key of *source* to a file that begins with *stem*; return the line that names it. Raises BadKey."""
        if not source.key:
            return source.line
        data = source.key_text or self._fetch(str(source.key_url))
        suffix = sources_list.key_suffix(data)
        if suffix is None:
            raise BadKey(f"{sources_list.without_passwords(str(source.key_url))} has no OpenPGP key")
        keyring = stem.with_name(stem.name + suffix)
        keyring.write_bytes(data)
        keyring.chmod(0o644)  # apt reads it without being root
        return source.signed_by(str(keyring))

    def _fetch(self, url: str) -> bytes:
        """Return what is at *url*, by the ways and proxies that apt itself uses. Raises BadKey."""
        with tempfile.TemporaryDirectory() as folder:
            target = pathlib.Path(folder) / "key"
            try:
                self._apt.run(HELPER, "download-file", url, str(target))
            except PackageError as error:
                raise BadKey(str(error)) from error
            return target.read_bytes()


def _remove(paths: Iterable[pathlib.Path]) -> None:
    for path in list(paths):
        path.unlink()
