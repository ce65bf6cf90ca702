"""Write docs/reference/{options,actions,relations,files,status-messages}.md: `make docs` runs it.

The pages are generated from config.yaml, actions.yaml, metadata.yaml and the constants of the code that name paths.
They are never edited. What those files do not say, the meaning of a relation and of a path, is in the tables here.
"""

from __future__ import annotations

import functools
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import messages
import yaml
from registry.deployment import rules, store
from registry.formats import daemon, exporter, nrpe, timers
from registry.formats.names import MAINTENANCE
from registry.machine import apt_sources, dockerd, records
from registry.machine.folders import RESERVE
from registry.options.tls import DEFAULT_PATHS
from registry.plan import disk

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs/reference"
WIDTH = 100

RELATIONS = {
    "docker-registry": (
        "Clients: containerd, docker, Kubernetes. Every unit publishes the same address: `http-host`, else the "
        "address of the proxy, else the unit with the lowest number. Clients of another model get that unit's "
        "public address. It also publishes the credentials of "
        "`auth-basic-user` and the CA. Without TLS, the charm `docker` configures the address as an insecure registry."
    ),
    "website": "A reverse proxy, for example haproxy. Each unit publishes its server.",
    "haproxy-route": (
        "A proxy that ends TLS at port 443, for example haproxy 2.8. It says at which name clients reach it, and the "
        "charm publishes that to clients. Relate `send-ca-cert` too if the registry has a certificate."
    ),
    "haproxy-route-tcp": "The same for a proxy that passes TLS through, at `registry-port`.",
    "nrpe-external-master": "Nagios, through the subordinate nrpe. The unit publishes its checks.",
    "cos-agent": (
        "The Canonical Observability Stack, through the subordinate opentelemetry-collector or grafana-agent: metrics, "
        "alert rules and a dashboard. The metrics are served on loopback, unless `prometheus-metrics` is on or "
        "`debug-address` is set."
    ),
    "dockerhost": "No data. Declared so that Juju accepts a refresh from the earlier charm.",
    "sdn-plugin": "No data. Declared so that Juju accepts a refresh from the earlier charm.",
    "cert-provider": "A CA, for example easyrsa, vault or self-signed-certificates. It issues the certificate.",
    "s3-credentials": "An S3 integrator. It provides a bucket for the images and the keys to it.",
    "send-ca-cert": (
        "Applications that connect to the registry, or to the proxy in front, and are no clients of `docker-registry`, "
        "for example a haproxy that encrypts its connections to the units. They get the CA to trust."
    ),
    "receive-ca-certs": (
        "Applications whose CA the registry must trust, besides `trusted-ca-blob`: as a client of the object store, "
        "its Keystone, or the upstream registry of a cache."
    ),
    "peer": (
        "The units of the application. They publish their addresses to each other, and share one secret for "
        "uploads, which the leader creates."
    ),
}
"""What passes over a relation, by its endpoint."""


class Place(NamedTuple):
    """A file or folder on the unit's machine."""

    path: str
    content: str
    removed: bool
    """It is removed with the unit."""


def places() -> tuple[Place, ...]:
    """Return the files on the machine. The paths are constants of the code: a moved one is fixed here."""
    root, apt_folder = store.ROOT, apt_sources.FOLDER
    shared = _storage()["registry-data"]["location"]
    return (
        Place(disk.LOCAL, "images on the machine's disk", False),
        Place(disk.Storage("", shared).folder, "images on Juju storage", False),
        Place(f"{disk.LOCAL}/{disk.MARKER}*", "empty folder that marks the disk with the images", False),
        Place(f"{disk.LOCAL}/{RESERVE}/", "reserve, removed while a full disk is cleaned up", True),
        Place(
            f"{root}/applied/<digest>/",
            "a release: the current one and the one before; root and the registry only",
            True,
        ),
        Place(f"{root}/config.yml", "link to the configuration of the current release", True),
        Place(f"{root}/auth/htpasswd", "users; root and the registry only", True),
        Place(f"{root}/password", "password of the charm's own user; root only", True),
        Place(f"{root}/identity.pem", "the charm's own client certificate, where clients need one", True),
        Place(f"{root}/request.json", "the pending request to the CA and its key; root only", True),
        Place(f"{root}/verdicts.json", "which users were verified, as keyed digests; root only", True),
        Place(f"{root}/switching", "names of containers, only while they are being replaced", True),
        Place(f"{root}/loopback/", "a second registry, only while an action needs it", True),
        *(Place(DEFAULT_PATHS[kind], f"default of `tls-{kind}-path`", True) for kind in ("cert", "key", "ca")),
        Place(str(dockerd.DAEMON_JSON), "Docker's settings: `daemon-opts` and `live-restore`", False),
        Place(f"{dockerd.DAEMON_JSON}.saved", "copy of that file as somebody else wrote it; root only", False),
        Place(daemon.DROP_IN, "`docker-opts` and the proxies of Docker", False),
        Place(f"{timers.FOLDER}/{timers.PREFIX}*", "timers of `gc-schedule` and `prune-schedule`", True),
        *(
            place
            for name, option, removed in (("extra", "install_sources", True), ("docker", "docker_runtime", False))
            for place in (
                Place(
                    f"{apt_folder}/sources.list.d/{apt_sources.PREFIX}{name}.list",
                    f"repositories of `{option}`",
                    removed,
                ),
                Place(f"{apt_folder}/keyrings/{apt_sources.PREFIX}{name}-*", "their keys", removed),
            )
        ),
        Place(f"{nrpe.FOLDER}/{nrpe.PREFIX}*", "checks for NRPE", True),
        Place(f"{nrpe.EXPORT_FOLDER}/service__*_{nrpe.PREFIX}*", "the same for an older Nagios", True),
        Place(nrpe.CA_FILE, "CA for the checks", True),
        Place(nrpe.PLUGIN, "plugin for the checks", True),
        Place(f"{exporter.FOLDER}/", "the charm's own metrics, for `cos-agent`", True),
        Place(exporter.PROGRAM, "the program that serves them", True),
        Place(f"/etc/systemd/system/{exporter.NAME}*", "its units of systemd", True),
        Place(f"{records.FOLDER}/", "the charm's records; root only. Those of the registry itself are removed", False),
        Place(f"{records.FOLDER}/output/", "long outputs of actions", False),
        Place(f"{records.FOLDER}/{RESERVE}/", "reserve, as above, if the images are on another disk", True),
    )


