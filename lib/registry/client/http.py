"""HTTP with one registry: the session, the certificate that it must present, errors."""

from __future__ import annotations

import contextlib
import copy
import functools
import hashlib
import http
import pathlib
import ssl
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

import requests
import requests.adapters

from registry.deadline import Deadline
from registry.formats.htpasswd import User
from registry.formats.no_proxy import proxy_for

_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
"""What OpenSSL makes of an answer in plain HTTP, depending on its version."""
SECONDS = 5
"""How long a registry may take to answer."""


class ApiError(Exception):
    """The registry does not answer as expected; ``str()`` says how, for the parentheses of a message."""


class NoStorage(ApiError):
    """The registry answers that its storage is unreachable or refuses access."""


class Refusal(ApiError):
    """The registry answers, and refuses or accepts what it should not: nothing is wrong with its storage."""


class Session(requests.Session):
    """Requests with the proxies in *environment* and the CAs in the PEM *ca*, besides the system's, and no others.

    *timeout* says how many seconds a request may take; without it, each request says so itself.
    """

    def __init__(
        self, environment: Mapping[str, str], ca: str = "", timeout: Callable[[], float] | None = None
    ) -> None:
        super().__init__()
        self.trust_env = False
        self._environment = environment
        self._timeout = timeout
        if ca:
            self.mount("https://", Trusting(ca))

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a request, the first or one after a redirect, by the proxy for its URL."""
        proxy = proxy_for(request.url or "", self._environment)
        if self._timeout is not None:
            kwargs["timeout"] = self._timeout()
        kwargs["proxies"] = dict.fromkeys(("http", "https"), proxy) if proxy else {}
        return super().send(request, **kwargs)


class Connection:
    """HTTP with the server at *url*, without the environment's proxies; *user* is for requests made as the user.

    At an https URL the server must present *certificate*, the first one of that PEM, whatever its names. The key and
    the certificate in the file *identity* are presented to it, if it requests them.

    Without *keep_alive* each TCP connection ends with the answer: a switch would wait until one that is kept open is
    quiet.
    """

    def __init__(
        self,
        url: str,
        user: User | None = None,
        certificate: str | None = None,
        identity: pathlib.Path | None = None,
        deadline: Deadline | None = None,
        seconds: float = SECONDS,
        *,
        keep_alive: bool = True,
    ) -> None:
        self.url = url
        self._seconds = seconds
        self._credentials = (user.name, user.password or "") if user else None
        self._deadline = deadline or Deadline()
        self._keep_alive = keep_alive
        self._session = Session({})
        if certificate is not None:
            self._session.verify = False  # except for its fingerprint
            self._session.mount("https://", _Pinned(certificate))
            self._session.cert = str(identity) if identity else None

    def close(self) -> None:
        """Close what is kept open."""
        self._session.close()

    def within(self, seconds: float) -> Connection:
        """Return the same, where an answer may take as many *seconds*."""
        patient = copy.copy(self)
        patient._seconds = seconds
        return patient

    def go_out(self, environment: Mapping[str, str], ca: str = "") -> None:
        """Use the proxies that *environment* has for the server, and trust the CAs in the PEM *ca* too."""
        self._session = Session(environment, ca)

    def require(self, method: str, path: str, expected: int, *, as_user: bool = False) -> requests.Response:
        """Send a request, and return the answer with the *expected* status. Raises ApiError."""
        answer = self.send(method, path, as_user=as_user)
        request = f"{method} {path.partition('?')[0]}"
        if answer.status_code == http.HTTPStatus.SERVICE_UNAVAILABLE:
            raise NoStorage(f"{request} returned 503: the storage is unreachable or refuses access")
        if answer.status_code != expected:
            kind = Refusal if answer.status_code < http.HTTPStatus.INTERNAL_SERVER_ERROR else ApiError
            raise kind(f"{request} returned {answer.status_code} instead of {expected}")
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
        timeout = self._deadline.limit(self._seconds)
        with errors(timeout, is_pinned=self._session.verify is False):
            return self._session.request(
                method,
                urljoin(self.url, path),
                auth=self._credentials if as_user else None,
                headers={**({} if self._keep_alive else {"Connection": "close"}), **(headers or {})},
                data=data,
                stream=stream,
                timeout=timeout,
                allow_redirects=False,
            )


@contextlib.contextmanager
def errors(timeout: float = 0, *, is_pinned: bool = False) -> Iterator[None]:
    """Turn errors of requests into ApiError. *is_pinned*: one certificate is accepted, and no CA."""
    try:
        yield
    except requests.exceptions.SSLError as error:
        if is_pinned:
            raise ApiError("the server presents another certificate than the configured one") from error
        raise ApiError(_distrust(error)) from error
    except requests.ConnectionError as error:
        raise ApiError("connection failed") from error
    except requests.Timeout as error:
        raise ApiError(f"no answer within {timeout:.0f} s") from error
    except requests.RequestException as error:
        raise ApiError(f"the server is not a registry: {error}") from error
    except OSError as error:  # of requests too, which does not find the CAs
        raise ApiError(f"the package ca-certificates is not installed: {error}") from error


def _distrust(error: BaseException | None) -> str:
    """Return what is wrong with the TLS of a server, in the words of the *error* beneath."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"the server's certificate is not trusted ({error.verify_message.rstrip('.')})"
        if isinstance(error, ssl.SSLError) and error.reason in _NO_TLS:
            return "the server does not use TLS"
        error = error.__cause__ or error.__context__
    return "the server's certificate is not trusted"


@functools.lru_cache(maxsize=2)
def _context(ca: str) -> ssl.SSLContext:
    """Return what verifies certificates; it takes 50 ms, and connections to all registries can use the same."""
    context = ssl.create_default_context()
    # As Go: any certificate of the PEM is trusted, an intermediate one too, and extensions may be missing.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.set_ciphers("DEFAULT:@SECLEVEL=1")  # distributions refuse RSA of 1024 bits
    if ca:
        context.load_verify_locations(cadata=ca)
    return context


class Trusting(requests.adapters.HTTPAdapter):
    """Accepts certificates of more CAs than requests does: the machine's, and those in the PEM *ca*."""

    def __init__(self, ca: str) -> None:
        self._context = _context(ca)
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)


class _Pinned(requests.adapters.HTTPAdapter):
    """Accepts one certificate: https://urllib3.readthedocs.io/en/stable/advanced-usage.html#verifying-tls-against-a-different-host"""

    def __init__(self, certificate: str) -> None:
        first = certificate.partition("-----END CERTIFICATE-----")
        self._fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert("".join(first[:2]) + "\n")).hexdigest()
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, assert_fingerprint=self._fingerprint, **kwargs)
