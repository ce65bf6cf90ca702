"""The registry's HTTP API: https://distribution.github.io/distribution/spec/api/. The only HTTP client."""

from __future__ import annotations

import hashlib
import pathlib
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import requests.adapters

from registry.formats.htpasswd import User


class ApiError(Exception):
    """The registry does not answer as it should; ``str()`` is a clause for the operator, without full stop."""


class NoStorage(ApiError):
    """The registry is there, and finds its storage away or refusing."""


class _Pinned(requests.adapters.HTTPAdapter):
    """Takes one certificate: https://urllib3.readthedocs.io/en/stable/advanced-usage.html#verifying-tls-against-a-different-host"""

    def __init__(self, certificate: str) -> None:
        first = certificate.partition("-----END CERTIFICATE-----")
        self._fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert("".join(first[:2]) + "\n")).hexdigest()
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, assert_fingerprint=self._fingerprint, **kwargs)


class Api:
    """One registry at *url*, without a proxy of the environment in between; *user* is for what needs one.

    At an https URL it has to present *certificate*, the first one of that PEM and no other, whatever its names. To that
    one, the key and the certificate in the file *identity* are shown, if it asks for them.
    """

    def __init__(
        self,
        url: str,
        user: User | None = None,
        certificate: str | None = None,
        identity: pathlib.Path | None = None,
        timeout: float = 5,
    ) -> None:
        self._url = url
        self._credentials = (user.name, user.password or "") if user else None
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False
        if certificate is not None:
            self._session.verify = False  # but for its fingerprint
            self._session.mount("https://", _Pinned(certificate))
            self._session.cert = str(identity) if identity else None

    def check_alive(self) -> None:
        """Ask for ``/``, which needs no user and answers 200 while the registry is well. Raises ApiError."""
        self._ask("GET", "/", 200, None)

    def check_closed(self) -> None:
        """Raise ApiError unless a stranger is turned away."""
        self._ask("GET", "/v2/", 401, None)

    def check_writable(self, repository: str) -> None:
        """Begin an upload to *repository* as the user and cancel it. Raises ApiError."""
        self._ask("GET", "/v2/", 200, self._credentials)
        answer = self._ask("POST", f"/v2/{repository}/blobs/uploads/", 202, self._credentials)
        location = urlsplit(urljoin(self._url, answer.headers.get("Location", "/")))
        self._ask("DELETE", f"{location.path}?{location.query}", 204, self._credentials)

    def check_read_only(self, repository: str) -> None:
        """Look for *repository*, which is not there, and have an upload refused, as the user. Raises ApiError."""
        # A registry that cannot reach its storage answers 500 or 503, not 404.
        self._ask("GET", f"/v2/{repository}/tags/list", 404, self._credentials)
        self._ask("POST", f"/v2/{repository}/blobs/uploads/", 405, self._credentials)

    def check_is_registry(self, environment: Mapping[str, str]) -> None:
        """Raise ApiError unless a registry answers, be it by asking for a user; *environment* has the proxies."""
        if not requests.utils.should_bypass_proxies(self._url, environment.get("NO_PROXY", "")):
            proxies = {scheme: environment.get(f"{scheme.upper()}_PROXY", "") for scheme in ("http", "https")}
            self._session.proxies.update({scheme: url for scheme, url in proxies.items() if url})
        answer = self._send("GET", "/v2/", None)
        if answer.status_code not in (200, 401):
            raise ApiError(f"GET /v2/ is answered {answer.status_code}, not 200 or 401")

    def complaints(self) -> str:
        """Return what the registry's checks of itself found, in its words; "" if nothing, or if it does not tell.

        Its debug server has to be asked for it.
        """
        try:
            found = self._session.get(urljoin(self._url, "/debug/health"), timeout=self._timeout).json()
            return "; ".join(str(words) for words in found.values())
        except (requests.RequestException, ValueError, AttributeError):
            return ""

    def _ask(self, method: str, path: str, expected: int, credentials: tuple[str, str] | None) -> requests.Response:
        answer = self._send(method, path, credentials)
        if answer.status_code == 503:
            raise NoStorage(f"{method} {path.partition('?')[0]} is answered 503: its storage is away or refuses")
        if answer.status_code != expected:
            raise ApiError(f"{method} {path.partition('?')[0]} is answered {answer.status_code}, not {expected}")
        return answer

    def _send(self, method: str, path: str, credentials: tuple[str, str] | None) -> requests.Response:
        try:
            return self._session.request(
                method,
                urljoin(self._url, path),
                auth=credentials,
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            pinned = self._session.verify is False
            raise ApiError(
                "another certificate is presented than the one configured"
                if pinned
                else "its certificate is not trusted"
            ) from error
        except requests.ConnectionError as error:
            raise ApiError("nothing answers") from error
        except requests.Timeout as error:
            raise ApiError(f"no answer in {self._timeout:g} s") from error
        except requests.RequestException as error:
            raise ApiError(f"what answers is no registry ({error})") from error
