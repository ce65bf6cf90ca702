"""The hook tools: the programs with which a hook asks its unit agent, and how they answer.

Arguments, output formats and exit codes are Juju's (https://documentation.ubuntu.com/juju/3.6/reference/hook-command/,
and what charmhelpers.core.hookenv relies on): 0, 1 for a refusal, 2 for misuse, with `ERROR <text>` on stderr.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml

from localjuju import JujuError, secret, storage
from localjuju.context import Context
from localjuju.records.relation import Relation
from localjuju.records.secret import SECRET
from localjuju.records.status import Status, now

STATUSES = ("maintenance", "blocked", "waiting", "active")
RESERVED_RESULTS = ("stdout", "stdout-encoding", "stderr", "stderr-encoding")


@dataclass(frozen=True)
class Call:
    """A hook tool called: `context`, its flags by their long names, its other arguments, what it read."""

    context: Context
    flags: dict[str, Any]
    args: list[str]
    stdin: str

    def relation(self) -> Relation:
        """The relation of -r, or else of the hook."""
        given = self.flags.get("relation") or self.context.hook.relation
        if not given:
            raise JujuError("no relation id specified", 2)
        found = self.context.model.relations.get(given.rpartition(":")[2])
        if found is None or self.context.unit.name not in found.members:
            raise JujuError(f'invalid value "{given}" for option -r: relation not found', 2)
        return found

    def settings(self) -> dict[str, str]:
        """key=value arguments, over the YAML of --file."""
        settings = yaml.safe_load(self.stdin) or {} if self.flags.get("file") else {}
        for arg in self.args:
            key, equals, value = arg.partition("=")
            if not equals or not key:
                raise JujuError(f'expected "key=value", got "{arg}"', 2)
            settings[key] = value
        return {str(key): "" if value is None else str(value) for key, value in settings.items()}

    def task(self) -> Any:
        if self.context.task is None or self.context.task.action == "juju-exec":
            raise JujuError("not running an action")
        return self.context.task


@dataclass(frozen=True)
class Tool:
    """What there is to know of a hook tool before it is called."""

    run: Callable[[Call], Any]
    flags: dict[str, bool]
    """Flag -> whether it takes a value."""
    least: int
    most: int
    prints: str
    """value: in the wanted format; raw: as it is; empty: nothing."""


Run = Callable[[Call], Any]
TOOLS: dict[str, Tool] = {}
LONG = {"r": "relation", "o": "output", "a": "all", "l": "log-level", "s": "storage", "h": "help"}


def tool(name: str, flags: str = "", args: tuple[int, int] = (0, 0), prints: str = "value") -> Callable[[Run], Run]:
    """Register a hook tool; `flags` by their long names, one that takes a value with `=` at its end."""

    def register(run: Run) -> Run:
        known = {flag.rstrip("="): flag.endswith("=") for flag in [*flags.split(), "format=", "output=", "help"]}
        TOOLS[name] = Tool(run, known, *args, prints)
        return run

    return register


def call(context: Context, argv: list[str], stdin: str) -> tuple[int, str, str]:
    """Run a hook tool; its exit code, standard output and standard error."""
    with context.lock:
        context.tools.append(argv)
        found = TOOLS.get(argv[0])
        try:
            if found is None:
                raise JujuError(f'unknown command "{argv[0]}"', 2)
            flags, args = _parse(found, argv[1:])
            if "help" in flags:
                listed = "".join(f"--{flag}\n" for flag in sorted(found.flags))
                return 0, f"Usage: {argv[0]} [options]\n\nOptions:\n{listed}", ""
            if len(args) < found.least:
                raise JujuError("missing arguments", 2)
            if len(args) > found.most:
                raise JujuError(f"unrecognized args: {json.dumps(args[found.most :])}", 2)
            value = found.run(Call(context, flags, args, stdin))
            formatted = format_value(value, flags.get("format", "smart"))
            return 0, {"value": formatted, "raw": value, "": ""}[found.prints], ""
        except JujuError as error:
            return error.code, "", f"ERROR {error}\n"


def _parse(found: Tool, argv: list[str]) -> tuple[dict[str, Any], list[str]]:
    flags: dict[str, Any] = {}
    args: list[str] = []
    rest = iter(argv)
    for arg in rest:
        if arg == "--":
            args.extend(rest)
        elif arg == "-" or not arg.startswith("-"):
            args.append(arg)
        else:
            name, equals, value = arg.lstrip("-").partition("=")
            name = LONG.get(name, name)
            if name not in found.flags:
                raise JujuError(f"option provided but not defined: {arg.partition('=')[0]}", 2)
            if found.flags[name] and not equals:
                value = next(rest, "")
            flags[name] = value if found.flags[name] else value not in ("false", "0")
    return flags, args


def format_value(value: Any, form: str) -> str:
    """json, yaml, or smart: text as it is, lists as lines, booleans as True and False, the rest as YAML."""
    if form == "json":
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True) + "\n"
    if form not in ("yaml", "smart"):
        raise JujuError(f'invalid value "{form}" for option --format: unknown format "{form}"', 2)
    if value is None:
        return ""
    if form == "smart" and isinstance(value, (str, bool)):
        return f"{value}\n" if value != "" else ""
    if form == "smart" and isinstance(value, list):
        return "".join(f"{item}\n" for item in value)
    if not isinstance(value, (dict, list, str)):
        return json.dumps(value) + "\n"
    dumped = yaml.safe_dump(value, default_flow_style=False, allow_unicode=True, width=float("inf"))
    return str(dumped).removesuffix("...\n")


def _pick(mapping: dict[str, Any], args: list[str]) -> Any:
    """One value, or all of them when no key or `-` is asked for."""
    return mapping.get(args[0]) if args and args[0] != "-" else mapping


@tool("juju-log", "log-level= debug", (0, 9999), prints="")
def juju_log(call: Call) -> None:
    """Log a line, with the relation in a relation's hook."""
    source = "juju-log"
    if call.context.hook.relation:
        source += f" {_shown(call, call.relation())}:"
    call.context.log(call.flags.get("log-level") or "INFO", " ".join(call.args), source)


