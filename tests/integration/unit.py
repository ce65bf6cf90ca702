"""A unit of the charm as tests look at it: through juju, and by its address."""

from __future__ import annotations

import functools
import http.client
import json
import pathlib
import ssl
import threading
import time
import urllib.error
import urllib.request

import jubilant
import pytest

JUJUS_OWN = ("egress-subnets", "ingress-address", "private-address")
"""Keys that Juju puts into every databag."""
MOMENTS = [pytest.param(tenths / 10, marks=pytest.mark.soak) for tenths in range(1, 61, 3)]
"""For `make soak`: seconds after which something is ended in the middle of something else."""


def is_local(juju: jubilant.Juju) -> bool:
    """Tell whether the model is localjuju's."""
    return pathlib.Path(juju.cli_binary).name == "localjuju"


class Unit:
    """One unit of docker-registry."""

    def __init__(self, juju: jubilant.Juju, name: str) -> None:
        self.juju = juju
        self.name = name
        self.app = name.partition("/")[0]
        self.is_local = is_local(juju)

    def settle(self) -> jubilant.Status:
        """Wait until no unit of the application has anything to do any more; return the status by then."""
        # A local model has no agents at work: its commands return when all is done.
        patience = {"delay": 0.1, "successes": 1} if self.is_local else {}
        return self.juju.wait(lambda status: jubilant.all_agents_idle(status, self.app), **patience)

    def _status(self, juju: jubilant.Status | None = None) -> jubilant.statustypes.UnitStatus:
        return (juju or self.juju.status()).apps[self.app].units[self.name]

    def status(self, juju: jubilant.Status | None = None) -> tuple[str, str]:
        """Return the workload's status and message, now or as the model's status has them."""
        status = self._status(juju).workload_status
        return status.current, status.message

    @functools.cached_property
    def machine(self) -> str:
        """The machine's number."""
        return self._status().machine

    @functools.cached_property
    def address(self) -> str:
        """The unit's address, which it keeps."""
        return self._status().public_address

    @property
    def open_ports(self) -> list[str]:
        """The ports that the charm opened."""
        return self._status().open_ports

    def config(self, **values: str | int) -> tuple[str, str]:
        """Set options (None: to the default) and return the status that follows."""
        named = {name.replace("_", "-"): value for name, value in values.items()}
        unset = [name for name, value in named.items() if value is None]
        self.juju.config(self.app, {name: value for name, value in named.items() if value is not None}, reset=unset)
        return self.status(self.settle())

    def update_status(self) -> tuple[str, str]:
        """Run the hook update-status now, and return the status that follows."""
        self.hook("update-status")
        return self.status()

    def hook(self, name: str) -> None:
        """Run a hook now."""
        if self.is_local:
            self.juju.cli("hook", self.name, name)
        else:
            self.exec(f"/usr/bin/juju-exec {self.name} hooks/{name}")

    def hook_tools(self) -> list[str]:
        """Return the tools that the last hook called, by name (localjuju counts them)."""
        runs = json.loads(self.juju.cli("hooks", self.name, "--format", "json"))
        return [call[0] for call in runs[-1]["tools"]]

    def tool(self, *words: str) -> object:
        """Run a hook tool of Juju's on the unit, and return its answer."""
        return json.loads(self.juju.exec(" ".join(words), "--format=json", unit=self.name).stdout)

    def relation(self, endpoint: str) -> str:
        """Return the id of the endpoint's one relation."""
        (found,) = self.tool("relation-ids", endpoint)
        return found

    def databag(self, endpoint: str, owner: str) -> dict[str, str]:
        """Return what *owner* has written for this unit to read, without what Juju writes itself."""
        bag = self.tool("relation-get", "-r", self.relation(endpoint), "-", owner)
        return {key: value for key, value in bag.items() if key not in JUJUS_OWN}

    def exec(self, command: str) -> str:
        """Run a shell's line on the machine and return what it printed."""
        return self.juju.ssh(self.name, "sudo", "sh", "-c", f"'{command}'").strip()

    def readable_secrets(self) -> str:
        """Return which files of the configuration others than root and the registry's own user can read."""
        others = "-perm /027 -o -perm /050 ! -group 60900"
        return self.exec(f"find /etc/docker/registry -mindepth 1 ! -type l \\( {others} \\)")

    def run(self, action: str, **params: object) -> jubilant.Task:
        """Run an action, for ten minutes at most. Raises jubilant.TaskError where it fails."""
        return self.juju.run(self.name, action, params, wait=600)

    def load(self, archive: pathlib.Path) -> str:
        """Load an archive of an image into the machine's Docker; return what docker printed."""
        target = f"/var/tmp/{archive.name}"
        self.juju.scp(archive, f"{self.name}:{target}")
        return self.exec(f"docker load -qi {target}; rm {target}")

    def container(self, name: str = "registry") -> dict:
        """Return what `docker inspect` shows of a container."""
        found = json.loads(self.exec(f"docker inspect {name}"))[0]
        # Docker shows mounts in an order of chance, and forgets what was executed after a while.
        mounts = sorted(found["Mounts"], key=lambda mount: mount["Destination"])
        return {**found, "Mounts": mounts, "ExecIDs": None}

    def containers(self) -> list[str]:
        """Return the names of the machine's containers, running or not."""
        return sorted(self.exec("docker ps -a --format {{.Names}}").split())

    def reboot(self) -> None:
        """Reboot the machine, and wait until it is back and idle."""
        if self.is_local:
            self.juju.cli("machine", "reboot", self.machine)
        else:
            self.juju.ssh(self.name, "sudo systemctl reboot; sleep 5")
        self.settle()

    def answers(self, port: int = 5000) -> bool:
        """Tell whether the registry answers now."""
        try:
            with urllib.request.urlopen(f"http://{self.address}:{port}/v2/", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False


class Watch:
    """Asks an address again and again while a test does something; `gap` is the longest time without an answer.

    A request may take *patience* seconds. Where the gap is measured that is short: a connection begun in it is tried
    again by the kernel only after a second. With *ca*, the PEM of what to trust, it asks by https; with both *ca* and
    *plain*, either way will do.
    """

    def __init__(
        self,
        address: str,
        port: int = 5000,
        pause: float = 0.05,
        ca: str | None = None,
        *,
        plain: bool = False,
        patience: float = 3,
    ) -> None:
        self._pause, self._patience = pause, patience
        self._context = ssl.create_default_context(cadata=ca) if ca else None
        # Between the first two, the registry may change from the one to the other.
        schemes = ["https", "http", "https"] if ca and plain else ["https" if ca else "http"]
        self._urls = [f"{scheme}://{address}:{port}/v2/" for scheme in schemes]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self.asked = 0
        self.failed = 0
        self.gap = 0.0

    def _ask(self) -> None:
        last = time.monotonic()
        # Bounded: a test that hangs must not go on asking for ever.
        answered = True
        while self.asked < 60_000 and not (self._stop.wait(self._pause) and answered):
            self.asked += 1
            answered = False
            if not any(map(self._answers, self._urls)):
                self.failed += 1
                continue
            answered, now = True, time.monotonic()
            self.gap = max(self.gap, now - last)
            last = now

    def _answers(self, url: str) -> bool:
        try:
            with urllib.request.urlopen(url, timeout=self._patience, context=self._context):
                return True
        except urllib.error.HTTPError as error:
            return error.code == 401
        except (OSError, http.client.HTTPException):
            return False

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._stop.set()
        self._thread.join()
