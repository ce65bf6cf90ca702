"""Package repositories that the charm adds to apt, with their keys."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Iterable, Sequence

from registry.formats import sources_list
from registry.machine.apt import GET, Apt, BadKey, PackageError
from registry.machine.files import make_folder, write_file

FOLDER = pathlib.Path("/etc/apt")
PREFIX = "docker-registry-"
"""Of the names of the charm's files."""
HELPER = "../lib/apt/apt-helper"
# Only the new repository is read, and any error of it is fatal.
_STRICT = ("-o", "Dir::Etc::sourceparts=-", "-o", "APT::Get::List-Cleanup=0", "-o", "APT::Update::Error-Mode=any")


class AptSources:
    """The charm's files in apt's folder."""

    def __init__(self, apt: Apt, folder: pathlib.Path = FOLDER) -> None:
        self._apt = apt
        self._keyrings = folder / "keyrings"
        self._lists = folder / "sources.list.d"

    def ensure(self, name: str, sources: Sequence[sources_list.Source]) -> None:
        """Make *sources* the repositories with this name. Raises PackageError, with nothing changed.

        They are tried in a separate file first, because an invalid one makes every run of apt fail. Nothing is run
        if apt has them already.
        """
        file = self._lists / f"{PREFIX}{name}.list"
        mark = sources_list.mark(sources)
        if (file.read_text().splitlines()[:1] == [mark]) if file.exists() else not sources:
            return
        stem = f"{PREFIX}{name}-{mark.split()[-1]}"
        make_folder(self._keyrings)
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
        old = self._keyrings.glob(f"{PREFIX}{name}-*")
        _remove(path for path in old if not path.name.startswith(stem))

    def _write_and_try(self, draft: pathlib.Path, mark: str, sources: Sequence[sources_list.Source]) -> None:
        keyrings = [draft.with_name(f"{draft.stem}-{i}") for i in range(len(sources))]
        lines = [mark, *(self._write_key(*pair) for pair in zip(sources, keyrings, strict=True))]
        text = "\n".join([*lines, ""])
        write_file(draft, text, 0o600 if sources_list.has_user(text) else 0o644)
        self._apt.run(*GET, "update", "-o", f"Dir::Etc::sourcelist={draft}", *_STRICT)

    def _write_key(self, source: sources_list.Source, stem: pathlib.Path) -> str:
        """Write the key of *source* to a file whose name begins with *stem*; return the line with it. Raises BadKey."""
        if not source.key:
            return source.line
        data = source.key_text or self._fetch(str(source.key_url))
        suffix = sources_list.key_suffix(data)
        if suffix is None:
            raise BadKey(f"{sources_list.without_passwords(str(source.key_url))} is not an OpenPGP key")
        keyring = stem.with_name(stem.name + suffix)
        keyring.write_bytes(data)
        keyring.chmod(0o644)  # apt reads it as another user than root
        return source.signed_by(str(keyring))

    def _fetch(self, url: str) -> bytes:
        """Fetch *url* by the methods and proxies that apt itself uses. Raises BadKey."""
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
