"""A refresh from the revision before the modules were laid out in packages, back to it, and forward again.

The tests run in order, on machines of their own; the way back is one of soak, which has two units. Whatever the two
revisions keep (flags, unitdata, files, relation data) is the same before and after. Their registries write other logs,
so each refresh replaces the container once, and no request fails meanwhile.
"""

import base64
import contextlib
import json
import pathlib
import re
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from deployment import ROOT
from test_authority import root
from unit import Unit, Watch

APP = "refreshed"
BEFORE_PACKAGES = "4f99a475076ffee099415465273f90b2079f1e15"
"""The revision before the modules were laid out in packages."""

OPTIONS = {
    "auth-basic-password": "hush",
    "auth-basic-users": "reader: quiet",
    "auth-basic-bcrypt-cost": 6,
    "container-memory-limit": "1g",
    "daemon-opts": '{"log-driver": "json-file", "max-concurrent-uploads": 4}',
    "docker-opts": "--mtu 1400",
    "drain-timeout": 10,
    "log-level": "info",
    "nagios_servicegroups": "registries",
    "prometheus-metrics": True,
    "storage-delete": True,
    "tls-minimum-version": "tls1.3",
    "website-check-interval": 900,
}
ENDPOINTS = ("peer", "website", "docker-registry", "cert-provider", "nrpe-external-master")
FOLDERS = (
    *("/etc/docker", "/var/lib/docker-registry", "/srv/registry", "/etc/systemd/system/docker.service.d"),
    *("/etc/nagios/nrpe.d", "/var/lib/nagios/export", "/usr/local/lib/nagios"),
)
KEPT_FLAGS = {"charm.docker-registry.joined", "leadership.set.http-secret"}
KEPT_FILES = {
    *("/etc/docker/daemon.json", "/etc/docker/registry/config.yml", "/etc/docker/registry/auth/htpasswd"),
    *("/etc/docker/registry/password", "/etc/docker/registry/request.json", "/var/lib/docker-registry/daemon.json"),
    "/etc/systemd/system/docker.service.d/docker-registry.conf",
    "/etc/nagios/nrpe.d/check_docker_registry_certificate.cfg",
    "/srv/registry/docker/registry/v2/repositories/small/_manifests/tags/1/current/link",
}
"""Some of what has to be among the flags and the files, so that the comparison is of something."""
GIVEN_AWAY = ("/srv/registry", "/etc/docker/registry/auth")
"""What belongs to the registry's own user, or can be read by it: the earlier one knows none."""
STOPPED = "charm.docker-registry.stopped"
LIVE_RESTORE_FLAG = "charm.docker-registry.live-restore.loaded"
CHECKS = (
    "/usr/local/lib/nagios/plugins/check_docker_registry",
    "/etc/nagios/nrpe.d/check_docker_registry_certificate.cfg",
)
LIVE_RESTORE_RECORD = "/var/lib/docker-registry/live-restore.json"
OWN_PLACES = (
    *("/etc/docker/registry/applied/", "/etc/docker/registry/config.yml", LIVE_RESTORE_RECORD),
    *("/var/lib/docker-registry/owner.json", "/var/lib/docker-registry/disk.json"),
    *("/var/lib/docker-registry/dockerd-start.json", "/var/lib/docker-registry/daemon-written.json"),
    *("/srv/registry/docker-registry-disk-", "/etc/docker/registry/verdicts.json"),
    *("/srv/registry/docker-registry-reserve", "/var/lib/docker-registry/room.json"),
    "/var/lib/docker-registry/ownership.json",
)
"""Beginnings of the paths of what each revision has in its own words, or one of them only."""


OWN_KEYS = ("status.", "address.", "docker-registry.ports-closed")


