"""What SECURITY.md says of a unit: what listens, as which user, with which capabilities and mounts."""

import fnmatch
import pathlib
import re

SECURITY = pathlib.Path(__file__).parents[2] / "SECURITY.md"
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID")
"""The first of include/uapi/linux/capability.h, by their numbers."""
EVERYWHERE = {"0.0.0.0", "[::]", "*"}
PORTS = {"5000": "registry-port", "5001": "debug-port"}
PROGRAMS = {"containerd", "docker-proxy", "dockerd", "registry"}
ACCESS = {True: "read-write", False: "read-only"}


def tables():
    """The rows of each table, by the title of its first column."""
    found = {}
    for block in re.findall(r"(?:^\|.*\n)+", SECURITY.read_text(), re.MULTILINE):
        head, _, *rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in block.splitlines()]
        found[head[0]] = {tuple(row) for row in rows}
    return found


def listeners(unit):
    """Port, address, program and user of each TCP or UDP socket of Docker and the registry."""
    for line in unit.exec("ss -Hltunp").splitlines():
        place, users = line.split()[4], re.findall(r'"([^"]+)",pid=(\d+)', line)
        address, _, port = place.rpartition(":")
        for program, pid in users:
            if program in PROGRAMS:
                at = "all addresses" if address in EVERYWHERE else address
                yield PORTS.get(port, "any"), at, program, unit.exec(f"ps -o user= -p {pid}")


def rights(unit, container):
    pid = container["State"]["Pid"]
    state = dict(line.split(":\t") for line in unit.exec(f"cat /proc/{pid}/status").splitlines() if ":\t" in line)
    sets = {state[name] for name in ("CapPrm", "CapEff", "CapBnd")}
    (mask,) = {int(one, 16) for one in sets}
    names = [CAPABILITIES[number] for number in range(mask.bit_length()) if mask >> number & 1]
    kinds = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
    links = unit.exec(f"cd /proc && for kind in {' '.join(kinds)}; do readlink 1/ns/$kind {pid}/ns/$kind; done").split()
    own = dict(zip(kinds, zip(links[::2], links[1::2], strict=True), strict=True))
    # Docker gives a container a control group of its own where the kernel has version 2 alone.
    shared = [kind for kind, (one, other) in own.items() if one == other and kind != "cgroup"]
    root = next(line.split() for line in unit.exec(f"cat /proc/{pid}/mountinfo").splitlines() if line.split()[4] == "/")
    return {
        ("user and group", ", ".join(" ".join(set(state[name].split())) for name in ("Uid", "Gid"))),
        ("capabilities", ", ".join(names) or "none"),
        ("can gain privileges", {"1": "no"}.get(state["NoNewPrivs"], "yes")),
        ("system calls", {"2": "Docker's default filter"}.get(state["Seccomp"], "all")),
        ("root file system", ACCESS["rw" in root[5].split(",")]),
        ("namespaces shared with the machine", ", ".join(shared)),
    }


def test_a_unit_is_as_security_says(unit):
    unit.config(auth_basic_password="s3cret", prometheus_metrics="true")
    try:
        said, container = tables(), unit.container()
        assert set(listeners(unit)) == said["port"]
        assert rights(unit, container) == said["right"]
        assert [one for one in container["HostConfig"]["SecurityOpt"] if one != "no-new-privileges"] == []
        assert not container["HostConfig"]["Privileged"]
        assert not container["HostConfig"]["Devices"]
        mounts = [(one["Destination"], one["Source"], ACCESS[one["RW"]]) for one in container["Mounts"]]
        mounts += [(target, "memory", "read-write") for target in container["HostConfig"]["Tmpfs"]]
        rows = {
            mount: [row for row in said["in the container"] if all(map(fnmatch.fnmatch, mount, row))]
            for mount in mounts
        }
        assert all(len(found) == 1 for found in rows.values()), rows
        assert {row for found in rows.values() for row in found} == said["in the container"]
    finally:
        unit.config(auth_basic_password=None, prometheus_metrics=None)
