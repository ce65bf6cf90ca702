"""A machine of the model: a Docker container that runs systemd and, inside, its own dockerd."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from localjuju import JujuError
from localjuju.docker import docker, docker_or_none, running
from localjuju.host import SOCKETS
from localjuju.model import Model
from localjuju.records.machine import Machine
from localjuju.store import Store, alone

STORAGE = "/var/lib/juju/filesystems"
"""Where a machine finds all storage of its model, to mount some of it elsewhere."""
BOOT_SECONDS = 120
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What `docker exec` would set."""
# The container is a machine: all capabilities but one that hosts of containers often lack themselves, and for
# which --privileged would fail there; no filter between its kernel calls and the kernel; devices allowed.
LIKE_A_MACHINE = shlex.split("""
    --cap-add ALL --cap-drop SYS_RESOURCE --device-cgroup-rule 'a *:* rwm'
    --security-opt systempaths=unconfined --security-opt seccomp=unconfined --security-opt apparmor=unconfined
    -v /var/lib/docker --tmpfs /run --tmpfs /tmp:exec --stop-signal SIGRTMIN+3 --restart unless-stopped""")
CGROUPS = {
    "1": (["-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw", "--cgroupns", "host"], ["/sbin/init"]),
    # With a namespace of its own, systemd and the dockerd in it see one tree that is theirs, once it is writable.
    "2": (["--cgroupns", "private"], ["sh", "-c", "mount -o remount,rw /sys/fs/cgroup && exec /sbin/init"]),
}