def pages() -> dict[str, str]:
    """Return the text of each page by its file's name."""
    return {name: "\n".join(lines()) for name, lines in PAGES.items()}


def options() -> Iterator[str]:
    """The page of options, by the groups of config.yaml."""
    known, groups = read("config.yaml")["options"], option_groups()
    yield from _head(
        "Options",
        "config.yaml",
        "Set an option with `juju config docker-registry <option>=<value>`, and return it to its default with "
        "`juju config docker-registry --reset <option>`. A value that is not valid is not applied: the "
        "status message names the option, the problem and the allowed values, and its part of the registry stays as it "
        "runs. Other options are applied. "
        "[How a change is applied](../explanation/how-a-change-is-applied.md) says what a change costs.",
    )
    for group, names in groups.items():
        yield f"- [{group}](#{anchor(group)}): {len(names)}"
    for group, names in groups.items():
        yield from ("", f"## {group}")
        for name in names:
            yield from _option(name, known[name], set(known))
    yield ""


def _option(name: str, option: Mapping[str, Any], known: set[str]) -> Iterator[str]:
    default, kind = option.get("default"), {"int": "integer"}.get(option["type"], option["type"])
    text = default if isinstance(default, str) else json.dumps(default)
    yield from ("", f"### `{name}`", "")
    if default in ("", None):
        yield f"{kind.capitalize()}, empty by default."
    elif "\n" in text:
        yield from (f"{kind.capitalize()}. Default:", "", "```", *text.rstrip().splitlines(), "```")
    else:
        yield f"{kind.capitalize()}, default `{text}`."
    yield from ("", *_prose(option["description"], known - {name}))


def actions() -> Iterator[str]:
    """The page of actions."""
    known = set(read("config.yaml")["options"])
    yield from _head(
        "Actions",
        "actions.yaml",
        "With Juju 3, run `juju run docker-registry/0 <action> <parameter>=<value>`; with Juju 2.9, "
        "`juju run-action --wait docker-registry/0 <action> <parameter>=<value>`. `juju run` waits for 60 seconds, or "
        "for as long as `--wait=2h` says. After that the action continues, and `juju show-task <ID>` shows its "
        "results: `juju run` prints the ID. Output of more than 64 KiB is cut, and a report after 8 KiB; the last line "
        "then names the file on the machine with all of it.",
    )
    for name, action in read("actions.yaml").items():
        yield from (f"## `{name}`", "", *_prose(action["description"], known), "")
        for parameter, spec in action.get("params", {}).items():
            needed = "required" if parameter in action.get("required", ()) else f"default {_shown(spec['default'])}"
            yield from _prose(f"- `{parameter}` ({spec['type']}, {needed}): {spec['description']}", known, "  ")
        if action.get("params"):
            yield ""


