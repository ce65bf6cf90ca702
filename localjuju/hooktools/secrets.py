"""Hook tools of secrets."""

from __future__ import annotations

import json
from typing import Any

from localjuju import JujuError, secret, secretvalues
from localjuju.hooktools.tool import Call, tool
from localjuju.records.secret import SECRET


@tool("secret-get", "label= peek refresh", (0, 2))
def secret_get(call: Call) -> Any:
    """A secret's values, or that of one key; KEY#base64 is as it is kept. Without --format they are YAML."""
    uri, key = [*call.args, "", ""][:2]
    label, refresh, peek = call.flags.get("label", ""), call.flags.get("refresh"), call.flags.get("peek")
    if uri and not SECRET.fullmatch(uri):
        raise JujuError(f'secret URI "{uri}" not valid', 2)
    if not uri and not label:
        raise JujuError("require either a secret URI or label", 2)
    if peek and refresh:
        raise JujuError("specify one of --peek or --refresh but not both", 2)
    context = call.context
    kept = secret.read(context.store, context.model, context.unit, uri, label, bool(refresh), bool(peek))
    context.save()
    call.flags.setdefault("format", "yaml")
    if not key:
        return secretvalues.decoded(kept)
    name, _, form = key.partition("#")
    if name not in kept:
        raise JujuError(f'secret key value "{name}" not found')
    return kept[name] if form == "base64" else secretvalues.decoded(kept)[name]


@tool("secret-ids")
def secret_ids(call: Call) -> list[str]:
    """The secrets of the charm, of which there are none."""
    return []


@tool("secret-info-get", "label=", (0, 1))
def secret_info_get(call: Call) -> Any:
    """A secret of the charm, of which there are none."""
    name = json.dumps(call.flags.get("label") or "".join(call.args[:1]))
    raise JujuError(f"secret {name} not found")
