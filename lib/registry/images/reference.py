"""Names of images: https://pkg.go.dev/github.com/distribution/reference."""

from __future__ import annotations

import dataclasses
import re

# The grammar of https://pkg.go.dev/github.com/distribution/reference, without its look-alike of an image ID.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:localhost|\[[0-9a-fA-F:]+\]|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:\d))(?::\d+)?"
_REFERENCE = re.compile(
    rf"(?:(?P<host>{_HOST})/)?(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


class BadReference(ValueError):
    """A text is not the name of an image; ``str()`` is a clause for the operator."""


@dataclasses.dataclass(frozen=True)
class Reference:
    """The name of an image, in parts."""

    host: str | None
    """``host[:port]`` of its registry; None is Docker's default."""
    path: str
    """Repository, e.g. ``library/ubuntu`` or ``ubuntu``."""
    tag: str | None
    """Tag; None where the name has a digest only."""
    digest: str | None
    """``sha256:...``, or None."""

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read *text* as Docker does, with the tag ``latest`` where it has neither tag nor digest.

        Raises BadReference.
        """
        match = _REFERENCE.fullmatch(text)
        if match is None or len(text) > 255:
            raise BadReference(f"{text!r} is not the name of an image, such as registry:2")
        host, path, tag, digest = match.group("host", "path", "tag", "digest")
        return cls(host, path, tag if tag or digest else "latest", digest)

    @property
    def name(self) -> str:
        """``[host/]path``, without tag and digest."""
        return f"{self.host}/{self.path}" if self.host else self.path

    @property
    def version(self) -> str:
        """Tag or, without one, digest: what Docker's API calls the tag of a pull."""
        return self.digest or self.tag or "latest"

    @property
    def canonical(self) -> str:
        """The whole name, so that ``registry:2`` and ``docker.io/library/registry:2`` are equal."""
        host = self.host or "docker.io"
        path = self.path if "/" in self.path or host != "docker.io" else f"library/{self.path}"
        return f"{host}/{path}" + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")