def relations() -> Iterator[str]:
    """The page of relations, storage and resources."""
    metadata = read("metadata.yaml")
    yield from _head(
        "Relations, storage and resources",
        "metadata.yaml",
        "Relate an endpoint with `juju integrate docker-registry:<endpoint> <application>` (Juju 2.9: `juju relate`).",
    )
    known = set(read("config.yaml")["options"])
    for role in ("provides", "requires", "peers"):
        for endpoint, spec in metadata[role].items():
            scope = f", scope {spec['scope']}" if "scope" in spec else ""
            text = RELATIONS.get(endpoint, "")
            yield from (f"## `{endpoint}`", "", f"Interface `{spec['interface']}` ({role}{scope}).")
            yield from ("", *_prose(text, known), "")
    for kind in ("storage", "resources"):
        yield from (f"## {kind.capitalize()}", "")
        for name, spec in metadata[kind].items():
            yield from _prose(f"- `{name}` ({spec['type']}): {spec['description']}", known - {name}, "  ")
        yield ""


def files() -> Iterator[str]:
    """The page of files on the machine."""
    yield from _head(
        "Files on the machine",
        "lib/ and tools/reference.py",
        "The charm writes these paths. `juju remove-unit` and `juju remove-application` remove the container and "
        "those marked *removed*; certificates at `tls-*-path` only if the charm wrote them. The images and Docker "
        "are kept.",
    )
    yield from ("| path | content | with the unit |", "|---|---|---|")
    for place in places():
        yield f"| `{place.path}` | {place.content} | {'removed' if place.removed else 'kept'} |"
    yield ""
    yield from _prose(
        "While a container is replaced, others exist beside it, named after it: `<registry-name>-candidate`, `-next` "
        f"and `-previous`. New connections then go through the chain `{rules.CHAIN}` of the table `nat`. Some actions "
        "run a second registry, `-loopback`, which only the machine itself can reach, and the registry's garbage "
        f"collection in `{MAINTENANCE}`. Both are removed when the action ends.",
        set(),
    )
    yield ""


def status_messages() -> Iterator[str]:
    """The page of all messages."""
    yield from _head(
        "Status messages",
        "lib/ (tools/messages.py)",
        "The message in `juju status` says what is wrong and what to do, with the option or the relation in front: "
        "`<subject>: <what is wrong>. <what to do>.` Words in *italics* stand for values. Only the first problem is "
        "shown, with the number of the others. The log has all of them, once, until they change: "
        "`juju debug-log --replay --no-tail --level WARNING --include docker-registry/0`. Actions fail with messages "
        "of the same form.",
    )
    yield from (
        "| state | meaning |",
        "|---|---|",
        "| `active` | All options are applied. A sentence after `Ready at ...` is a warning |",
        "| `waiting` | The unit waits for another application or the leader, or tries again in the next hook |",
        "| `blocked` | Something must be fixed before all options are applied |",
        "| `maintenance` | The charm is at work, or the unit is being removed |",
        "| `error` | A hook failed: see the log. `juju resolved docker-registry/0` runs it again |",
        "",
    )
    yield from _prose(
        "In the states `waiting` and `blocked`, `Still serving at ...` means that the last working configuration is in "
        "use. Without it, the charm has seen no answer of the registry.",
        set(),
    )
    yield ""
    yield from messages.rows()


PAGES = {
    "options.md": options,
    "actions.md": actions,
    "relations.md": relations,
    "files.md": files,
    "status-messages.md": status_messages,
}


def option_groups() -> dict[str, list[str]]:
    """Return the names of the options by the group whose comment, `# --- Group`, they follow in config.yaml."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / "config.yaml").read_text().splitlines():
        if line.startswith("  # --- "):
            found[line.removeprefix("  # --- ")] = []
        elif re.fullmatch(r"  [a-z0-9_-]+:", line):
            found[list(found)[-1]].append(line.strip(" :"))
    return found


def anchor(heading: str) -> str:
    """Return the anchor that GitHub makes of a heading."""
    bare = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", bare).replace(" ", "-")


def _head(title: str, source: str, text: str) -> Iterator[str]:
    yield f"<!-- Written by `make docs` from {source}. Do not edit. -->"
    yield from ("", f"# {title}", "", *_prose(text, set()), "")


def _prose(text: str, known: set[str], indent: str = "") -> list[str]:
    """Return the lines of *text*: names of options as code, wrapped, and nothing in it read as HTML."""
    names = "|".join(sorted(map(re.escape, known), key=len, reverse=True)) or "(?!)"
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    for place, part in enumerate(parts):
        is_code = place % 2
        escaped = part.replace(" ", "\0") if is_code else part.replace("<", r"\<")
        parts[place] = escaped if is_code else re.sub(rf"(?<![\w./-])({names})(?![\w/-])", r"`\1`", escaped)
    lines = textwrap.wrap(
        "".join(parts), WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return [line.replace("\0", " ") for line in lines]


def _shown(value: object) -> str:
    return "empty" if value == "" else f"`{json.dumps(value)}`"


def _storage() -> dict[str, Any]:
    return dict(read("metadata.yaml")["storage"])


@functools.cache
def read(name: str) -> Mapping[str, Any]:
    """Return what a YAML file of the charm says."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / name).read_text())
    return loaded


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for page, written in pages().items():
        (FOLDER / page).write_text(written)