@tool("config-get", "all", (0, 1))
def config_get(call: Call) -> Any:
    """One option, the options that are set, or with --all every one."""
    config = call.context.config()
    if call.args or call.flags.get("all"):
        return _pick(config, call.args)
    return {name: value for name, value in config.items() if value is not None}


@tool("status-set", "application", (1, 9999), prints="")
def status_set(call: Call) -> None:
    """Set the status of the unit, or by its leader of the application, at once."""
    if call.args[0] not in STATUSES:
        raise JujuError(f'invalid status "{call.args[0]}", expected one of [{" ".join(STATUSES)}]', 2)
    status = Status(call.args[0], " ".join(call.args[1:]))
    if not call.flags.get("application"):
        call.context.unit.workload = status
    elif call.context.is_leader:
        call.context.app.status = status
    else:
        raise JujuError("this unit is not the leader")
    call.context.save()


@tool("status-get", "include-data application")
def status_get(call: Call) -> Any:
    """The status last set, not that of a failed hook."""
    context = call.context
    status = (context.app.status if call.flags.get("application") else None) or context.unit.workload
    if not call.flags.get("include-data") and call.flags.get("format", "smart") == "smart":
        return status.current
    return {"message": status.message, "status": status.current, "status-data": {}}


@tool("application-version-set", "", (1, 1), prints="")
def application_version_set(call: Call) -> None:
    """Set the version of the workload, at once."""
    call.context.app.version = call.args[0]
    call.context.save()


@tool("leader-set", "", (0, 9999), prints="")
def leader_set(call: Call) -> None:
    """At once: https://github.com/juju/juju/blob/2.9/worker/uniter/runner/context/leader.go WriteLeaderSettings."""
    if not call.context.is_leader:
        raise JujuError("cannot write leadership settings: cannot write settings: not the leader")
    app = call.context.app
    settings = {key: value for key, value in {**app.leader_settings, **call.settings()}.items() if value != ""}
    if settings != app.leader_settings:
        app.leader_settings, app.leader_version = settings, app.leader_version + 1
    call.context.save()


@tool("unit-get", "", (1, 1))
def unit_get(call: Call) -> str:
    """The address of the machine, of which there is one."""
    if call.args[0] not in ("private-address", "public-address"):
        raise JujuError(f'unknown setting "{call.args[0]}"', 2)
    return call.context.model.machine(call.context.unit.machine).address


@tool("network-get", "primary-address bind-address ingress-address egress-subnets relation=", (1, 1))
def network_get(call: Call) -> Any:
    """The addresses of an endpoint; all endpoints, and so all relations, are in one network."""
    if call.args[0] not in call.context.charm.bindings():
        raise JujuError(f'no network config found for binding "{call.args[0]}"')
    if call.flags.get("relation"):
        call.relation()
    address = call.context.model.machine(call.context.unit.machine).address
    subnet = str(ipaddress.ip_network(address))
    if call.flags.get("primary-address"):
        return address
    parts: dict[str, Any] = {"bind-address": address, "egress-subnets": [subnet], "ingress-address": address}
    if asked := {name: part for name, part in parts.items() if call.flags.get(name)}:
        return asked if len(asked) > 1 else next(iter(asked.values()))
    cidr, mac, interface = call.context.host.network()
    bound = {
        "mac-address": mac,
        "interface-name": interface,
        "addresses": [{"hostname": "", "value": address, "cidr": cidr, "address": address}],
    }
    old_names = {"macaddress": mac, "interfacename": interface}
    return {"bind-addresses": [{**bound, **old_names}], "egress-subnets": [subnet], "ingress-addresses": [address]}


