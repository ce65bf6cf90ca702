"""What the charm costs, in figures: each beside a yardstick from the same run on the same machine.

Nothing is asserted of time; run with `make benchmark`, which prints what is measured.
"""

import re
import statistics
import time
import urllib.request

from unit import Watch

ROUNDS = 10


def timings(unit, *commands):
    """Return the seconds of each command, run in turns in a hook's context on the unit's machine: a list for each."""
    lines = "".join(
        f"s=$(date +%s%N); {command} >/dev/null; echo {i} $(($(date +%s%N) - s)); "
        for i, command in enumerate(commands)
    )
    loop = f"cd $CHARM_DIR; for round in $(seq {ROUNDS}); do {lines} done"
    output = unit.juju.exec(loop, unit=unit.name).stdout
    found = [
        [int(ns) / 1e9 for index, ns in re.findall(r"^(\d) (\d+)$", output, re.MULTILINE) if int(index) == i]
        for i in range(len(commands))
    ]
    assert all(len(one) == ROUNDS for one in found), output
    return found


def report(capsys, text):
    with capsys.disabled():
        print(f"\n  {text}")


def test_an_idle_hook_beside_the_bare_interpreter(unit, capsys):
    hook, bare, tool = timings(
        unit, "JUJU_HOOK_NAME=update-status hooks/update-status", "python3 -IS -c pass", "status-get"
    )
    unit.update_status()
    tools = len(unit.hook_tools()) if unit.is_local else 5
    hook, bare, tool = (statistics.median(one) for one in (hook, bare, tool))
    own = hook - tools * tool
    report(
        capsys,
        f"idle update-status {hook * 1e3:.0f} ms = {hook / bare:.1f} x the bare interpreter ({bare * 1e3:.0f} ms); "
        f"{tools} hook tools of {tool * 1e3:.0f} ms each; without them {own * 1e3:.0f} ms = {own / bare:.1f} x",
    )


def test_time_without_service_in_a_plain_switch(unit, capsys):
    gaps = []
    for name in ["images", None] * 3:
        with Watch(unit.address, patience=0.1) as watch:
            unit.config(registry_name=name)
        gaps.append(watch.gap)
    with Watch(unit.address, patience=0.1) as watch:
        unit.exec("docker restart registry")
    report(
        capsys,
        f"plain switch: longest time without an answer {min(gaps):.2f} to {max(gaps):.2f} s in {len(gaps)} switches; "
        f"docker restart: {watch.gap:.2f} s",
    )
    unit.update_status()


def test_throughput_beside_a_bare_registry(unit, capsys):
    """A blob of 200 MB, from the charm's registry and from `docker run registry:2` over the same data, in turns."""
    unit.exec(
        "docker run -d --name bare -p 5999:5000 -v /srv/registry:/var/lib/registry:ro registry:2"
        " && mkdir -p /tmp/big && head -c 200000000 /dev/urandom > /tmp/big/data"
        " && tar -C /tmp/big -c data | docker import - big:1"
    )
    try:
        unit.run("push", image="big:1", pull=False)
        digest = unit.exec("ls -S /srv/registry/docker/registry/v2/blobs/sha256/*/*/data | head -1").split("/")[-2]
        seconds = {5000: [], 5999: []}
        for _ in range(5):
            for port, found in seconds.items():
                begin = time.monotonic()
                url = f"http://{unit.address}:{port}/v2/big/blobs/sha256:{digest}"
                with urllib.request.urlopen(url, timeout=60) as answer:
                    while answer.read(1 << 20):
                        pass
                found.append(time.monotonic() - begin)
        ours, bare = (statistics.median(seconds[port]) for port in (5000, 5999))
        report(capsys, f"200 MB: {200 / ours:.0f} MB/s, {bare / ours:.2f} x a bare registry ({200 / bare:.0f} MB/s)")
    finally:
        unit.exec("docker rm -f bare; docker rmi -f $(docker images -q big:1); rm -r /tmp/big")
