"""What was removed, altered or put in the way by hand comes back with the next hook."""

import pytest

CHARM = "/var/lib/juju/agents/unit-docker-registry-0/charm"
APPLIED = "/etc/docker/registry/applied"
CHANGES = {
    "container killed": ("docker kill registry", 30),
    "container removed": ("docker rm -f registry", 30),
    "container paused": ("docker pause registry", 30),
    "container renamed": ("docker rename registry mine", 1),
    "image removed": ("docker rm -f registry; docker rmi -f $(docker images -q)", 40),
    "configuration altered": ("echo nonsense >/etc/docker/registry/config.yml", 3),
    "configuration removed": (f"rm -rf {APPLIED}/*", 3),
    "configuration unreadable": (f"chmod -R 000 {APPLIED}", 3),
    "a symlink in place of the configuration": (
        f"rm -rf {APPLIED} && mkdir -p /tmp/theirs && ln -s /tmp/theirs {APPLIED}",
        3,
    ),
    "records removed": ("rm -rf /var/lib/docker-registry/*", 3),
    "the unit's data lost": (f"rm -f {CHARM}/.unit-state.db", 3),
    "the unit's data damaged": (f"head -c 4096 /dev/urandom >{CHARM}/.unit-state.db", 3),
    "dockerd killed": ("systemctl kill -s KILL docker", 3),
    "containerd killed": ("systemctl kill --kill-who=main -s KILL containerd", 3),
}
"""What is done on the machine, and for how many seconds nobody may be served."""


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_changed_by_hand_comes_back(unit, fault, name):
    command, longest = CHANGES[name]
    with fault.row(name, longest=longest):
        unit.exec(command)
        for _ in range(3):  # a registry that was told to end is given time by Docker
            if unit.update_status()[0] == "active":
                break
