"""A unit and the queue of its hooks."""

from __future__ import annotations

from dataclasses import dataclass, field

from localjuju.records.status import Status


@dataclass
class Hook:
    """One entry of a unit's queue."""

    name: str
    """As the charm's file is called: install, db-relation-joined, ..."""
    relation: str = ""
    """The id of the relation (digits only) for a relation's hook, else empty."""
    remote_unit: str = ""
    remote_app: str = ""
    departing_unit: str = ""
    storage: str = ""
    env: dict[str, str] = field(default_factory=dict)
    """What this hook finds in its environment besides the usual, e.g. JUJU_TARGET_BASE."""


@dataclass
class Unit:
    """One instance of an application, with the hooks it has yet to run."""

    name: str
    machine: str
    charm: str = ""
    """sha256 of the charm that is unpacked in the machine; empty before install."""
    principal: str = ""
    life: str = "alive"
    workload: Status = field(default_factory=lambda: Status("waiting", "waiting for machine"))
    agent: Status = field(default_factory=lambda: Status("allocating"))
    queue: list[Hook] = field(default_factory=list)
    """What operators' commands lead to; see `resolver` for what comes before and after."""
    hook: Hook | None = None
    """The hook that runs, was cut off, or has failed."""
    running: bool = False
    """A hook was started and not seen to end: set again after a crash, so that the hook runs again."""
    error: bool = False
    """The hook has failed and waits for `resolved`."""
    force: bool = False
    """Removed with --force: hooks that fail are skipped."""
    installed: bool = False
    """Between the hooks install and remove."""
    started: bool = False
    """Between the hooks start and stop."""
    elected: bool = False
    """Has run leader-elected, and leads since."""
    leader_version: int = -1
    """The version of the leader's settings for which leader-settings-changed last ran."""
    last_update_status: float = 0
    """Seconds since the epoch."""
    ports: list[str] = field(default_factory=list)
    """As status shows them: 5000/tcp, 6000-6010/udp."""
    state: dict[str, str] = field(default_factory=dict)
    """state-set's."""

    @property
    def app(self) -> str:
        return self.name.split("/")[0]

    @property
    def tag(self) -> str:
        """The name in paths and logs: unit-app-0."""
        return "unit-" + self.name.replace("/", "-")

    @property
    def shown(self) -> Status:
        """The workload status as status shows it: a failed hook hides what the charm said."""
        if self.error:
            return Status("error", f'hook failed: "{self.hook.name if self.hook else ""}"', self.agent.since)
        return self.workload


def unit_number(name: str) -> int:
    """The number of a unit: 10 comes after 9."""
    return int(name.rpartition("/")[2])
