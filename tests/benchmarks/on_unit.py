"""Runs on a unit, in the context of a hook, on the Python of the machine.

`on_unit.py time ROUNDS COMMAND...` runs the commands in turns, and prints for each a list of seconds and seconds of
processor, those of the programs that it starts included.

`on_unit.py count HOOK` runs a hook in this process, and counts the hook tools and other programs that it starts,
and its requests to Docker.

`on_unit.py memory ACTION` waits for an action, a minute at most, and prints the KiB of memory that its process had at
most when it ends.
"""

import collections
import contextlib
import glob
import json
import os
import resource
import runpy
import shutil
import subprocess
import sys
import time


def measured(command):
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    seconds, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def timed(rounds, *commands):
    found = [[] for _ in commands]
    for _ in range(int(rounds)):
        for one, command in zip(found, commands, strict=True):
            one.append(measured(command))
    return found


def counted(hook):
    found = collections.Counter(tools=0, programs=0, requests=0)

    def listen(event, arguments):
        if event == "subprocess.Popen":
            folder = os.path.dirname(shutil.which(arguments[1][0]) or "")
            found["tools" if os.path.exists(f"{folder}/config-get") else "programs"] += 1
        elif event == "http.client.send" and type(arguments[0]).__name__ == "UnixHTTPConnection":
            found["requests"] += 1

    sys.addaudithook(listen)
    sys.argv = [hook]
    output = os.dup(1)
    os.dup2(2, 1)
    try:
        runpy.run_path(hook, run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise
    os.dup2(output, 1)
    return found


def find(action):
    """Return the folder in /proc of the process of an action, or None."""
    for folder in glob.glob("/proc/[0-9]*"):
        with contextlib.suppress(OSError), open(f"{folder}/cmdline") as file:
            first, *rest = file.read().rstrip("\0").split("\0")
            if "python" in first and rest and rest[-1].endswith(f"/actions/{action}"):
                return folder
    return None


def most(action):
    end, folder, found = time.monotonic() + 60, None, 0
    while folder is None and time.monotonic() < end:
        time.sleep(0.05)
        folder = find(action)
    with contextlib.suppress(OSError):
        while folder:
            with open(f"{folder}/status") as file:
                lines = [line for line in file if line.startswith("VmHWM:")]
            if not lines:  # it has ended
                break
            found = int(lines[0].split()[1])
            time.sleep(0.05)
    return found


print(json.dumps({"time": timed, "count": counted, "memory": most}[sys.argv[1]](*sys.argv[2:])))
