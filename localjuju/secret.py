"""User secrets: made and granted by the operator, read by units; `secretvalues` keeps their values.

https://documentation.ubuntu.com/juju/3.6/reference/secret/
"""

from __future__ import annotations

import base64
import os
import time

from localjuju import JujuError, secretvalues
from localjuju.model import Model
from localjuju.records.application import Application
from localjuju.records.secret import SECRET, Secret
from localjuju.records.status import now
from localjuju.records.unit import Hook, Unit
from localjuju.secretvalues import Content
from localjuju.store import Store


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


def _keep(store: Store, secret: Secret, values: Content) -> None:
    """Keep the values as the next revision."""
    secret.made += 1
    secretvalues.save(store, secret, str(secret.made), values)
    secret.revisions[str(secret.made)] = now()


def update(
    store: Store, model: Model, secret: Secret, given: Content, name: str | None, info: str | None, auto_prune: bool
) -> None:
    """Change what is given. Other values make a new revision, of which the units hear that read an older one."""
    if name is not None and name != secret.name:
        _free(model, name)
        secret.name = name
    secret.info = secret.info if info is None else info
    secret.auto_prune = auto_prune
    if given and given != secretvalues.load(store, secret, secret.latest):
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
    secretvalues.remove(store, secret, number)
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
        secretvalues.load(store, secret, revision)
        _forget(store, secret, str(revision))
    if revision is None or not secret.revisions:
        del model.secrets[secret.id]
        secretvalues.remove(store, secret)


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
    wanted = secretvalues.load(store, secret, secret.latest if refresh or peek or tracked is None else tracked)
    if refresh or tracked is None:
        secret.tracked[unit.name] = secret.latest
    _prune(store, secret)
    return wanted
