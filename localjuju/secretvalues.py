"""The values of user secrets: as the operator types them, and as they are kept.

They are in `<model>/secrets/<id>/<revision>`, JSON of key -> value in base64, for root only: neither the model's file
nor a log has them.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import shutil
from pathlib import Path
from typing import Any

from localjuju import JujuError, yamltext
from localjuju.records.secret import Secret
from localjuju.store import Store

KEY = re.compile(r"[a-z](?:-?[a-z0-9]){2,}")
Content = dict[str, str]
"""key -> value in base64."""


def content(pairs: list[str], file: str | None) -> Content:
    """From key=value arguments, and a YAML file over them. A key may end in #base64, for a value that is in base64
    already, or in #file, for a value that is the path of a file. No error repeats a value.
    """
    given: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise JujuError("a secret's values are given as key=value, at least one of these is not")
        given[key] = value
    if file:
        try:
            loaded = yamltext.load_strings(Path(file).read_bytes())
        except OSError as error:
            raise JujuError(f"cannot read {file}: {error.strerror}") from None
        except ValueError:
            loaded = None
        if not isinstance(loaded, dict) or not all(isinstance(value, str) for value in loaded.values()):
            raise JujuError(f"{file} is not a YAML file of keys and values")
        given.update(loaded)
    return dict(_encoded(key, value) for key, value in given.items())


def _encoded(name: str, value: str) -> tuple[str, str]:
    key, _, form = name.partition("#")
    if not KEY.fullmatch(key) or form not in ("", "base64", "file"):
        raise JujuError(f'key "{name}" not valid')
    try:
        if form == "base64":
            base64.b64decode(value, validate=True)
            return key, value
        data = Path(value).expanduser().read_bytes() if form == "file" else value.encode()
        return key, base64.b64encode(data).decode()
    except binascii.Error:
        raise JujuError(f'the value of key "{key}" is not in base64') from None
    except OSError as error:
        raise JujuError(f'cannot read the file for key "{key}": {error.strerror}') from None


def decoded(values: Content) -> dict[str, str]:
    """The values as text."""
    return {key: base64.b64decode(value).decode(errors="replace") for key, value in values.items()}


def _folder(store: Store, secret: Secret) -> Path:
    return store.folder / "secrets" / secret.id


def load(store: Store, secret: Secret, revision: int) -> Content:
    """The values of a revision."""
    if str(revision) not in secret.revisions:
        raise JujuError(f'secret revision {revision} of "{secret.id}" not found')
    kept: Content = json.loads((_folder(store, secret) / str(revision)).read_text())
    return kept


def save(store: Store, secret: Secret, revision: str, values: Content) -> None:
    """Keep the values of a revision."""
    folder = _folder(store, secret)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / revision
    path.touch(0o600)
    path.write_text(json.dumps(values))


def remove(store: Store, secret: Secret, revision: str = "") -> None:
    """Remove the values of a revision, or of all."""
    if revision:
        (_folder(store, secret) / revision).unlink()
    else:
        shutil.rmtree(_folder(store, secret))
