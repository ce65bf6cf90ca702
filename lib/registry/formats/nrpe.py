"""Checks for NRPE, which runs them on the machine as the user nagios, and their definitions for Nagios."""

from __future__ import annotations

import dataclasses
import shlex

FOLDER = "/etc/nagios/nrpe.d"
EXPORT_FOLDER = "/var/lib/nagios/export"
"""Where an older Nagios collects definitions of services; it often does not exist."""
PREFIX = "check_docker_registry_"
"""Prefix of the names of this charm's files and commands."""
PREDECESSORS = (
    *(f"{FOLDER}/check_check_http.cfg", f"{FOLDER}/check_docker.cfg"),
    *(f"{EXPORT_FOLDER}/service__*_check_http.cfg", f"{EXPORT_FOLDER}/service__*_check_docker.cfg"),
)
"""Patterns of the predecessor's files."""
CA_FILE = "/etc/nagios/docker-registry-ca.crt"
PLUGIN = "/usr/local/lib/nagios/plugins/check_docker_registry"
_PLUGINS = "/usr/lib/nagios/plugins"


@dataclasses.dataclass(frozen=True)
class Target:
    """The registry to check."""

    port: int
    ca: str | None
    """PEM of the CA that clients trust; None with plain HTTP."""
    asks_for_certificates: bool
    """Clients must present a certificate."""
    process: str
    """Part of the registry's command line."""
    data_folder: str | None
    """Folder of the machine with the images; None where they are in an object store."""


def checks(target: Target) -> dict[str, str]:
    """Return the command of each check, by its name."""
    encrypted = target.ca is not None
    url = f"{'https' if encrypted else 'http'}://127.0.0.1:{target.port}/"
    answers = [PLUGIN, url, *([CA_FILE] if encrypted else [])]
    if target.asks_for_certificates:
        answers = [f"{_PLUGINS}/check_tcp", "-H", "127.0.0.1", "-p", str(target.port)]
    commands = {
        "docker_registry_http": answers,
        # There are two during a switch.
        "docker_registry_container": [f"{_PLUGINS}/check_procs", "-c", "1:", "-a", target.process],
    }
    if encrypted:
        # Not check_http -C: its days are whole, and a certificate may be valid for fewer.
        certificate = [PLUGIN, "--certificate", "127.0.0.1", str(target.port)]
        commands["docker_registry_certificate"] = certificate
    if target.data_folder:
        limits = ["-w", "10%", "-c", "5%"]
        commands["docker_registry_storage"] = [f"{_PLUGINS}/check_disk", *limits, "-p", target.data_folder]
    return {name: shlex.join(words) for name, words in commands.items()}


def files(target: Target, host: str, groups: str) -> dict[str, str]:
    """Return the texts of the files for NRPE and for an older Nagios, by path.

    *host* is the unit's name in Nagios, *groups* are the groups of its services, separated by commas, or empty.
    """
    texts = {CA_FILE: target.ca} if target.ca is not None else {}
    for name, command in checks(target).items():
        texts[f"{FOLDER}/check_{name}.cfg"] = (
            f"# Written by the charm docker-registry.\ncommand[check_{name}]={command}\n"
        )
        texts[f"{EXPORT_FOLDER}/service__{host}_check_{name}.cfg"] = _service(name, host, groups)
    return texts


def _service(name: str, host: str, groups: str) -> str:
    lines = {
        "use": "active-service",
        "host_name": host,
        "service_description": f"{host}[{name}] {name.replace('_', ' ')}",
        "check_command": f"check_nrpe!check_{name}",
        **({"servicegroups": groups} if groups else {}),
    }
    body = "".join(f"    {key:<24}{value}\n" for key, value in lines.items())
    return f"# Written by the charm docker-registry.\ndefine service {{\n{body}}}\n"


def is_ours(name: str) -> bool:
    """Tell whether a file of this *name*, in either folder, is one of `files`."""
    return name.startswith(PREFIX) or (name.startswith("service__") and f"_{PREFIX}" in name)
