"""A hook or an action of the shared unit is killed at each system call that changes something.

A trace of a whole run gives the points. As many are tried as there is time for, spread over all of them.
"""

import contextlib
import secrets

import jubilant
import points
import pytest
import tracing
from uploads import Uploads

GAP = 3
"""For how many seconds nobody may be served."""
SECONDS = {"config-changed": 200, "upgrade-charm": 140, "garbage-collect": 140, "import": 80}
"""For how long points are tried."""


@pytest.fixture
def changes(unit, tmp_path, built, charm):
    """What has each hook change the registry; each call asks for the other of two levels of the log."""
    levels = ["info", "debug"]

    def option():
        levels.reverse()
        unit.config(log_level=levels[0])

    variants = [tracing.with_doors(built, tmp_path / f"{level}.charm", log_level=level) for level in levels]

    def refresh():
        variants.reverse()
        unit.juju.refresh(unit.app, path=variants[0])
        unit.settle()

    yield {"config-changed": option, "upgrade-charm": refresh}
    unit.config(log_level=None)
    unit.juju.refresh(unit.app, path=charm)
    unit.settle()


@pytest.mark.parametrize("program", ["config-changed", "upgrade-charm"])
def test_a_killed_hook(unit, fault, changes, clock, program):
    def row():
        return fault.row(f"{program} killed", longest=GAP)

    points.kill_at_each(unit, program, changes[program], row, clock(SECONDS[program]))


@pytest.fixture
def actions(unit):
    """What has each action do something."""
    uploads = Uploads(f"http://{unit.address}:5000")
    for number in range(3):
        uploads.image("archived/app", str(number), secrets.token_bytes(300_000))
    archive = "/srv/killed.tar"
    unit.run("export", images="archived/app:*", file=archive)

    def collect():
        uploads.image("gone/app", None, secrets.token_bytes(100_000))
        with contextlib.suppress(jubilant.TaskError):  # as it is killed
            unit.run("garbage-collect", untagged=True, **{"dry-run": False})

    def load():
        with contextlib.suppress(jubilant.TaskError):
            unit.run("import", file=archive, prefix=secrets.token_hex(4))

    yield {"garbage-collect": collect, "import": load}
    unit.exec(f"rm {archive}")


@pytest.mark.parametrize("program", ["garbage-collect", "import"])
def test_a_killed_action(unit, fault, actions, clock, program):
    def row():
        return fault.row(f"{program} killed", longest=GAP)

    points.kill_at_each(unit, program, actions[program], row, clock(SECONDS[program]), threads=True)
