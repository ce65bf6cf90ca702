"""The registry's own user: files that root made become that user's while the registry serves."""

import os
import threading

import pytest
from unit import Watch
from uploads import Uploads, digest_of

DATA = "/srv/registry"
BULK = f"{DATA}/docker/registry/v2/repositories/bulk/_uploads/one"
MANY = 20_000
OWNERS = f"find {DATA}/docker -printf %U:%G\\\\n | sort | uniq -c"


def user(unit):
    return unit.container()["Config"]["User"], unit.container()["HostConfig"]["CapAdd"]


@pytest.fixture
def as_root(unit):
    """Root in the container, as before: the number belongs to somebody else."""
    unit.exec("echo them:x:60900: >> /etc/group")
    try:
        unit.update_status()
        assert user(unit) == ("", ["DAC_OVERRIDE"])
        yield unit
    finally:
        unit.exec(f"sed -i /^them:x:60900:/d /etc/group; rm -rf {os.path.dirname(os.path.dirname(BULK))}")
        unit.update_status()


def test_files_of_root_change_hands_while_it_serves(as_root):
    unit, registry = as_root, Uploads(f"http://{as_root.address}:5000")
    content = os.urandom(1000)
    registry.image("of-root", "1", content)
    unit.exec(f"mkdir -p {BULK} && cd {BULK} && seq {MANY} | xargs touch && chown -R 0:0 {DATA}")
    unit.exec("sed -i /^them:x:60900:/d /etc/group")
    with Watch(unit.address, patience=1) as watch:
        hook = threading.Thread(target=lambda: unit.juju.cli("hook", unit.name, "update-status"))
        hook.start()
        last = f"{BULK}/19"
        unit.exec(
            f"for i in $(seq 400); do test $(stat -c %u {last}) = 60900 && break; sleep 0.01; done;"
            " pkill -KILL -f hooks/[u]pdate-status || true"
        )
        hook.join()
        half = unit.exec(OWNERS)
        unit.exec(f"cd {BULK} && touch last")
        unit.juju.cli("resolved", unit.name)
        unit.settle()
        unit.update_status()
    assert "0:0" in half and "60900:60900" in half, half
    assert user(unit) == ("60900:60900", [])
    assert watch.failed == 0, "the switch is bridged"
    unit.update_status()
    assert unit.exec(OWNERS).split()[1:] == ["60900:60900"]
    assert registry.read("of-root", digest_of(content)) == content
    for name in ("of-root", "of-root/new"):
        registry.image(name, "2", content, b"new")
