"""User secrets: made and granted by the operator, read by units.

https://documentation.ubuntu.com/juju/3.6/reference/secret/. The values, and nothing else, are in
`<model>/secrets/<id>/<revision>`, JSON of key -> value in base64, for root only: neither the model's file nor a log
has them.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

import yaml

from localjuju import JujuError
from localjuju.model import Model
from localjuju.records.application import Application
from localjuju.records.secret import SECRET, Secret
from localjuju.records.status import now
from localjuju.records.unit import Hook, Unit
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
            # BaseLoader makes nothing but text: 0123 stays what it is.
            loaded = yaml.load(Path(file).read_bytes(), Loader=yaml.BaseLoader)  # noqa: S506
        except OSError as error:
            raise JujuError(f"cannot read {file}: {error.strerror}") from None
        except (yaml.YAMLError, UnicodeError):
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


def named(model: Model, text: str) -> Secret:
    """The secret with this URI, ID or name."""
    uri = SECRET.fullmatch(text)
    wanted = uri[1] if uri else text
    for secret in model.secrets.values():
        if wanted in (secret.id, secret.name):
            return secret
    raise JujuError(f'secret "{wanted}" not found')


def add(store: Store, model: Model, name: str, info: str, values: Content) -> Secret:
    """Make a secret; its URI is `secret:` and its ID."""
    _free(model, name)
    if not values:
        raise JujuError("missing secret value or filename")
    # An xid: 12 bytes that begin with the time, so that they are in order.
    xid = base64.b32hexencode(int(time.time()).to_bytes(4, "big") + os.urandom(8)).decode().rstrip("=").lower()
    secret = model.secrets[xid] = Secret(xid, name, info)
    _keep(store, secret, values)
    return secret


def _free(model: Model, name: str) -> None:
    if name in [secret.name for secret in model.secrets.values()]:
        raise JujuError(f'secret with name "{name}" already exists')


def _folder(store: Store, secret: Secret) -> Path:
    return store.folder / "secrets" / secret.id


def _keep(store: Store, secret: Secret, values: Content) -> None:
    """Keep the values as the next revision."""
    secret.made += 1
    number = str(secret.made)
    folder = _folder(store, secret)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / number
    path.touch(0o600)
    path.write_text(json.dumps(values))
    secret.revisions[number] = now()


def values(store: Store, secret: Secret, revision: int) -> Content:
    """The values of a revision."""
    if str(revision) not in secret.revisions:
        raise JujuError(f'secret revision {revision} of "{secret.id}" not found')
    kept: Content = json.loads((_folder(store, secret) / str(revision)).read_text())
    return kept


def update(
    store: Store, model: Model, secret: Secret, given: Content, name: str | None, info: str | None, auto_prune: bool
) -> None:
    """Change what is given. Other values make a new revision, of which the units hear that read an older one."""
    if name is not None and name != secret.name:
        _free(model, name)
        secret.name = name
    secret.info = secret.info if info is None else info
    secret.auto_prune = auto_prune
    if given and given != values(store, secret, secret.latest):
        _keep(store, secret, given)
        for unit in map(model.units.get, secret.tracked):
            if unit and unit.life == "alive" and unit.app in secret.apps:
                _tell(unit, secret)
    _prune(store, secret)


def _tell(unit: Unit, secret: Secret) -> None:
    env = {
        "JUJU_SECRET_ID": f"secret:{secret.id}",
        "JUJU_SECRET_LABEL": secret.labels.get(unit.name, ""),
        "JUJU_SECRET_REVISION": str(secret.latest),
    }
    for hook in unit.queue:
        if hook.env.get("JUJU_SECRET_ID") == env["JUJU_SECRET_ID"]:
            hook.env = env
            return
    unit.queue.append(Hook("secret-changed", env=env))


def _prune(store: Store, secret: Secret) -> None:
    """With --auto-prune, only the latest revision stays, and those that units read."""
    for number in list(secret.revisions) if secret.auto_prune else []:
        if int(number) not in (secret.latest, *secret.tracked.values()):
            _forget(store, secret, number)


def _forget(store: Store, secret: Secret, number: str) -> None:
    (_folder(store, secret) / number).unlink()
    del secret.revisions[number]


def grant(secret: Secret, apps: list[Application]) -> None:
    """Let applications read it."""
    secret.apps = sorted({*secret.apps, *(app.name for app in apps)})


def revoke(secret: Secret, apps: list[Application]) -> None:
    """Let applications read it no longer."""
    secret.apps = sorted({*secret.apps} - {app.name for app in apps})


def remove(store: Store, model: Model, secret: Secret, revision: int | None) -> None:
    """Remove one revision, or with the last one, or without a number, the secret."""
    if revision is not None:
        values(store, secret, revision)
        _forget(store, secret, str(revision))
    if revision is None or not secret.revisions:
        del model.secrets[secret.id]
        shutil.rmtree(_folder(store, secret))


def unit_gone(store: Store, model: Model, unit: Unit) -> None:
    """Forget what a unit reads."""
    for secret in model.secrets.values():
        secret.tracked.pop(unit.name, None)
        secret.labels.pop(unit.name, None)
        _prune(store, secret)


def app_gone(model: Model, name: str) -> None:
    """Take the grants of an application back: one of the same name is not the same."""
    for secret in model.secrets.values():
        secret.apps = [app for app in secret.apps if app != name]


def read(store: Store, model: Model, unit: Unit, uri: str, label: str, refresh: bool, peek: bool) -> Content:
    """What `secret-get` gives a unit: the revision that it read first, until it asks for --refresh.

    A label given with the URI is from then on the unit's name for the secret.
    """
    if uri:
        secret = named(model, SECRET.fullmatch(uri)[1])  # type: ignore[index]
    else:
        found = [secret for secret in model.secrets.values() if secret.labels.get(unit.name) == label]
        if not found:
            raise JujuError(f'consumer label "{label}" not found')
        secret = found[0]
    if unit.app not in secret.apps:
        raise JujuError("permission denied")
    if label:
        for other in model.secrets.values():
            if other is not secret and other.labels.get(unit.name) == label:
                raise JujuError(f'consumer label "{label}" already exists')
        secret.labels[unit.name] = label
    tracked = secret.tracked.get(unit.name)
    wanted = values(store, secret, secret.latest if refresh or peek or tracked is None else tracked)
    if refresh or tracked is None:
        secret.tracked[unit.name] = secret.latest
    _prune(store, secret)
    return wanted


def shown(secret: Secret) -> dict[str, Any]:
    """As `juju secrets` and `juju show-secret` show a secret."""
    latest = str(secret.latest)
    about = {
        "revision": secret.latest,
        "owner": "<model>",
        "description": secret.info,
        "name": secret.name,
        "created": secret.created,
        "updated": secret.revisions[latest],
    }
    return {key: value for key, value in about.items() if value != ""}


def shown_access(model: Model, secret: Secret) -> list[dict[str, str]]:
    """Who may read it."""
    return [{"target": f"application-{app}", "scope": f"model-{model.uuid}", "role": "view"} for app in secret.apps]


def shown_revisions(secret: Secret) -> list[dict[str, Any]]:
    """Each revision, oldest first."""
    return [
        {"revision": int(number), "backend": "internal", "created": made, "updated": made}
        for number, made in secret.revisions.items()
    ]
