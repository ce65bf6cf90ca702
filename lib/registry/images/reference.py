"""Image names: https://pkg.go.dev/github.com/distribution/reference."""

from __future__ import annotations

import dataclasses
import re

from registry.message import Fault, Message

NOT_AN_IMAGE = Message("{name!r} is not an image name", "Use a name such as registry:2")
"""The name does not follow Docker's grammar: [HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST], the repository in lower case."""

# The grammar of https://pkg.go.dev/github.com/distribution/reference, without its look-alike of an image ID.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"(?:localhost|\[[0-9a-fA-F:]+\]|{_LABEL}(?:\.{_LABEL})+|{_LABEL}(?=:[0-9]))(?::[0-9]+)?"
_REFERENCE = re.compile(
    rf"(?:(?P<host>{_HOST})/)?(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)


_NAME = 255
"""Characters of host and repository; a tag has 128 at most."""
_LONGEST = _NAME + len(":@sha256:") + 128 + 64


class BadReference(Fault):
    """A text is not an image name, or not one that can be used here."""


@dataclasses.dataclass(frozen=True)
class Reference:
    """An image name, split into its parts."""

    host: str | None
    """``host[:port]`` of its registry; None is Docker Hub."""
    path: str
    """Repository, e.g. ``library/ubuntu`` or ``ubuntu``."""
    tag: str | None
    """Tag; None where the name has a digest only."""
    digest: str | None
    """``sha256:...``, or None."""

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Parse *text* as Docker does, with the tag ``latest`` where it has neither tag nor digest.

        Raises BadReference.
        """
        match = _REFERENCE.fullmatch(text) if len(text) <= _LONGEST else None
        if match is None or match.end("path") > _NAME:
            raise BadReference(NOT_AN_IMAGE(name=text))
        host, path, tag, digest = match.group("host", "path", "tag", "digest")
        return cls(host, path, tag if tag or digest else "latest", digest)

    @property
    def name(self) -> str:
        """``[host/]path``, without tag and digest."""
        return f"{self.host}/{self.path}" if self.host else self.path

    @property
    def version(self) -> str:
        """Digest or, without one, tag: the parameter ``tag`` of a pull in Docker's API."""
        return self.digest or self.tag or "latest"

    @property
    def canonical(self) -> str:
        """The whole name, so that ``registry:2`` and ``docker.io/library/registry:2`` are equal."""
        host = self.host or "docker.io"
        path = self.path if "/" in self.path or host != "docker.io" else f"library/{self.path}"
        return f"{host}/{path}" + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")
