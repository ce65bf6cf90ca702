"""The charm's own metrics: the text that Prometheus reads, and the units of systemd that serve it.

Prometheus has no file to read but that of a node exporter, which not every machine has, and an agent knows of no folder
for it. So systemd listens on loopback and starts a small program for each scrape: nothing runs in between.
"""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterable, Mapping

NAME = "docker-registry-metrics"
FOLDER = f"/var/lib/{NAME}"
FILE = f"{FOLDER}/charm.prom"
"""What the charm knows; the program adds what changes between its hooks."""
PROGRAM = f"/usr/local/lib/{NAME}/exporter"
SOCKET = f"/etc/systemd/system/{NAME}.socket"
SERVICE = f"/etc/systemd/system/{NAME}@.service"


@dataclasses.dataclass(frozen=True)
class Sample:
    """A metric's value."""

    name: str
    """Without the prefix ``docker_registry_``."""
    value: float
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Exporter:
    """What serves the charm's metrics."""

    port: int
    """On 127.0.0.1."""
    registry: str
    """``host:port`` at which the registry serves its health, on this machine."""
    data_folder: str | None
    """Folder of the machine with the images; None where they are in an object store."""
    upstream: str | None
    """URL of the registry that this one is a cache of."""
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The proxies through which *upstream* is reached."""


HELP = {
    "action_success": "1 if the last run of an action succeeded, 0 if it failed.",
    "action_success_timestamp_seconds": "When an action succeeded last.",
    "advisory": "A known vulnerability of the registry's version.",
    "certificate_not_after_timestamp_seconds": "When the registry's certificate expires.",
    "certificate_not_before_timestamp_seconds": "When the registry's certificate became valid.",
    "drained": "1 while the action drain keeps the unit out of its proxy.",
    "info": "The registry's version.",
    "pushes_refused": "1 while pushes are refused because the disk has less free than storage-minimum-free.",
    "stopped": "1 while the registry is stopped by the action stop.",
}
"""Each of the charm's metrics; those of the program are in the program."""


def exposition(samples: Iterable[Sample]) -> str:
    """Return the samples as Prometheus reads them.

    https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
    """
    lines, named = [], set()
    for sample in sorted(samples, key=lambda one: (one.name, sorted(one.labels.items()))):
        if sample.name not in named:
            lines += [f"# HELP docker_registry_{sample.name} {HELP[sample.name]}"]
            lines += [f"# TYPE docker_registry_{sample.name} gauge"]
            named.add(sample.name)
        labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(sample.labels.items()))
        lines.append(f"docker_registry_{sample.name}{{{labels}}} {sample.value:.17g}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def units(exporter: Exporter) -> dict[str, str]:
    """Return the texts of the units of systemd, by path."""
    words = [PROGRAM, FILE, exporter.registry]
    words += ["--folder", exporter.data_folder] if exporter.data_folder else []
    words += ["--upstream", exporter.upstream] if exporter.upstream else []
    variables = "".join(
        f"Environment={_quoted(f'{name}={value}')}\n" for name, value in sorted(exporter.environment.items())
    )
    command = " ".join(_quoted(word).replace("$", "$$") for word in words)
    socket = (
        "# Written by the charm docker-registry.\n[Unit]\nDescription=Metrics of the charm docker-registry\n\n"
        f"[Socket]\nListenStream=127.0.0.1:{exporter.port}\nAccept=yes\nMaxConnections=8\n\n"
        "[Install]\nWantedBy=sockets.target\n"
    )
    service = (
        "# Written by the charm docker-registry.\n[Unit]\nDescription=Metrics of the charm docker-registry\n"
        # A scrape that fails is no failed service in the machine's state.
        "CollectMode=inactive-or-failed\n\n"
        f"[Service]\nExecStart={command}\nStandardInput=socket\nStandardOutput=socket\n"
        f"StandardError=journal\nDynamicUser=yes\nRuntimeMaxSec=20\nLogLevelMax=notice\n{variables}"
    )
    return {SOCKET: socket, SERVICE: service}


def _quoted(word: str) -> str:
    """Return a word as systemd reads it: https://www.freedesktop.org/software/systemd/man/systemd.service.html."""
    plain = word.replace("%", "%%")
    return plain if shlex.quote(word) == word else '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
