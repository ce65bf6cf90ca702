"""The model as data: what `juju status` tells about, and the queue of hooks of each unit.

Everything is a dataclass of JSON values, so that the whole model is one file. No input or output here.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing
from dataclasses import dataclass, field
from typing import Any, TypeVar

from localjuju import JujuError

T = TypeVar("T")
SECRET = re.compile(r"(?:secret:)?(?://[0-9a-f-]{36}/)?([0-9a-z]{20})")
"""What names a secret: secret:ID, secret://MODEL-UUID/ID or ID alone."""


def now() -> str:
    """The time as Juju's JSON has it, e.g. 2026-01-31T12:00:00Z."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Status:
    """A workload's, an agent's, an application's or a machine's status."""

    current: str
    message: str = ""
    since: str = field(default_factory=now)


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
class Resource:
    """A file given for a resource of a charm."""

    sha256: str
    filename: str
    size: int
    revision: int


@dataclass
class Application:
    """A deployed charm with its options, its files and its units' common state."""

    name: str
    charm: str
    """sha256 of the .charm file, by which the store keeps it."""
    charm_name: str
    revision: int = 0
    base: str = ""
    """NAME@CHANNEL of the machines, known once there is one."""
    config: dict[str, Any] = field(default_factory=dict)
    """Only the options that the operator has set."""
    resources: dict[str, Resource] = field(default_factory=dict)
    constraints: dict[str, str] = field(default_factory=dict)
    exposed: bool = False
    subordinate: bool = False
    life: str = "alive"
    status: Status | None = None
    """What the leader said with status-set --application; None: derived from the units."""
    version: str = ""
    leader: str = ""
    """The leading unit; empty before one is up."""
    leader_settings: dict[str, str] = field(default_factory=dict)
    leader_version: int = 0
    """Counts the changes of leader_settings."""
    storage: dict[str, str] = field(default_factory=dict)
    """name -> [POOL,][COUNT,][SIZE], as the operator gave it to `deploy`."""
    next_unit: int = 0


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
    """Removed with --force: hooks that fail are passed over."""
    installed: bool = False
    """Between the hooks install and remove."""
    started: bool = False
    """Between the hooks start and stop."""
    elected: bool = False
    """Has run leader-elected, and leads since."""
    leader_version: int = -1
    """The version of the leader's settings that leader-settings-changed has told of."""
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


@dataclass
class Machine:
    """What units run on; see `localjuju.machine` for the real thing."""

    id: str
    image: str
    instance: str
    base: str = ""
    address: str = ""
    boot: str = ""
    """What tells one boot from another; empty before the first."""
    status: Status = field(default_factory=lambda: Status("pending"))
    keep: bool = False
    """Stays when its last unit goes."""
    upgrading: str = ""
    """The base of an upgrade-machine between prepare and complete: its units' hooks wait."""


@dataclass
class Databag:
    """What a unit or an application says to the other side."""

    settings: dict[str, str] = field(default_factory=dict)
    version: int = 0
    """Counts the changes."""


@dataclass
class Told:
    """What a unit in a relation's scope has been told by hooks."""

    created: bool = False
    versions: dict[str, int] = field(default_factory=dict)
    """Remote unit that has joined, or remote application -> the version of its databag that -changed told of."""


@dataclass
class Relation:
    """Both sides of a relation; a peer relation has one endpoint."""

    id: str
    interface: str
    scope: str
    endpoints: dict[str, str]
    """application -> the name of its endpoint."""
    bags: dict[str, Databag] = field(default_factory=dict)
    """Unit that is or was in scope, or application -> its databag."""
    members: dict[str, Told] = field(default_factory=dict)
    """Unit that takes part, from before -relation-created until after -relation-broken."""
    life: str = "alive"
    since: str = field(default_factory=now)

    @property
    def is_peer(self) -> bool:
        return len(self.endpoints) == 1

    def settings(self, owner: str) -> dict[str, str]:
        """The databag of a unit or an application; empty when there is none."""
        return self.bags[owner].settings if owner in self.bags else {}

    def remote_app(self, app: str) -> str:
        """The application at the other end as seen by `app`; itself for peers."""
        return next((name for name in self.endpoints if name != app), app)


@dataclass
class Secret:
    """A user's secret without its values, which `localjuju.secret` keeps in files of their own."""

    id: str
    """20 characters, as Juju's xid has them."""
    name: str
    info: str = ""
    revisions: dict[str, str] = field(default_factory=dict)
    """number -> when it was made."""
    made: int = 0
    """How many there have been: a number is never given again."""
    auto_prune: bool = False
    apps: list[str] = field(default_factory=list)
    """Who may read it."""
    tracked: dict[str, int] = field(default_factory=dict)
    """unit -> the revision that it reads, until it asks for --refresh."""
    labels: dict[str, str] = field(default_factory=dict)
    """unit -> its own name for the secret."""
    created: str = field(default_factory=now)

    @property
    def latest(self) -> int:
        return max(map(int, self.revisions))


