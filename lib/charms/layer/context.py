"""What one hook or action knows so far: the options, Docker, the facts, the plan, and the errors.

`now` is that; `begin` makes it anew. `machine` is the unit's machine, the seam of the tests.
"""

from __future__ import annotations

import dataclasses
import functools
import subprocess
from collections.abc import Callable
from typing import Any

from charmhelpers.core import hookenv
from charms import reactive
from charms.layer import endpoints, juju_secrets, status
from charms.layer.edges import Machine
from registry.client.api import Api
from registry.deadline import Deadline
from registry.deployment.maintenance import Maintenance
from registry.deployment.switch import Switch
from registry.formats.htpasswd import User
from registry.formats.inspection import DIGEST_LABEL, Container
from registry.formats.relations import Offer, Proxy
from registry.machine.engine import Engine, EngineError
from registry.message import Message, Sentence, about, alone
from registry.options import limits
from registry.options.options import Options
from registry.plan.decision import Plan
from registry.plan.facts import Facts
from registry.plan.report import Outcome
from registry.release.image import Image
from registry.release.release import Release

DOCKER_FAILED = Message("Docker failed: {error}", "See `journalctl -u docker` on the machine. Retrying automatically")
"""Docker refused or did not answer a request of the charm, in its own words."""

MACHINE_FAILED = Message(
    "The configuration cannot be written: {error}{file}", "Fix the machine. Retrying automatically"
)
"""The machine refused a file of the configuration, for example because its disk is full."""

TOOL_FAILED = Message("Juju refused or did not answer {tool}", "Check the controller. Retrying automatically")
"""A hook tool failed, for example while the controller is unreachable. `juju debug-log` has its words."""

FRONTS = ("website", "haproxy-route", "haproxy-route-tcp")
"""Endpoints for proxies in front of the units."""

machine = Machine()
"""The machine of the unit."""


@dataclasses.dataclass
class Now:
    """What this hook has read and done so far."""

    docker: Engine | None = None
    """None until Docker answers, set up as the options say."""
    image: Image | None = None
    image_errors: tuple[Sentence, ...] = ()
    """Why the image is unavailable."""
    identity: str = ""
    """PEM of the charm's own certificate as a client, where clients must present one."""
    offer: Offer | None = None
    """What the CA of cert-provider has issued; None without the relation."""
    facts: Facts | None = None
    plan: Plan | None = None
    outcome: Outcome | None = None
    errors: list[Sentence] = dataclasses.field(default_factory=list)
    """What went wrong."""
    passing: set[Sentence] = dataclasses.field(default_factory=set)
    """Those of the errors that say nothing about the configuration; it is tried again in the next hook."""
    warnings: list[Sentence] = dataclasses.field(default_factory=list)
    """What does not work, and does not keep the options from being applied."""
    is_incomplete: bool = False
    """Something that the facts depend on is unknown: nothing may be decided."""

    @functools.cached_property
    def options(self) -> Options:
        """The options, with what relations add: a bucket, metrics for an agent, and the CAs of others."""
        options = Options.from_config(hookenv.config(), juju_secrets.read).with_cas(
            endpoint("receive-ca-certs").texts()
        )
        agent = bool(endpoint("cos-agent").relation_ids)
        return options.with_bucket(endpoint("s3-credentials").bucket()).with_agent(agent)

    @functools.cached_property
    def addresses(self) -> dict[str, str]:
        """The unit's address for each endpoint that is in use, and for clients always. Costs a network-get each."""
        related = (name for name in (*FRONTS, "cert-provider") if endpoint(name).relation_ids)
        peers = endpoint("peer").relation_ids
        return {name: endpoints.address(name, peers) for name in ("docker-registry", *related)}

    @functools.cached_property
    def ingress(self) -> dict[str, str]:
        """The unit's address for each relation to clients and proxies that has another one than its endpoint."""
        found = {
            relation: (own, endpoint(name).ingress(relation, own))
            for name, own in self.addresses.items()
            if name != "cert-provider"
            for relation in endpoint(name).relation_ids
        }
        return {relation: address for relation, (own, address) in found.items() if address != own}

    @functools.cached_property
    def container(self) -> Container | None:
        """The container of the current release, by its name or else by its label; before the first, of registry-name.

        Somebody may have renamed it.
        """
        assert self.docker is not None, "looked for a container without Docker"
        current = machine.store.current()
        named = self.docker.inspect(current.container.name if current else self.options.registry_name)
        if named is not None or current is None:
            return named
        found = filter(None, map(self.docker.inspect, self.docker.labelled(DIGEST_LABEL)))
        ours = [one for one in found if one.digest == current.digest]
        return max(ours, key=lambda one: one.is_started, default=None)


