"""What Docker's SDK raises, as errors of this charm."""

from __future__ import annotations

import contextlib
import http
from collections.abc import Iterator

import docker.errors
import requests
import urllib3.exceptions


class EngineError(Exception):
    """Docker rejects a request or does not answer; ``str()`` says which and why, without full stop."""


class NoSuchObject(EngineError):
    """There is no container or image with that name."""


class Refused(EngineError):
    """The request is invalid: the image has no command, or does not contain the command."""


class Disconnected(EngineError):
    """Docker has ended or was ended: whether it did what was requested is unknown."""


@contextlib.contextmanager
def docker_errors(what: str) -> Iterator[None]:
    """Turn errors of the SDK in the body into EngineError; *what* failed."""
    try:
        yield
    except docker.errors.NotFound as error:
        raise NoSuchObject(f"{what}: {_words(error)}") from error
    except docker.errors.APIError as error:
        kind = Refused if error.status_code == http.HTTPStatus.BAD_REQUEST else EngineError
        raise kind(f"{what}: {_words(error)}") from error
    # The SDK passes on the errors of its HTTP libraries, those of urllib3 where an answer is a stream.
    except (requests.ConnectionError, urllib3.exceptions.ProtocolError) as error:
        raise Disconnected(f"{what}: {_words(error)}") from error
    except (docker.errors.DockerException, requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise EngineError(f"{what}: {_words(error)}") from error


def _words(error: Exception) -> str:
    """Return Docker's own message, without what the SDK adds, on one line."""
    explanation = getattr(error, "explanation", None)
    return " ".join(str(explanation or error).split()).rstrip(".")
