"""The verbs about secrets."""

from __future__ import annotations

from typing import Any

from localjuju import JujuError, secret, secretvalues, tables
from localjuju.model import Model
from localjuju.records.secret import Secret
from localjuju.session import Session, verb


@verb("add-secret", "name pairs* --file= --info=")
def add_secret(session: Session) -> None:
    """Add a secret, NAME KEY=VALUE..., and print its URI; a value as KEY#file=PATH stays out of the shell's history."""
    args = session.args
    values = secretvalues.content(args.pairs, args.file)
    with session.changing() as agent:
        made = secret.add(session.store, agent.model, args.name, args.info or "", values)
    print(f"secret:{made.id}")


@verb("update-secret", "secret pairs* --file= --info= --name= --auto-prune!")
def update_secret(session: Session) -> None:
    """Give a secret other values, another name or description; units that read older values run secret-changed."""
    args = session.args
    values = secretvalues.content(args.pairs, args.file)
    with session.changing() as agent:
        found = secret.named(agent.model, args.secret)
        secret.update(session.store, agent.model, found, values, args.name, args.info, args.auto_prune)


def _access(session: Session, change: Any) -> None:
    with session.changing() as agent:
        found = secret.named(agent.model, session.args.secret)
        change(found, [agent.model.application(name) for name in session.args.apps.split(",")])


@verb("grant-secret", "secret apps")
def grant_secret(session: Session) -> None:
    """Let applications, APP[,APP...], read a secret."""
    _access(session, secret.grant)


@verb("revoke-secret", "secret apps")
def revoke_secret(session: Session) -> None:
    """Let applications read a secret no longer."""
    _access(session, secret.revoke)


@verb("remove-secret", "secret --revision=")
def remove_secret(session: Session) -> None:
    """Remove a secret, or one revision of it."""
    revision = _number(session.args.revision)
    with session.changing() as agent:
        secret.remove(session.store, agent.model, secret.named(agent.model, session.args.secret), revision)


@verb("secrets", "--owner= --revisions!")
def secrets(session: Session) -> None:
    """List the secrets; all of them are the model's own, so that no other --owner has any."""
    args, model = session.args, session.read()
    found = [] if args.owner else list(model.secrets.values())
    if args.format in (None, "tabular"):
        rows = [["ID", "Name", "Owner", "Rotation", "Revision", "Last updated"]]
        rows += [
            [item.id, item.name, "<model>", "never", str(item.latest), item.revisions[str(item.latest)]]
            for item in found
        ]
        print(tables.table(rows), end="")
        return
    more = {item.id: {"revisions": _revisions(item)} if args.revisions else {} for item in found}
    session.show({item.id: {**_details(item), **more[item.id]} for item in found})


@verb("show-secret", "secret --reveal! --revisions! -r/--revision=")
def show_secret(session: Session) -> None:
    """Show a secret; its values only with --reveal."""
    args, model = session.args, session.read()
    if args.revisions and (args.reveal or args.revision):
        raise JujuError("specify either --revisions or one of --reveal and --revision, but not both", 2)
    found = secret.named(model, args.secret)
    details: dict[str, Any] = _details(found)
    if args.revisions:
        details["revisions"] = _revisions(found)
    if args.reveal:
        values = secretvalues.decoded(secretvalues.load(session.store, found, _number(args.revision) or found.latest))
        # Go's JSON names the field that its YAML leaves out.
        details["content"] = {"Data": values} if args.format == "json" else values
    if found.apps:
        details["access"] = _access_of(model, found)
    session.show({found.id: details})


def _number(text: str | None) -> int | None:
    if text is not None and not text.isdigit():
        raise JujuError(f'invalid value "{text}" for option --revision: it is a number', 2)
    return int(text) if text else None


def _details(secret: Secret) -> dict[str, Any]:
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


def _access_of(model: Model, secret: Secret) -> list[dict[str, str]]:
    """Who may read it."""
    return [{"target": f"application-{app}", "scope": f"model-{model.uuid}", "role": "view"} for app in secret.apps]


def _revisions(secret: Secret) -> list[dict[str, Any]]:
    """Each revision, oldest first."""
    return [
        {"revision": int(number), "backend": "internal", "created": made, "updated": made}
        for number, made in secret.revisions.items()
    ]