now = Now()


def begin() -> None:
    """Forget everything of the previous hook."""
    global now
    now = Now()
    machine.begin()


def endpoint(name: str) -> Any:
    """Return the class from interfaces/ for the endpoint *name*."""
    return reactive.endpoint_from_name(name)


def proxies() -> tuple[Proxy, ...]:
    """Return the proxies in front; the first one is the same on all units."""
    return tuple(proxy for name in FRONTS for proxy in endpoint(name).proxies())


def own_user() -> User:
    """Return the charm's own user, with a password from the first time on. Raises OSError."""
    return User(f"juju-{hookenv.application_name()}", machine.credentials.password())


def client(release: Release, host: str = "127.0.0.1") -> Api:
    """Return a client for the registry of *release* on this machine, at one of its addresses. Raises OSError."""
    return machine.client(f"{release.scheme}://{host}:{release.port}", own_user(), release.certificate)


def _connect(own: User, url: str, certificate: str | None, deadline: Deadline) -> Api:
    return machine.client(url, own, certificate, deadline)


def switch(docker: Engine) -> Switch:
    """Return what takes this machine from one release to the next. Raises OSError."""
    own = own_user()
    return Switch(docker, machine.store, own, functools.partial(_connect, own), machine.bridge(), machine.deadline)


def maintenance(docker: Engine) -> Maintenance:
    """Return what runs the registry's own garbage collection."""
    return Maintenance(docker, machine.store)


def is_held(port: int) -> bool:
    """Tell whether a program listens at a port of the machine."""
    return 1 <= port <= 65535 and not machine.ports.is_free(port)


def reports_errors(verb: Callable[[], None]) -> Callable[[], None]:
    """Report errors of Docker, the machine and hook tools in the status: the hook continues."""

    @functools.wraps(verb)
    def run() -> None:
        try:
            verb()
        except EngineError as error:
            status.blocked(docker_failed(error))
        except OSError as error:
            status.blocked(machine_failed(error))
        except subprocess.CalledProcessError as error:
            # Its arguments may be secrets.
            tool = error.cmd if isinstance(error.cmd, str) else error.cmd[0]
            status.blocked(alone(TOOL_FAILED(tool=tool.split()[0])))

    return run


def gathers(verb: Callable[[], None]) -> Callable[[], None]:
    """Report errors, and decide nothing after one: without the CA's answer, for example, TLS would be turned off."""

    def checked() -> None:
        now.is_incomplete, before = True, now.is_incomplete
        verb()
        now.is_incomplete = before

    return reports_errors(functools.wraps(verb)(checked))


def docker_failed(error: EngineError) -> Sentence:
    """Return the sentence for an error of Docker, about the option whose value it refuses if that is the reason."""
    if refused := limits.refused(str(error)):
        return about(*refused)
    return alone(DOCKER_FAILED(error=error))


def machine_failed(error: OSError) -> Sentence:
    """Return the sentence for a machine on which the configuration cannot be written."""
    file = f" ({error.filename})" if error.filename else ""
    return alone(MACHINE_FAILED(error=error.strerror or error, file=file))
