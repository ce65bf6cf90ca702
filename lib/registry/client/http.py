"""HTTP with one registry: the session, the certificate that it must present, errors."""

from __future__ import annotations

import contextlib
import hashlib
import http
import pathlib
import ssl
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

import requests
import requests.adapters

from registry.formats.htpasswd import User


class ApiError(Exception):
    """The registry does not answer as expected; ``str()`` says how, for the parentheses of a message."""


class NoStorage(ApiError):
    """The registry answers that its storage is unreachable or refuses access."""


class Connection:
    """HTTP with the server at *url*, without the environment's proxies; *user* is for requests made as the user.

    At an https URL the server must present *certificate*, the first one of that PEM, whatever its names. The key and
    the certificate in the file *identity* are presented to it, if it requests them.
    """

    def __init__(
        self,
        url: str,
        user: User | None = None,
        certificate: str | None = None,
        identity: pathlib.Path | None = None,
        timeout: float = 5,
    ) -> None:
        self.url = url
        self._credentials = (user.name, user.password or "") if user else None
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False
        if certificate is not None:
            self._session.verify = False  # except for its fingerprint
            self._session.mount("https://", _Pinned(certificate))
            self._session.cert = str(identity) if identity else None

    def use_proxies(self, environment: Mapping[str, str]) -> None:
        """Use the proxies that *environment* has for the server."""
        use_proxies(self._session, environment, self.url)

    def require(self, method: str, path: str, expected: int, *, as_user: bool = False) -> requests.Response:
        """Send a request, and return the answer with the *expected* status. Raises ApiError."""
        answer = self.send(method, path, as_user=as_user)
        request = f"{method} {path.partition('?')[0]}"
        if answer.status_code == http.HTTPStatus.SERVICE_UNAVAILABLE:
            raise NoStorage(f"{request} returned 503: the storage is unreachable or refuses access")
        if answer.status_code != expected:
            raise ApiError(f"{request} returned {answer.status_code} instead of {expected}")
        return answer

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
        """Send a request, and return the answer, whatever its status. Raises ApiError if there is none.

        With *stream* its content is read later.
        """
        with errors(self._timeout, is_pinned=self._session.verify is False):
            return self._session.request(
                method,
                urljoin(self.url, path),
                auth=self._credentials if as_user else None,
                headers=dict(headers or {}),
                data=data,
                stream=stream,
                timeout=self._timeout,
                allow_redirects=False,
            )

    def fetch(self, url: str, *, stream: bool = False) -> requests.Response:
        """Get what the registry redirects to, in an object store with its own authentication. Raises ApiError."""
        with errors(self._timeout), requests.Session() as session:
            session.trust_env = False
            return session.get(url, timeout=self._timeout, stream=stream)


@contextlib.contextmanager
def errors(timeout: float = 0, *, is_pinned: bool = False) -> Iterator[None]:
    """Turn errors of requests into ApiError. *is_pinned*: one certificate is accepted, and no CA."""
    try:
        yield
    except requests.exceptions.SSLError as error:
        if is_pinned:
            raise ApiError("the server presents another certificate than the configured one") from error
        raise ApiError("the server's certificate is not trusted") from error
    except requests.ConnectionError as error:
        raise ApiError("connection failed") from error
    except requests.Timeout as error:
        raise ApiError(f"no answer within {timeout:g} s") from error
    except requests.RequestException as error:
        raise ApiError(f"the server is not a registry: {error}") from error


class _Pinned(requests.adapters.HTTPAdapter):
    """Accepts one certificate: https://urllib3.readthedocs.io/en/stable/advanced-usage.html#verifying-tls-against-a-different-host"""

    def __init__(self, certificate: str) -> None:
        first = certificate.partition("-----END CERTIFICATE-----")
        self._fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert("".join(first[:2]) + "\n")).hexdigest()
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, assert_fingerprint=self._fingerprint, **kwargs)


def use_proxies(session: requests.Session, environment: Mapping[str, str], url: str) -> None:
    """Have *session* use the proxies that *environment* has for *url*, if any."""
    if not requests.utils.should_bypass_proxies(url, environment.get("NO_PROXY", "")):
        proxies = {scheme: environment.get(f"{scheme.upper()}_PROXY", "") for scheme in ("http", "https")}
        session.proxies.update({scheme: proxy for scheme, proxy in proxies.items() if proxy})
