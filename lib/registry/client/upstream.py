"""HTTP with registries elsewhere, from which images are copied: tokens, redirects, limits of requests.

A password goes to the registry that it is for, and to the token server that this registry names over TLS; a redirect
gets neither password nor token unless it stays at the registry. https://distribution.github.io/distribution/spec/auth/
"""

from __future__ import annotations

import base64
import dataclasses
import email.utils
import http
import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests

from registry.client.http import ApiError, Connection, Refusal, Trusting, errors
from registry.deadline import Deadline
from registry.formats import challenges
from registry.formats.challenges import Challenge
from registry.formats.htpasswd import User

SECONDS = 60
"""How long a registry may send nothing."""
REDIRECTS = 5
WAITS = 4
"""How often a request is repeated that the registry refuses because there were too many."""
LONGEST_WAIT = 60
"""Seconds; one that asks for more, as Docker Hub does when the allowance of hours is used up, fails the image."""

_ADDRESSES = {"docker.io": "registry-1.docker.io"}
_PORTS = {"http": 80, "https": 443}
_DENIED = (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN)
_LIMITED = (http.HTTPStatus.TOO_MANY_REQUESTS, http.HTTPStatus.SERVICE_UNAVAILABLE)


@dataclasses.dataclass(frozen=True)
class Access:
    """How registries elsewhere are reached."""

    users: Mapping[str, User] = dataclasses.field(default_factory=dict, repr=False)
    """Host to the user there."""
    plain: frozenset[str] = frozenset()
    """Hosts that are connected to without TLS."""
    ca: str = ""
    """PEM of CAs to trust besides the machine's."""
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Variables with the proxies."""

    def url(self, host: str) -> str:
        """Return where the registry *host* is reached."""
        return f"{'http' if host in self.plain else 'https'}://{_ADDRESSES.get(host, host)}"


class Upstream(Connection):
    """HTTP with the registry *host*."""

    def __init__(self, host: str, access: Access, sleep: Callable[[float], None] = time.sleep) -> None:
        super().__init__(access.url(host), deadline=Deadline(math.inf), seconds=SECONDS)
        self.go_out(access.environment, access.ca)
        if not access.ca:
            self._session.mount("https://", Trusting(""))
        self._host = host
        self._user = access.users.get(host)
        self._sleep = sleep
        self._known: dict[str, str] = {}
        """Repository to the header Authorization for it; "" for all."""
        self._lock = threading.Lock()

    def send(
        self,
        method: str,
        path: str,
        *,
        as_user: bool = False,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
        stream: bool = False,
    ) -> requests.Response:
        """Send a request, with all that the registry asks for first. Raises ApiError; Refusal if access is denied."""
        attempt = 0
        while True:
            try:
                answer = self._send_authorized(method, path, dict(headers or {}), data, stream=stream)
            except ValueError as error:
                raise ApiError(f"{self._host} redirects to a malformed URL, or names one") from error
            limited = answer.status_code in _LIMITED
            if not limited or not (answer.headers.get("Retry-After") or answer.status_code == _LIMITED[0]):
                return answer
            answer.close()
            pause = _seconds(answer.headers.get("Retry-After", ""), 2**attempt)
            if attempt == WAITS or pause > LONGEST_WAIT:
                break
            self._sleep(pause)
            attempt += 1
        asked = f", and asks for a pause of {pause:.0f} s" if pause > LONGEST_WAIT else ""
        raise Refusal(f"{self._host} returned {answer.status_code}: too many requests{asked}")

    def _send_authorized(
        self, method: str, path: str, headers: dict[str, str], data: Any, *, stream: bool
    ) -> requests.Response:
        repository = _repository(path)
        known = self._authorization(repository)
        answer = self._follow(method, path, headers, known, data, stream=stream)
        # What another server asks for after a redirect is not answered: it gets no password.
        if answer.status_code == http.HTTPStatus.UNAUTHORIZED and _origin(answer.url) == _origin(self.url):
            answer.close()
            new = self._log_in(repository, known, answer.headers.get("WWW-Authenticate", ""))
            answer = self._follow(method, path, headers, new, data, stream=stream)
        if answer.status_code in _DENIED:
            answer.close()
            if _origin(answer.url) != _origin(self.url):  # a URL that has expired meanwhile, for example
                raise ApiError(f"{urlsplit(answer.url).hostname} returned {answer.status_code} for {self._host}")
            raise Refusal(f"{self._host} returned {answer.status_code} for {repository or path}: {self._denied()}")
        return answer

    def _denied(self) -> str:
        if self._user:
            return "the user may not read it, or it does not exist"
        return "it does not exist, or needs credentials"

    def _follow(
        self, method: str, path: str, headers: dict[str, str], authorization: str, data: Any, *, stream: bool
    ) -> requests.Response:
        """Send a request and follow redirects, elsewhere without *authorization*."""
        place = path
        for _ in range(REDIRECTS):
            full = urljoin(self.url, place)
            is_own = _origin(full) == _origin(self.url)
            more = {"Authorization": authorization} if is_own and authorization else {}
            answer = super().send(method, place, headers={**headers, **more}, data=data, stream=stream)
            if not answer.is_redirect or method not in ("GET", "HEAD"):
                return answer
            place = urljoin(answer.url, answer.headers["Location"])
            answer.close()
            if self.url.startswith("https:") and urlsplit(place).scheme != "https":
                raise Refusal(f"{self._host} redirects to a server without TLS")
        raise Refusal(f"{self._host} redirects without end")

    def _authorization(self, repository: str) -> str:
        return self._known.get(repository) or self._known.get("", "")

    def _log_in(self, repository: str, known: str, header: str) -> str:
        """Return the header Authorization that the registry asks for, in place of the *known* one."""
        with self._lock:
            if (other := self._authorization(repository)) != known:
                return other  # another thread was here
            offers = {challenge.scheme: challenge for challenge in challenges.parse(header)}
            if "bearer" in offers:
                self._known[repository] = f"Bearer {self._token(offers['bearer'], repository)}"
                return self._known[repository]
            if "basic" not in offers or self._user is None or known:
                raise Refusal(f"{self._host} {'refuses' if self._user else 'needs'} credentials")
            self._known[""] = _basic(self._user)
            return self._known[""]

    def _token(self, challenge: Challenge, repository: str) -> str:
        """Return a token from the server that the registry names."""
        realm, own = urlsplit(challenge.realm), urlsplit(self.url)
        is_plain = own.scheme == "http" and realm.scheme == "http"
        # Who can change answers without TLS must not learn the password by naming another server.
        is_trusted = own.scheme == "https" or realm.hostname == own.hostname or self._user is None
        if not (realm.scheme == "https" or is_plain) or not realm.hostname or not is_trusted:
            raise Refusal(f"{self._host} names a token server that gets no credentials: {realm.hostname}")
        scope = challenge.scope or f"repository:{repository}:pull"
        query = {"service": challenge.service or None, "scope": scope.split(" ")}
        headers = {"Authorization": _basic(self._user)} if self._user else {}
        with errors(SECONDS):
            answer = self._session.get(
                realm.geturl(), params=query, headers=headers, timeout=SECONDS, allow_redirects=False
            )
        if answer.status_code in _DENIED:
            raise Refusal(f"{realm.hostname} {'refuses' if self._user else 'needs'} credentials for {self._host}")
        try:
            found = answer.json() if answer.status_code == http.HTTPStatus.OK else {}
            token = found.get("token") or found.get("access_token")
        except (ValueError, AttributeError):
            token = None
        # One with other characters could add headers.
        if not isinstance(token, str) or not re.fullmatch(r"[!-~]+", token):
            raise ApiError(f"{realm.hostname} returned {answer.status_code} and no token for {self._host}")
        return token


def _repository(path: str) -> str:
    match = re.match(r"/v2/(.+?)/(?:manifests|blobs|tags)/", path)
    return match[1] if match else ""


def _origin(url: str) -> tuple[str, str, int]:
    parts: SplitResult = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


def _basic(user: User) -> str:
    login = f"{user.name}:{user.password or ''}"
    return f"Basic {base64.b64encode(login.encode()).decode()}"


def _seconds(text: str, otherwise: float) -> float:
    """Return the pause that a header Retry-After asks for."""
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return otherwise
