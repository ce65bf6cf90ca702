"""What registries answer to requests for their content: lists, pages, errors."""

from __future__ import annotations

import http
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from registry.client.http import ApiError, Refusal

_TRANSIENT = (http.HTTPStatus.REQUEST_TIMEOUT, http.HTTPStatus.TOO_MANY_REQUESTS)
_UNSURE = (
    *_TRANSIENT,
    *(http.HTTPStatus.BAD_GATEWAY, http.HTTPStatus.SERVICE_UNAVAILABLE, http.HTTPStatus.GATEWAY_TIMEOUT),
)
"""The registry's storage, or a proxy's way to the registry, is not there now; 500 is damage in the storage."""
_ACCESS = (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN, http.HTTPStatus.METHOD_NOT_ALLOWED)
"""The registry refuses any change of this user, whatever the image."""


class Unreadable(ApiError):
    """The registry fails to read a manifest or a tag, as it does where these are damaged in the storage."""


class Rejected(Refusal):
    """The registry does not accept an image as it is, and never will."""


def require(answer: requests.Response, request: str, expected: int) -> None:
    """Raise ApiError unless *answer*, to *request*, has the *expected* status; Refusal if it will be the same again."""
    status = answer.status_code
    if status == expected:
        return
    text = f"{request} returned {status} instead of {int(expected)}{_reason(answer)}"
    is_manifest, method = "/manifests/" in request, request.partition(" ")[0]
    if is_manifest and method != "PUT" and status == http.HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unreadable(text)
    if status == http.HTTPStatus.NOT_FOUND and "/blobs/uploads/" in request:
        raise ApiError(text)  # the upload was lost: another one can be begun
    if status not in _TRANSIENT and http.HTTPStatus.BAD_REQUEST <= status < http.HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Rejected(text) if method in ("POST", "PUT") and status not in _ACCESS else Refusal(text)
    raise ApiError(text)


def exists(answer: requests.Response, request: str) -> bool:
    """Tell whether a HEAD *request* found what it asks for. Raises ApiError where the registry cannot tell now."""
    if answer.status_code in _UNSURE:
        raise ApiError(f"{request} returned {answer.status_code} instead of 200 or 404")
    return answer.status_code == http.HTTPStatus.OK


def _reason(answer: requests.Response) -> str:
    """Return what the registry says is wrong with a request; "" if it does not."""
    try:
        # In a read of a blob, what follows may be large.
        listed = answer.json()["errors"] if answer.request.method != "GET" else ()
        told = [f"{one['code']}: {one['message']}" for one in listed if one["code"] != "UNKNOWN"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
    text = "; ".join(dict.fromkeys(told))[:200]
    return f" ({text})" if text.isprintable() and text else ""


def names(answer: requests.Response, key: str) -> list[str]:
    """Return the names in the list *key*. Raises ApiError where there is none."""
    try:
        found: Any = answer.json().get(key) or []
    except (ValueError, AttributeError) as error:
        raise ApiError("the server is not a registry: it returned no list") from error
    return [name for name in found if isinstance(name, str)]


def following(answer: requests.Response) -> str | None:
    """Return path and query of the next page; None after the last one."""
    url = answer.links.get("next", {}).get("url")
    parts = urlsplit(urljoin(answer.url, url)) if url else None
    return f"{parts.path}?{parts.query}" if parts else None