@pytest.fixture(scope="module")
def earlier(tmp_path_factory) -> pathlib.Path:
    """The charm of the revision before the modules were laid out in packages, built from the repository's history."""
    known = subprocess.run(["git", "cat-file", "-e", f"{BEFORE_PACKAGES}^{{commit}}"], cwd=ROOT, capture_output=True)
    if known.returncode:
        pytest.fail(
            f"This repository has no commit {BEFORE_PACKAGES}, which the test builds and refreshes from. In a shallow "
            "clone, get the whole history with `git fetch --unshallow`."
        )
    built = ROOT / f".cache/earlier-{BEFORE_PACKAGES[:12]}.charm"
    if built.exists():
        return built
    checkout = tmp_path_factory.mktemp("earlier") / "checkout"
    for command in (
        ["git", "clone", "--quiet", "--shared", "--no-checkout", str(ROOT), str(checkout)],
        ["git", "-C", str(checkout), "checkout", "--quiet", "--detach", BEFORE_PACKAGES],
        [sys.executable, str(checkout / "tools/build.py"), str(checkout / "docker-registry.charm")],
    ):
        done = subprocess.run(command, cwd=checkout.parent, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    partly = built.with_suffix(".part")
    shutil.copyfile(checkout / "docker-registry.charm", partly)
    return partly.replace(built)


@pytest.fixture(scope="module")
def refreshed(request, model, earlier, archives, stand_in, small_image):
    """The earlier charm with users, TLS of a CA, a proxy, a client, checks and an image: one unit, or in soak two."""
    count = 1 if "not soak" in request.config.option.markexpr else 2
    model.deploy(earlier, APP, num_units=count, config=OPTIONS, resources={"registry-image": str(archives.registry)})
    model.deploy(stand_in("client"), "user-of-refreshed")
    model.deploy(stand_in("authority"), "ca-of-refreshed")
    model.deploy(stand_in("haproxy"), "front-of-refreshed", config={"peering_mode": "active-active"})
    model.deploy(stand_in("nrpe"), "nrpe-of-refreshed")
    model.integrate(f"{APP}:cert-provider", "ca-of-refreshed:certificates")
    model.integrate(f"{APP}:website", "front-of-refreshed:reverseproxy")
    model.integrate(f"{APP}:docker-registry", "user-of-refreshed:registry")
    model.integrate(f"{APP}:nrpe-external-master", "nrpe-of-refreshed:nrpe-external-master")
    units = [Unit(model, f"{APP}/{number}") for number in range(count)]
    units[0].settle()
    for unit in units:
        unit.load(small_image)
        unit.run("push", image="small:1", pull=False)
    yield units
    names = (APP, "user-of-refreshed", "ca-of-refreshed", "front-of-refreshed", "nrpe-of-refreshed")
    model.remove_application(*names, force=True)


@pytest.fixture(scope="module")
def ca(refreshed) -> str:
    return root(Unit(refreshed[0].juju, "ca-of-refreshed/0"))


@pytest.fixture(scope="module")
def front(refreshed) -> Unit:
    return Unit(refreshed[0].juju, "front-of-refreshed/0")


def refresh(units, charm):
    units[0].juju.refresh(APP, path=charm)
    units[0].settle()


def databags(unit):
    """Return what the unit has written, whole, by relation; and what the leader has."""
    ask = (
        f"for endpoint in {' '.join(ENDPOINTS)}; do for id in $(relation-ids $endpoint); do"
        f" relation-get -r $id --format=json - {unit.name}; done; done; leader-get --format=json"
    )
    return [json.loads(line) for line in unit.juju.exec(ask, unit=unit.name).stdout.splitlines()]


def first_clause(state, message):
    """Return the state, and its message up to where each revision has words of its own."""
    return state, re.split("[.;] ", message)[0].removesuffix(".")


def snapshot(unit):
    """Return all that a refresh has to leave as it is."""
    script = base64.b64encode((pathlib.Path(__file__).parent / "snapshot.py").read_bytes()).decode()
    folder = f"/var/lib/juju/agents/unit-{unit.name.replace('/', '-')}/charm"
    kept = json.loads(unit.exec(f"echo {script} | base64 -d | python3 - {folder} {' '.join(FOLDERS)}"))
    container = unit.container()
    found = unit.juju.status()
    bags = databags(unit)
    assert len(bags) == len(ENDPOINTS) + 1
    return {
        "container": (container["Id"], container["State"]["StartedAt"], container["State"]["Status"]),
        "dockerd": unit.exec("systemctl show -P MainPID docker"),
        "flags": {flag for flag in kept["flags"] if flag.startswith(("charm.docker-registry.", "leadership."))},
        "unitdata": kept["unitdata"],
        "files": kept["files"],
        "databags": bags,
        "ports": unit.open_ports,
        "status": first_clause(*unit.status(found)),
        "version": found.apps[APP].version,
    }


def differences(before, after):
    """Return what differs between two snapshots, by its place: short enough to be read in a test's failure."""
    found = {}
    for part in before:
        one, other = before[part], after[part]
        if isinstance(one, dict):
            keys = [key for key in one.keys() | other.keys() if one.get(key) != other.get(key)]
            found.update({f"{part} {key}": (one.get(key), other.get(key)) for key in sorted(keys)})
        elif one != other:
            found[part] = (one, other)
    return found


def common(shot):
    """Return the snapshot without what each revision has in a place or in words of its own.

    That is the configuration of the registry, so its container too; whether live-restore is on, which problems were
    logged, the texts of the checks, the records in `OWN_PLACES`, and to whom the files in `GIVEN_AWAY` belong.
    """
    files = {path: found for path, found in shot["files"].items() if not path.startswith(OWN_PLACES)}
    files |= {check: files[check].rpartition(" ")[0] for check in CHECKS}
    files |= {path: found.rpartition(" ")[2] for path, found in files.items() if path.startswith(GIVEN_AWAY)}
    unitdata = {key: value for key, value in shot["unitdata"].items() if not key.startswith(OWN_KEYS)}
    for endpoint in [key for key in unitdata if key.startswith("endpoint.")]:
        if not unitdata[endpoint]:  # the earlier revision has not all the endpoints
            del unitdata[endpoint]
            continue
        # What others have published, and not what this revision notes of its own.
        unitdata[endpoint] = {
            relation: {part: known[part] for part in ("units", "app")} for relation, known in unitdata[endpoint].items()
        }
    flags = shot["flags"] - {LIVE_RESTORE_FLAG}
    return {**shot, "container": shot["container"][-1], "flags": flags, "files": files, "unitdata": unitdata}


def is_packaged(unit):
    """Tell whether the unit has the charm as it is built now, and not the earlier one."""
    folder = f"/var/lib/juju/agents/unit-{unit.name.replace('/', '-')}/charm/lib/registry"
    return unit.exec(f"ls {folder}/plan.py 2>/dev/null || echo no") == "no"


def check_live_restore(unit, shot):
    """The present charm has it in a record, the earlier one in a flag; either way it is known."""
    if is_packaged(unit):
        assert LIVE_RESTORE_FLAG not in shot["flags"]
        record = json.loads(unit.exec(f"cat {LIVE_RESTORE_RECORD}"))
        assert record == {"live_restore_loaded": True, "live_restore_refused": False}
    else:
        assert LIVE_RESTORE_FLAG in shot["flags"]


def log_in(unit, ca, user, password):
    request = urllib.request.Request(f"https://{unit.address}:5000/v2/")
    request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
    try:
        context = ssl.create_default_context(cadata=ca)
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@contextlib.contextmanager
def unbroken(ca, *addressees):
    """Ask each of them all the time, by HTTPS: each request has to be answered."""
    with contextlib.ExitStack() as stack:
        watches = [stack.enter_context(Watch(one.address, ca=ca, pause=0.05)) for one in addressees]
        yield
    for watch in watches:
        print(f"{watch.failed} of {watch.asked} failed, longest gap {watch.gap:.2f} s")
        assert watch.failed == 0 and watch.asked > 20


@pytest.mark.parametrize(
    "step", ["forward", *(pytest.param(step, marks=pytest.mark.soak) for step in ("back", "forward again"))]
)
def test_a_refresh_leaves_everything_as_it_is(refreshed, ca, front, charm, earlier, step):
    before = [snapshot(unit) for unit in refreshed]
    assert [is_packaged(unit) for unit in refreshed] == [step == "back"] * len(refreshed)
    for shot in before:
        assert shot["status"][0] == "active"
        assert shot["flags"] >= KEPT_FLAGS and shot["files"].keys() >= KEPT_FILES
    with unbroken(ca, front, *refreshed):
        refresh(refreshed, earlier if step == "back" else charm)
    assert [is_packaged(unit) for unit in refreshed] == [step != "back"] * len(refreshed)
    after = [snapshot(unit) for unit in refreshed]
    for unit, one, other in zip(refreshed, before, after, strict=True):
        assert {place: str(found) for place, found in differences(common(one), common(other)).items()} == {}
        check_live_restore(unit, other)
        users = (("admin", "hush"), ("reader", "quiet"), ("admin", "quiet"))
        assert [log_in(unit, ca, *user) for user in users] == [200, 200, 401]
    user = Unit(refreshed[0].juju, "user-of-refreshed/0")
    user.exec("pull docker small:1")
    user.exec("pull ctr small:1")
    # There is nothing more to do, either: not in the next hook.
    assert [unit.status() for unit in refreshed] == [unit.update_status() for unit in refreshed]
    assert [differences(one, snapshot(unit)) for one, unit in zip(after, refreshed, strict=True)] == [{}] * len(
        refreshed
    )


KILLS = [(seconds, step) for seconds in (0.2, 0.6, 1.2) for step in ("forward", "back")]


def kill_hook(unit, seconds):
    """Kill the hook upgrade-charm so many seconds after its start, unless it has ended by then.

    It waits for the hook to start, for a bounded time.
    """
    unit.exec(
        "n=0; until pgrep -f hooks/[u]pgrade-charm; do n=$((n+1)); [ $n -lt 600 ] || exit 1; sleep 0.1; done;"
        f" sleep {seconds}; pkill -KILL -f hooks/[u]pgrade-charm || true"
    )


@pytest.mark.soak
@pytest.mark.parametrize(("seconds", "step"), KILLS)
def test_a_refresh_whose_hook_is_killed_ends_the_same(refreshed, ca, charm, earlier, step, seconds):
    unit = refreshed[0]
    if not unit.is_local:
        pytest.skip("a real machine may have run the hook before it is looked for")
    if is_packaged(unit) == (step == "forward"):
        refresh(refreshed, earlier if step == "forward" else charm)
    before = snapshot(unit)
    with unbroken(ca, unit):
        path = str(earlier if step == "back" else charm)
        command = [unit.juju.cli_binary, "refresh", "-m", unit.juju.model, APP, "--path", path]
        change = subprocess.Popen(command)
        kill_hook(unit, seconds)
        change.wait(timeout=180)
        was_killed = unit.juju.status().apps[APP].units[unit.name].workload_status.current == "error"
        assert was_killed or seconds > 0.2, "by then a hook has hardly begun"
        if was_killed:
            unit.juju.cli("resolved", unit.name)
            unit.settle()
    after = snapshot(unit)
    assert is_packaged(unit) == (step == "forward")
    assert differences(common(before), common(after)) == {}
    check_live_restore(unit, after)


@pytest.mark.soak
def test_a_stopped_unit_stays_stopped(refreshed, ca, charm, earlier):
    serving, stopped = refreshed
    if not is_packaged(stopped):
        refresh(refreshed, charm)
    stopped.run("stop", remove=False)
    before = [snapshot(unit) for unit in refreshed]
    assert STOPPED in before[1]["flags"]
    for path in (earlier, charm):
        with unbroken(ca, serving):
            refresh(refreshed, path)
        after = [snapshot(unit) for unit in refreshed]
        for one, other in zip(before, after, strict=True):
            assert differences(common(one), common(other)) == {}
        assert not stopped.exec("docker ps -q")
        assert serving.status()[0] == "active"
    stopped.run("start")
    assert log_in(stopped, ca, "admin", "hush") == 200
