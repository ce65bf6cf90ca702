"""The registry's HTTP API: https://distribution.github.io/distribution/spec/api/."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

from registry.client.http import ApiError, Connection
from registry.formats.htpasswd import User


class Api:
    """One registry at *url*; the parameters are those of `http.Connection`."""

    def __init__(
        self,
        url: str,
        user: User | None = None,
        certificate: str | None = None,
        identity: pathlib.Path | None = None,
        timeout: float = 5,
    ) -> None:
        self._connection = Connection(url, user, certificate, identity, timeout)

    def check_alive(self) -> None:
        """Ask for ``/``, which needs no user and answers 200 while the registry is well. Raises ApiError."""
        self._connection.ask("GET", "/", 200)

    def check_closed(self) -> None:
        """Raise ApiError unless an unauthenticated client is refused."""
        self._connection.ask("GET", "/v2/", 401)

    def check_writable(self, repository: str) -> None:
        """Begin an upload to *repository* as the user and cancel it. Raises ApiError."""
        self._connection.ask("GET", "/v2/", 200, as_user=True)
        answer = self._connection.ask("POST", f"/v2/{repository}/blobs/uploads/", 202, as_user=True)
        location = urlsplit(urljoin(self._connection.url, answer.headers.get("Location", "/")))
        self._connection.ask("DELETE", f"{location.path}?{location.query}", 204, as_user=True)

    def check_read_only(self, repository: str) -> None:
        """Look for *repository*, which does not exist, and have an upload refused, as the user. Raises ApiError."""
        # A registry that cannot reach its storage answers 500 or 503, not 404.
        self._connection.ask("GET", f"/v2/{repository}/tags/list", 404, as_user=True)
        self._connection.ask("POST", f"/v2/{repository}/blobs/uploads/", 405, as_user=True)

    def check_is_registry(self, environment: Mapping[str, str]) -> None:
        """Raise ApiError unless a registry answers, be it by asking for a user; *environment* has the proxies."""
        self._connection.use_proxies(environment)
        answer = self._connection.send("GET", "/v2/")
        if answer.status_code not in (200, 401):
            raise ApiError(f"GET /v2/ is answered {answer.status_code}, not 200 or 401")

    def complaints(self) -> str:
        """Return what the registry's checks of itself found, in its words; "" if nothing, or if it does not tell.

        Its debug server has to be asked for it.
        """
        try:
            found = self._connection.send("GET", "/debug/health").json()
            return "; ".join(str(words) for words in found.values())
        except (ApiError, ValueError, AttributeError):
            return ""