def _range(text: str) -> str:
    """5000, 5000/tcp, 5000-5010/udp or icmp, as status shows it."""
    found = re.fullmatch(r"(\d+)(?:-(\d+))?(?:/(tcp|udp))?", text.lower())
    if text.lower() == "icmp":
        return "icmp"
    if not found or not 0 < int(found[1]) <= int(found[2] or found[1]) < 65536:
        raise JujuError(f'invalid port range "{text}"', 2)
    numbers = found[1] if found[2] in (None, found[1]) else f"{found[1]}-{found[2]}"
    return f"{numbers}/{found[3] or 'tcp'}"


@tool("open-port", "endpoints=", (1, 1), prints="")
def open_port(call: Call) -> None:
    """Ask to open a range."""
    call.context.ports[_range(call.args[0])] = True


@tool("close-port", "endpoints=", (1, 1), prints="")
def close_port(call: Call) -> None:
    """Ask to close a range."""
    call.context.ports[_range(call.args[0])] = False


@tool("action-get", "", (0, 1))
def action_get(call: Call) -> Any:
    """A parameter of the action by its dotted path, or all."""
    call.task()
    value: Any = call.context.params
    for part in call.args[0].split(".") if call.args else []:
        value = value.get(part) if isinstance(value, dict) else None
    return value