class DockerHost:
    """The `Host` of `localjuju` proper."""

    def __init__(self, store: Store, model: Model, machine: Machine):
        self.store, self.model, self.machine = store, model, machine
        self.name = machine.instance

    def path(self, path: str) -> str:
        return path

    def create(self) -> tuple[str, str]:
        from localjuju import image  # most commands make no machine

        image.ensure(self.machine.image)
        self.destroy()
        base = docker("image", "inspect", "-f", '{{index .Config.Labels "localjuju.base"}}', self.machine.image)
        subnet = ensure_network(network_name(self.model))
        address = str(subnet[10 + int(self.machine.id)])
        mounts, command = CGROUPS["2" if running("{{.CgroupVersion}}") == "2" else "1"]
        docker(
            "run",
            "-d",
            "--name",
            self.name,
            "--hostname",
            self.name,
            "--network",
            network_name(self.model),
            "--ip",
            address,
            "--label",
            f"localjuju.model={self.model.uuid}",
            *LIKE_A_MACHINE,
            *mounts,
            "-v",
            f"{self.store.sockets(self.machine.id)}:{SOCKETS}",
            "-v",
            f"{self.store.storage()}:{STORAGE}",
            self.machine.image,
            *command,
        )
        self._wait()
        return base or "ubuntu@22.04", address

    def destroy(self) -> None:
        if docker_or_none("container", "inspect", self.name) is not None:
            docker("rm", "-f", "-v", self.name)
        network = network_name(self.model)
        if docker_or_none("network", "inspect", network) and not docker("ps", "-aq", "--filter", f"network={network}"):
            docker("network", "rm", network)

    def boot(self) -> str:
        """The number of the machine's first process on this host, and when it began.

        By the kernel, as long as that is the one of the last boot that was seen: Docker takes 20 ms to say it.
        """
        seen = self.machine.boot
        if seen and seen == _as_it_is(seen.partition(" ")[0]):
            return seen
        state = docker_or_none("inspect", "-f", "{{.State.Running}} {{.State.Pid}} {{.State.StartedAt}}", self.name)
        running, number, begin = (state or "false 0 -").split()
        return (_as_it_is(number) or f"{number} {begin}") if running == "true" else ""

    def stop(self) -> None:
        docker("stop", "-t", "60", self.name)

    def crash(self) -> None:
        docker("kill", self.name)

    def start(self) -> None:
        docker("start", self.name)
        self._wait()

    def _wait(self) -> None:
        """Until systemd has started what it starts, and the network has its address.

        systemd itself says when it has; only before it answers, it is asked again and again.
        """
        deadline = time.monotonic() + BOOT_SECONDS
        script = 'timeout "$0" systemctl is-system-running --wait; hostname -I'
        while (left := deadline - time.monotonic()) > 0:
            answer = self._exec(["sh", "-c", script, f"{left:.0f}"]).stdout.decode().split()
            if len(answer) > 1 and answer[0] in ("running", "degraded"):
                return
            if not self.boot():
                break
            time.sleep(0.1)
        last = docker_or_none("logs", "--tail", "5", self.name)
        raise JujuError(f"machine {self.machine.id} ({self.name}) does not come up: {last or 'no output'}")

    def mount(self, number: str, location: str) -> None:
        self.unmount(location)
        source = self.store.storage(number).name
        # By fstab, so that after a reboot it is there before the services that use it.
        script = (
            'mkdir -p "$2" && echo "$1 $2 none bind 0 0" >>/etc/fstab && systemctl daemon-reload && '
            'mount --bind "$1" "$2"'
        )
        done = self._exec(["sh", "-c", script, "sh", f"{STORAGE}/{source}", location])
        if done.returncode:
            raise JujuError(f"cannot mount storage at {location} of {self.name}: {done.stderr.decode().strip()}")

    def unmount(self, location: str) -> None:
        script = (
            """awk -v at="$1" '$2 != at' /etc/fstab >/etc/fstab.new; mv /etc/fstab.new /etc/fstab; """
            'systemctl daemon-reload; umount -l "$1"'
        )
        self.output(["sh", "-c", script, "sh", location])

    def listen(self, address: str, hears: bool) -> None:
        # Before Docker's own rules, so that containers in the machine are cut off as well.
        rule = ["PREROUTING", "-s", address, "-j", "DROP"]
        while self.output(["iptables", "-w", "-t", "raw", "-D", *rule]) is not None:
            pass
        if not hears and self.output(["iptables", "-w", "-t", "raw", "-I", *rule]) is None:
            raise JujuError(f"machine {self.machine.id} cannot drop what comes from {address}")

    def network(self) -> tuple[str, str, str]:
        import ipaddress

        found = json.loads(self.output(["ip", "-json", "address"]) or "[]")
        for interface in found:
            for address in interface["addr_info"]:
                if address["local"] == self.machine.address:
                    cidr = f"{address['local']}/{address['prefixlen']}"
                    network = ipaddress.ip_network(cidr, strict=False)
                    return str(network), interface["address"], interface["ifname"]
        raise JujuError(f"no interface of machine {self.machine.id} has the address {self.machine.address}")

    def popen(
        self, argv: list[str], env: Mapping[str, str] | None = None, cwd: str = "/", mark: str = "", **streams: Any
    ) -> subprocess.Popen[bytes]:
        clean = ["-i", *(f"{name}={value}" for name, value in env.items())] if env is not None else []
        marked = ["sh", "-c", 'echo $$ >"$0"; exec "$@"', f"/run/{mark}.pid"] if mark else []
        command = ["env", "-C", cwd, *clean, *marked, *argv]
        if streams.pop("tty", False):
            return subprocess.Popen(["docker", "exec", "-i", "-t", self.name, *command], **streams)
        return subprocess.Popen(self._inside(command, with_input=streams.get("stdin") != subprocess.DEVNULL), **streams)

    def kill(self, mark: str) -> None:
        self.output(["sh", "-c", f"kill -s KILL -- -$(cat /run/{mark}.pid)"])

    def _exec(self, argv: list[str], stdin: IO[bytes] | bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        stream: dict[str, Any] = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
        return subprocess.run(self._inside(argv, with_input=stdin is not None), capture_output=True, **stream)

    def _inside(self, command: list[str], *, with_input: bool) -> list[str]:
        """The command that runs *command* in the machine as root.

        Root enters its namespaces itself: `docker exec` takes 88 ms here, nsenter 12.
        """
        process = self.boot().partition(" ")[0]
        if os.geteuid() == 0 and process and os.path.exists(f"/proc/{process}/ns/mnt"):
            own = ["env", "-i", f"PATH={PATH}", "HOME=/root", f"HOSTNAME={self.name}"]
            return ["nsenter", "--target", process, "--mount", "--uts", "--ipc", "--net", "--pid", "--", *own, *command]
        return ["docker", "exec", *(["-i"] if with_input else []), self.name, *command]

    def output(self, argv: list[str], stdin: IO[bytes] | bytes | None = None) -> str | None:
        done = self._exec(argv, stdin)
        return done.stdout.decode(errors="replace") if done.returncode == 0 else None

    def copy(self, source: Path, target: str) -> None:
        with source.open("rb") as stream:
            done = self._exec(["sh", "-c", 'mkdir -p "$(dirname "$0")" && cat >"$0"', target], stream)
        if done.returncode:
            raise JujuError(f"cannot copy to {self.name}:{target}: {done.stderr.decode().strip()}")


def _as_it_is(process: str) -> str:
    """A process of this host with when it began, by the kernel's clock; empty where it does not run."""
    try:
        state, *fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return f"{process} {fields[18]}" if state not in "ZX" else ""


def network_name(model: Model) -> str:
    """The Docker network of a model's machines."""
    return f"localjuju-{model.uuid[-6:]}"


def ensure_network(name: str) -> Any:
    """The subnet of the network, which is made if need be."""
    import ipaddress

    asked = ("network", "inspect", "-f", "{{(index .IPAM.Config 0).Subnet}}", name)
    subnet = docker_or_none(*asked)
    if subnet is None:
        # Addresses can be given to machines only in a subnet that was named: let Docker find a free one first.
        with alone():  # which another model's command would find as well
            docker("network", "create", name)
            subnet = docker(*asked)
            docker("network", "rm", name)
            docker("network", "create", "--subnet", subnet, name)
    return ipaddress.ip_network(subnet)
