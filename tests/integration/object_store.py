"""The stand-in for object stores as tests look at it: by Swift's own API, as the user whose store it is."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from http.client import HTTPMessage

from unit import Unit

PASSWORD = "testing"
"""Of test:tester, with Swift's own login and as the secret key of S3, and of Keystone's tester."""


def ask(
    url: str, method: str = "GET", data: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, HTTPMessage, bytes]:
    """Return status, headers and body of the answer."""
    request = urllib.request.Request(url, data, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


class Store(Unit):
    """The unit of the charm `store`."""

    def _log_in(self) -> tuple[str, str]:
        headers = {"X-Auth-User": "test:tester", "X-Auth-Key": PASSWORD}
        for _ in range(100):  # it may just have been started
            try:
                status, told, _ = ask(f"http://{self.address}:8080/auth/v1.0", headers=headers)
                if status == 200:
                    return told["X-Storage-Url"], told["X-Auth-Token"]
            except OSError:
                pass
            time.sleep(0.2)
        raise AssertionError("nobody comes in")

    def _log_in_by_keystone(self) -> tuple[str, str]:
        domain = {"domain": {"name": "acme"}}
        user = {"user": {"name": "tester", "password": PASSWORD, **domain}}
        login = {"identity": {"methods": ["password"], "password": user}}
        body = json.dumps({"auth": {**login, "scope": {"project": {"name": "images", **domain}}}}).encode()
        json_text = {"Content-Type": "application/json"}
        _, told, text = ask(f"http://{self.address}:5000/v3/auth/tokens", "POST", body, json_text)
        project = json.loads(text)["token"]["project"]["id"]
        return f"http://{self.address}:8081/v1/AUTH_{project}", told["X-Subject-Token"]

    def swift(self, method: str, path: str, *, keystone: bool = False, **headers: str) -> str:
        """Ask Swift for a container or an object, in the account of Keystone's project or in the other; the text."""
        url, token = self._log_in_by_keystone() if keystone else self._log_in()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for _ in range(50):  # the servers behind the proxy may just have been started
            status, _, body = ask(
                f"{url}/{path}", method, b"" if method == "PUT" else None, {"X-Auth-Token": token, **named}
            )
            if status != 503:
                break
            time.sleep(0.2)
        assert status in (200, 201, 202, 204), status
        return body.decode()