@tool("action-set", "", (1, 9999), prints="")
def action_set(call: Call) -> None:
    """Add to the results, nested by dots."""
    results = call.task().results
    for name, value in call.settings().items():
        if name in RESERVED_RESULTS:
            raise JujuError(f'cannot set reserved action key "{name}"', 2)
        *parents, last = name.split(".")
        if not all(re.fullmatch(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", part) for part in [*parents, last]):
            raise JujuError(
                f'key "{name}" must start and end with lowercase alphanumeric, and contain only '
                "lowercase alphanumeric, hyphens and periods",
                2,
            )
        inner = results
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[last] = value


@tool("action-fail", "", (0, 1), prints="")
def action_fail(call: Call) -> None:
    """Let the action fail with a message, whatever its exit code."""
    call.task()
    call.context.failed = call.args[0] if call.args else "action failed without reason given, check action for errors"


@tool("action-log", "", (1, 9999), prints="")
def action_log(call: Call) -> None:
    """Say how the action gets on."""
    call.task().log.append(f"{now().replace('T', ' ').rstrip('Z')} +0000 UTC {' '.join(call.args)}")


def _shown(call: Call, relation: Relation) -> str:
    """name:id, with the endpoint's name on this side."""
    return f"{relation.endpoints[call.context.unit.app]}:{relation.id}"


@tool("relation-ids", "", (0, 1))
def relation_ids(call: Call) -> list[str]:
    """An endpoint that does not exist has no ids either."""
    app = call.context.unit.app
    name = call.args[0] if call.args else ""
    if not name and call.context.hook.relation:
        name = call.relation().endpoints[app]
    if not name:
        raise JujuError("no endpoint name specified", 2)
    return [_shown(call, relation) for relation in call.context.relations(name)]


@tool("relation-list", "relation= app")
def relation_list(call: Call) -> Any:
    """The remote units, or with --app the remote application."""
    relation = call.relation()
    if call.flags.get("app"):
        return relation.remote_app(call.context.unit.app)
    return call.context.remote_units(relation)


@tool("relation-get", "relation= app", (0, 2))
def relation_get(call: Call) -> Any:
    """A databag: of the remote unit, or of a named unit or application."""
    relation = call.relation()
    owner = call.args[1] if len(call.args) == 2 else call.context.hook.remote_unit
    if call.flags.get("app"):
        owner = (owner or call.context.hook.remote_app).split("/")[0]
    if not owner:
        raise JujuError("no unit id specified", 2)
    return _pick(call.context.databag(relation, owner), call.args)


@tool("relation-set", "relation= app file=", (0, 9999), prints="")
def relation_set(call: Call) -> None:
    """Ask to write to the unit's own databag, or by its leader to the application's."""
    if call.flags.get("app") and not call.context.is_leader:
        raise JujuError("cannot write relation settings: permission denied")
    owner = call.context.unit.app if call.flags.get("app") else call.context.unit.name
    call.context.databags.setdefault((call.relation().id, owner), {}).update(call.settings())


@tool("goal-state")
def goal_state(call: Call) -> Any:
    """The units and relations that there are to be, as apiserver/facades/agent/uniter has them: without peers."""
    model, unit = call.context.model, call.context.unit

    def units(app: str) -> dict[str, Any]:
        found = [other for other in model.units_of(app) if other.principal in ("", unit.name, unit.principal)]
        shown = {other.name: other.life if other.life == "dying" else other.shown.current for other in found}
        return {other.name: {"status": shown[other.name], "since": other.shown.since} for other in found}

    related: dict[str, Any] = {}
    for relation in model.relations_of(unit.app):
        other = relation.remote_app(unit.app)
        state = {"status": "joined" if relation.members else "joining", "since": relation.since}
        if not relation.is_peer:
            related.setdefault(relation.endpoints[unit.app], {}).update({other: state, **units(other)})
    return {"units": units(unit.app), "relations": related}


@tool("juju-reboot", "now", prints="")
def juju_reboot(call: Call) -> None:
    """Reboot after the hook, or cut it off."""
    if call.context.task:
        raise JujuError("juju-reboot is not supported when running an action.")
    call.context.reboot = "now" if call.flags.get("now") else "after"
    if call.context.reboot == "now":
        call.context.host.kill(call.context.unit.tag)


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
        return secret.decoded(kept)
    name, _, form = key.partition("#")
    if name not in kept:
        raise JujuError(f'secret key value "{name}" not found')
    return kept[name] if form == "base64" else secret.decoded(kept)[name]


@tool("storage-list", "", (0, 1))
def storage_list(call: Call) -> list[str]:
    """The storage that the unit has, all or that of one name."""
    mine = call.context.model.storage_of(call.context.unit.name)
    ready = [item for item in mine if item.status.current != "pending"]
    return [item.id for item in ready if call.args in ([], [item.name])]


@tool("storage-get", "storage=", (0, 1))
def storage_get(call: Call) -> Any:
    """Where the storage of -s, or else of the hook, is, and of what kind."""
    wanted = call.flags.get("storage") or call.context.hook.storage
    if not wanted:
        raise JujuError("no storage instance specified", 2)
    found = call.context.model.storage.get(wanted)
    if found is None or found.unit != call.context.unit.name or found.status.current == "pending":
        raise JujuError(f'invalid value "{wanted}" for option -s: storage not found', 2)
    facts = {"kind": "filesystem", "location": call.context.host.path(found.location)}
    if call.args and call.args[0] not in facts:
        raise JujuError(f'invalid storage attribute "{call.args[0]}"')
    return _pick(facts, call.args)


@tool("storage-add", "", (1, 9999), prints="")
def storage_add(call: Call) -> None:
    """Ask for more storage, NAME[=COUNT]."""
    context = call.context
    for arg in call.args:
        name, equals, count = arg.partition("=")
        if equals and not (count.isdigit() and int(count)):
            raise JujuError(f'only count can be specified for "{name}"', 2)
        asked = context.storage.get(name, 0) + int(count or 1)
        storage.check_count(context.model, context.charm, context.unit.name, name, asked)
        context.storage[name] = asked


def _refuse(text: str, code: int = 1) -> Any:
    """Refuse what there is nothing of here."""
    raise JujuError(text, code)


def _named(call: Call) -> str:
    return json.dumps(call.flags.get("label") or "".join(call.args[:1]))


SIMPLE: list[tuple[str, str, int, int, str, Run]] = [
    ("is-leader", "", 0, 0, "value", lambda call: call.context.is_leader),
    ("leader-get", "", 0, 1, "value", lambda call: _pick(call.context.app.leader_settings, call.args)),
    ("opened-ports", "endpoints", 0, 0, "value", lambda call: call.context.unit.ports),
    # Without a newline, as charmhelpers.core.hookenv.resource_get takes it.
    ("resource-get", "", 1, 1, "raw", lambda call: call.context.resource(call.args[0])),
    ("state-get", "", 0, 1, "value", lambda call: _pick(call.context.pending_state(), call.args)),
    ("state-set", "file=", 0, 9999, "", lambda call: call.context.state.update(call.settings())),
    ("state-delete", "", 1, 1, "", lambda call: call.context.state.update({call.args[0]: ""})),
    ("credential-get", "", 0, 0, "value", lambda call: _refuse("cannot access cloud credentials")),
    # Both are about the secrets of charms, of which there are none.
    ("secret-ids", "", 0, 0, "value", lambda call: []),
    ("secret-info-get", "label=", 0, 1, "value", lambda call: _refuse(f"secret {_named(call)} not found")),
]
for _name, _flags, _least, _most, _prints, _run in SIMPLE:
    tool(_name, _flags, (_least, _most), _prints)(_run)