@dataclass
class Storage:
    """A storage instance: a file system that outlives the unit it is attached to."""

    id: str
    """name/number; the number is the model's only one."""
    unit: str
    """To which it is, or is to be, attached; empty while detached."""
    location: str
    """Where it is, or was last, in the machine."""
    pool: str
    size: int
    """MiB, as asked for."""
    status: Status = field(default_factory=lambda: Status("pending"))
    """pending, attached, detaching or detached."""
    life: str = "alive"
    """dying: it is destroyed once it is detached."""

    @property
    def name(self) -> str:
        return self.id.split("/")[0]

    @property
    def number(self) -> str:
        return self.id.split("/")[1]


@dataclass
class Task:
    """An action or an exec that was run."""

    id: str
    unit: str
    action: str
    status: str = "running"
    message: str = ""
    results: dict[str, Any] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    enqueued: str = field(default_factory=now)
    completed: str = ""

    def shown(self) -> dict[str, Any]:
        """As `juju run --format json` prints it."""
        timing = {"enqueued": self.enqueued, "started": self.enqueued, "completed": self.completed}
        shown: dict[str, Any] = {"id": self.id, "status": self.status, "timing": timing, "unit": self.unit}
        for key in ("results", "log", "message"):
            if getattr(self, key):
                shown[key] = getattr(self, key)
        return shown


@dataclass
class Model:
    """All of it."""

    name: str
    uuid: str
    config: dict[str, Any] = field(default_factory=dict)
    applications: dict[str, Application] = field(default_factory=dict)
    units: dict[str, Unit] = field(default_factory=dict)
    machines: dict[str, Machine] = field(default_factory=dict)
    relations: dict[str, Relation] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    secrets: dict[str, Secret] = field(default_factory=dict)
    storage: dict[str, Storage] = field(default_factory=dict)
    next_storage: int = 0
    next_machine: int = 0
    next_relation: int = 0
    next_task: int = 1
    created: str = field(default_factory=now)

    def application(self, name: str) -> Application:
        if name not in self.applications:
            raise JujuError(f'application "{name}" not found')
        return self.applications[name]

    def unit(self, name: str) -> Unit:
        """A unit by its name, or by app/leader."""
        app, _, number = name.partition("/")
        if number == "leader":
            name = self.application(app).leader
        if name not in self.units:
            raise JujuError(f'unit "{name}" not found')
        return self.units[name]

    def machine(self, number: str) -> Machine:
        if number not in self.machines:
            raise JujuError(f"machine {number} not found")
        return self.machines[number]

    def add_unit(self, app: Application, machine: str, principal: str = "") -> Unit:
        """A new unit, with the hooks of its start."""
        unit = Unit(f"{app.name}/{app.next_unit}", machine, principal=principal)
        unit.queue = [Hook(name) for name in ("install", "config-changed", "start")]
        app.next_unit += 1
        self.units[unit.name] = unit
        return unit

    def storage_of(self, unit: str) -> list[Storage]:
        """The storage that a unit has, or is to have."""
        return [item for item in self.storage.values() if item.unit == unit]

    def units_of(self, app: str) -> list[Unit]:
        return sorted((u for u in self.units.values() if u.app == app), key=lambda u: unit_number(u.name))

    def units_on(self, machine: str) -> list[Unit]:
        return [unit for unit in self.units.values() if unit.machine == machine]

    def subordinates(self, unit: Unit) -> list[Unit]:
        return [other for other in self.units.values() if other.principal == unit.name]

    def relations_of(self, app: str, endpoint: str = "") -> list[Relation]:
        """The relations of an application, all or those of one endpoint."""
        return [
            relation
            for relation in self.relations.values()
            if app in relation.endpoints and endpoint in ("", relation.endpoints[app])
        ]


def unit_number(name: str) -> int:
    """The number of a unit: 10 comes after 9."""
    return int(name.rpartition("/")[2])


def encode(value: Any) -> Any:
    """A dataclass of this module as JSON values."""
    return dataclasses.asdict(value)


def decode(kind: type[T], value: dict[str, Any]) -> T:
    """The dataclass that `encode` made `value` of; fields that are gone or new since are passed over."""
    hints = typing.get_type_hints(kind)
    return kind(**{name: _decode(hints[name], item) for name, item in value.items() if name in hints})


def _decode(hint: Any, value: Any) -> Any:
    inner = [kind for kind in typing.get_args(hint) if kind is not type(None)]
    if value is None:
        return None
    if dataclasses.is_dataclass(hint):
        return decode(typing.cast(type, hint), value)
    if isinstance(value, list):
        return [_decode(inner[0], item) for item in value]
    if isinstance(value, dict) and typing.get_origin(hint) is dict:
        return {key: _decode(inner[1], item) for key, item in value.items()}
    return _decode(inner[0], value) if len(inner) == 1 else value
