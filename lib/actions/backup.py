"""The actions backup and restore: a unit's credentials, secrets and options in one file, and back."""

from __future__ import annotations

import os
import pathlib
import time
from collections.abc import Mapping
from typing import Any

import yaml
from charmhelpers.core import hookenv, unitdata
from charms import reactive
from charms.layer import basic, context, flags, juju_secrets, leadership, status, tls_client
from registry.deployment import backup as archive
from registry.deployment.backup import Saved
from registry.images.listing import human
from registry.machine import encryption
from registry.machine.encryption import Cipher
from registry.message import Message, Text, alone, joined
from registry.options.secrets import MAPS, PASSWORDS, SECRET

from actions import arguments, progress, saved_images
from actions.results import Results, report

NOT_ABSOLUTE = Message("{path!r} is not an absolute path", "Use a path on the unit that begins with /")
"""The parameter names a file of the unit by its whole path, because an action has no folder of its own."""
OPTIONS_FOLLOW = Message("The options are in {options} on the unit", "Set them with `juju config {app} --file`")
"""A charm cannot set its own options: the action restore writes them to a file that only root can read."""
SECRETS_FOLLOW = Message(
    "The Juju secrets are in {secrets} on the unit",
    "Add them with `juju add-secret`, and set their URIs in the options",
)
"""Options of the backup refer to Juju secrets, which a charm cannot create for the operator."""
OTHER_SECRET = Message("The secret that all units share stays as it is", "Run restore on the leader to restore it")
"""Only the leader can set the http secret. Another one than before interrupts uploads that are in progress."""


def backup(params: dict[str, Any]) -> Results:
    """Write what is on this unit to a file."""
    path = _path("file", params["file"])
    with arguments.of("recipient"):
        cipher = encryption.encrypting(params["recipient"]) if params["recipient"] else None
    if params["images"]:
        saved_images.require_own()
    with progress.reported(lambda: "reading options and credentials"):
        _install(cipher)
        with arguments.of("options"):
            saved = _saved()
    with archive.writing(path, saved, cipher) as stream:
        images = saved_images.write(stream) if params["images"] else None
    results = {
        "file": path,
        "file-size": human(pathlib.Path(path).stat().st_size),
        "encrypted": str(cipher is not None).lower(),
        "options": str(len(saved.options)),
    }
    return images[0].require_all({**results, **images[1]}) if images else results


def restore(params: dict[str, Any]) -> Results:
    """Bring back what a backup contains, its images if that is requested, and say how to set the options."""
    path = _path("file", params["file"])
    with progress.reported(lambda: "restoring the backup"):
        beginning = archive.encrypted_beginning(path)
        with arguments.of("identity"):
            cipher = encryption.decrypting(beginning, params["identity"]) if beginning else None
        _install(cipher)
        saved = archive.read(path, cipher)
        notes = _restore(saved)
    basic.run_handlers()
    app = hookenv.application_name()
    with report("-options.yaml") as options:
        options.write(_yaml({app: dict(saved.options)}))
    notes = [OPTIONS_FOLLOW(options=options.path, app=app)] * bool(saved.options) + notes
    results = {"unit": saved.unit, "made": saved.made, "options": str(options.path)}
    if saved.secrets:
        with report("-secrets.yaml") as secrets:
            secrets.write(_yaml(saved.secrets))
        notes.append(SECRETS_FOLLOW(secrets=secrets.path))
        results["secrets"] = str(secrets.path)
    results["message"] = joined(*map(alone, notes), status.sentences())
    if not params["images"]:
        return results
    saved_images.require_own()
    outcomes, of_images = saved_images.read(path, cipher)
    return outcomes.require_all({**results, **of_images})


def _saved() -> Saved:
    """Return what is on this unit. Raises SecretError, OSError."""
    options = _options()
    uris = [
        text.strip() for name in (*PASSWORDS, *MAPS) if (text := str(options.get(name, ""))).strip().startswith(SECRET)
    ]
    tls = context.now.options.tls
    ours = unitdata.kv().get(tls_client.WRITTEN) or {}
    # Those that the predecessor wrote for its relation to the CA look like the operator's, and become useless.
    read = {} if reactive.is_flag_set(flags.PREDECESSOR_TLS) else tls_client.read_files()
    files = {tls.paths[kind]: file.text for kind, file in read.items() if tls.paths[kind] not in ours}
    return Saved(
        unit=hookenv.local_unit(),
        made=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        options=options,
        secrets={uri: dict(juju_secrets.read(uri)) for uri in uris},
        http_secret=leadership.get("http-secret") or "",
        credentials=context.machine.credentials.backup(),
        certificates={path: text for path, text in files.items() if text is not None},
    )


def _restore(saved: Saved) -> list[Text]:
    """Write what the unit itself keeps; return what the operator should know. Raises OSError."""
    notes = []
    if saved.http_secret and saved.http_secret != leadership.get("http-secret"):
        if leadership.is_leader():
            leadership.set({"http-secret": saved.http_secret})
        else:
            notes.append(OTHER_SECRET())
    context.machine.credentials.restore(saved.credentials)
    for path, text in saved.certificates.items():
        # Which of them is the key is known by its text: the paths may be others here.
        context.machine.files.ensure(path, text, 0o600 if "PRIVATE KEY" in text else 0o644)
    return notes


def _options() -> dict[str, Any]:
    """Return the options that differ from their defaults, as they were set."""
    text = pathlib.Path(hookenv.charm_dir(), "config.yaml").read_text(encoding="utf-8")
    defaults = {name: option.get("default") for name, option in yaml.safe_load(text)["options"].items()}
    config = hookenv.config()
    values = {name: config[name] for name in sorted(defaults) if name in config}
    return {name: value for name, value in values.items() if value is not None and value != defaults[name]}


def _install(cipher: Cipher | None) -> None:
    """Install the program that encrypts, if it is missing. Raises PackageError."""
    apt = context.machine.apt
    if cipher and (missing := sorted(set(cipher.packages) - apt.read_states(cipher.packages).keys())):
        apt.install(missing)


def _path(parameter: str, text: str) -> str:
    if not os.path.isabs(text):
        raise arguments.BadArguments(parameter, NOT_ABSOLUTE(path=text))
    return text


def _yaml(document: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(dict(document), default_flow_style=False, sort_keys=True, width=1_000_000))
