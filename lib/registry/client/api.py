"""The registry's HTTP API: https://distribution.github.io/distribution/spec/api/."""

from __future__ import annotations

import contextlib
import http
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

from registry.client.http import ApiError, Connection
from registry.client.trial import SHORT, SHORT_PART, Trial, broken_rules

TRANSFER_SECONDS = 60
"""How long a registry may take to store a part of a blob."""


class Api:
    """One registry, at the other end of *connection*."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def check_alive(self) -> None:
        """Request ``/``, which needs no user and returns 200 while the registry is healthy. Raises ApiError."""
        self._connection.require("GET", "/", 200)

    def check_authentication(self) -> None:
        """Raise ApiError unless the registry rejects an unauthenticated client."""
        self._connection.require("GET", "/v2/", 401)

    def check_writable(self, repository: str) -> None:
        """Start an upload to *repository* as the user, and cancel it. Raises ApiError."""
        self._connection.require("GET", "/v2/", 200, as_user=True)
        answer = self._connection.require("POST", f"/v2/{repository}/blobs/uploads/", 202, as_user=True)
        location = urlsplit(urljoin(self._connection.url, answer.headers.get("Location", "/")))
        self._connection.require("DELETE", f"{location.path}?{location.query}", 204, as_user=True)

    def check_readable(self, repository: str) -> None:
        """As the user, request *repository*, for which the registry asks its storage. Raises ApiError.

        One that requires a token rejects the user, and says nothing about its storage.
        """
        status = self._connection.send("GET", f"/v2/{repository}/tags/list", as_user=True).status_code
        if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            raise ApiError(f"the registry answers {status}")

    def check_read_only(self, repository: str) -> None:
        """As the user, request *repository*, which must not exist, and an upload, which must fail. Raises ApiError."""
        # A registry that cannot reach its storage returns 500 or 503, not 404.
        self._connection.require("GET", f"/v2/{repository}/tags/list", 404, as_user=True)
        self._connection.require("POST", f"/v2/{repository}/blobs/uploads/", 405, as_user=True)

    def try_storage(self) -> str:
        """Store a blob in two parts, read and delete it, as the user; return the rules that the storage breaks."""
        trial = Trial(self._connection.within(TRANSFER_SECONDS), SHORT_PART)
        return broken_rules(dict(trial.steps(SHORT)))

    def uploading(self) -> contextlib.AbstractContextManager[None]:
        """Keep an upload in progress in the body, and end it: see `Trial.uploading`. Raises ApiError."""
        return Trial(self._connection.within(TRANSFER_SECONDS)).uploading()

    def check_is_registry(self, environment: Mapping[str, str], ca: str = "") -> None:
        """Raise ApiError unless a registry answers, with or without authentication.

        *environment* has the proxies, *ca* the PEM of CAs to trust besides the system's.
        """
        self._connection.go_out(environment, ca)
        answer = self._connection.send("GET", "/v2/")
        if answer.status_code not in (200, 401):
            raise ApiError(f"GET /v2/ returned {answer.status_code} instead of 200 or 401")

    def read_health_errors(self) -> str:
        """Return the errors of the registry's own health checks; "" if there are none, or if it does not answer.

        For a client of its debug server.
        """
        try:
            checks = self._connection.send("GET", "/debug/health").json()
            return "; ".join(str(error) for error in checks.values())
        except (ApiError, ValueError, AttributeError):
            return ""
