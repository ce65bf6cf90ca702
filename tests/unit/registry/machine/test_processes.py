"""Registries among the processes, of a folder like /proc."""

import os
import signal
import subprocess

import pytest
from registry.machine.processes import Processes

COMMAND = b"registry\0serve\0/etc/x/config.yml\0"


@pytest.fixture
def proc(tmp_path):
    """Make a process with a command line and a folder as its configuration."""

    def make(pid, command, folder):
        inside = tmp_path / "proc" / str(pid) / "root/etc"
        inside.mkdir(parents=True)
        (inside.parents[1] / "cmdline").write_bytes(command)
        if folder is not None:
            (inside / "x").symlink_to(folder)

    (tmp_path / "proc/self").mkdir(parents=True)
    return make


def test_registries_of_the_given_folders_are_found(proc, tmp_path):
    ours, other = tmp_path / "ours", tmp_path / "other"
    ours.mkdir()
    other.mkdir()
    proc(1, COMMAND, ours)
    proc(2, COMMAND, other)
    proc(3, COMMAND, None)
    proc(4, b"bash\0", ours)
    processes = Processes("serve /etc/x/config.yml", "/etc/x", tmp_path / "proc")
    assert processes.find([ours, tmp_path / "gone"]) == {1}
    assert processes.find([]) == set()


def test_all_processes_of_a_container_are_its_own(proc, tmp_path):
    """Docker's `init`, for example, has the registry's words at its end too, and is not the registry."""
    ours = tmp_path / "ours"
    ours.mkdir()
    spaces = {10: "mnt:[1]", 11: "mnt:[1]", 20: "mnt:[2]", 21: "mnt:[2]", 30: None}
    for pid, space in spaces.items():
        proc(pid, (b"/sbin/docker-init\0--\0" if pid % 10 == 0 else b"") + COMMAND, ours)
        if space:
            (tmp_path / f"proc/{pid}/ns").mkdir()
            (tmp_path / f"proc/{pid}/ns/mnt").symlink_to(space)
    processes = Processes("serve /etc/x/config.yml", "/etc/x", tmp_path / "proc")
    found = processes.find([ours])
    assert found == set(spaces)
    assert processes.outside(found, {10}) == {20, 21, 30}
    assert processes.outside(found, {10, 20}) == {30}
    assert processes.outside(found, {30, 99}) == {10, 11, 20, 21}
    assert processes.outside(found, set()) == found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_process_ends(number):
    ignore = "trap '' TERM;" if number == signal.SIGKILL else ""
    words = ["sh", "-c", f"{ignore} echo; while :; do sleep 0.1; done", "serve", "/etc/x/config.yml"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        process.stdout.read(1)

        def kill(pid, sent):
            os.kill(pid, sent)
            if sent == number:
                process.wait()

        Processes("serve /etc/x/config.yml", "/etc/x", kill=kill, seconds=1).end(process.pid)
        assert process.returncode == -number
