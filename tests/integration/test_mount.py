"""The operator's own disk at /srv/registry: mounted after Docker at boot, gone, back; the tests run in order."""

import base64
import os
import urllib.error

import pytest
from test_disk import push, ready, serves_the_image
from unit import Unit
from uploads import Uploads

MOUNT = """
# Later than Docker, as NFS and iSCSI are. Without _netdev systemd wants it before local-fs.target, which comes before
# Docker, and drops any job of that circle: sometimes the mount.
[Unit]
After=late-disk.service docker.service
Requires=late-disk.service
[Mount]
What=/mnt/disk
Where=/srv/registry
Type=none
Options=bind,_netdev
[Install]
WantedBy=multi-user.target
"""
LATE = """
[Unit]
DefaultDependencies=no
After=docker.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sleep 5
"""
GONE = "The disk with the images is not mounted at /srv/registry, so the registry is stopped."


@pytest.fixture(scope="module")
def mounted(model, charm, archives, small_image):
    """A unit with an image, which its owner moves to a disk; no hook runs meanwhile."""
    model.deploy(charm, "mounted", resources={"registry-image": str(archives.registry)})
    unit = Unit(model, "mounted/0")
    unit.settle()
    push(unit, small_image)
    unit.exec("docker stop registry; mkdir -p /mnt/disk /mnt/rules")
    # The command of docs/how-to/storage.md, to a file system without access rules too.
    unit.exec("mount -t ramfs none /mnt/rules && cp -a --no-preserve=mode /srv/registry/docker /mnt/rules/")
    unit.exec("diff -r /srv/registry/docker /mnt/rules/docker && umount /mnt/rules")
    unit.exec("cp -a --no-preserve=mode /srv/registry/. /mnt/disk/ && rm -rf /srv/registry/*")
    for name, text in (("srv-registry.mount", MOUNT), ("late-disk.service", LATE)):
        coded = base64.b64encode(text.encode()).decode()
        unit.exec(f"echo {coded} | base64 -d > /etc/systemd/system/{name}")
    unit.exec("systemctl daemon-reload; systemctl enable srv-registry.mount; systemctl start srv-registry.mount")
    unit.exec("docker start registry")
    return unit


def below(unit):
    """What is in the folder below the mount."""
    found = unit.exec("mkdir -p /mnt/below && mount --bind / /mnt/below && ls -A /mnt/below/srv/registry")
    unit.exec("umount /mnt/below")
    return found


def test_at_boot_nothing_serves_until_the_disk_is_there(mounted):
    mounted.reboot()
    assert mounted.status() == ready(mounted)
    assert serves_the_image(mounted)
    assert below(mounted) == ""


def test_without_the_disk_nothing_serves_and_the_status_says_so(mounted):
    mounted.exec("docker stop registry; umount /srv/registry")
    assert "does not exist" in mounted.exec("docker start registry 2>&1 || true")
    state, message = mounted.update_status()
    assert (state, message.startswith(GONE), mounted.answers()) == ("blocked", True, False)
    assert below(mounted) == ""
    mounted.exec("systemctl start srv-registry.mount")
    assert mounted.update_status() == ready(mounted)
    assert serves_the_image(mounted)


def test_a_disk_that_goes_while_the_registry_runs_is_said_and_nothing_is_stopped(mounted):
    mounted.exec("umount -l /srv/registry")
    state, message = mounted.update_status()
    assert (state, "no longer mounted" in message, "Still serving" in message) == ("blocked", True, True)
    assert serves_the_image(mounted)
    mounted.exec("systemctl start srv-registry.mount")
    assert mounted.update_status() == ready(mounted)


SMALL = "/mnt/small"
ROOT = "/etc/docker/registry", "/var/lib/docker-registry", "/tmp"
"""Folders of the root disk that the charm writes to."""
LOW = "Pushes are refused, because the disk with the images has only "


@pytest.fixture(scope="module")
def small(mounted):
    """The same unit with a small disk, which is the root disk too: what the charm writes is on it."""
    mounted.exec(
        "docker stop registry; umount /srv/registry; "
        f"mkdir {SMALL}; mount -t tmpfs -o size=64m,mode=755 small {SMALL}; "
        f"rm -rf /mnt/disk/docker-registry-reserve; cp -a /mnt/disk/. {SMALL}; mount --bind {SMALL} /mnt/disk; "
        "systemctl start srv-registry.mount; docker start registry"
    )
    for number, folder in enumerate(ROOT):
        copy = f"{SMALL}/root-{number}"
        mounted.exec(f"cp -a {folder} {copy}; mount --bind {copy} {folder}")
    mounted.update_status()  # it creates the reserve
    yield mounted
    mounted.exec(f"rm -f {SMALL}/fill*; umount {' '.join(ROOT)}")


def fill(unit, but):
    """Leave so many bytes of the disk."""
    free = int(unit.exec(f"df --output=avail -B1 {SMALL} | tail -1"))
    unit.exec(f"fallocate -l {free - but} {SMALL}/fill-{but}")


def empty(unit):
    unit.exec(f"rm -f {SMALL}/fill*")
    return unit.update_status()


def reserve(unit):
    return unit.exec("stat -c %s /srv/registry/docker-registry-reserve/space || true")


def pushes(unit):
    try:
        Uploads(f"http://{unit.address}:5000").image("pushed", "1", os.urandom(10_000))
    except urllib.error.HTTPError as error:
        if error.code != 405:
            raise
        return False
    return True


def test_a_registry_is_read_only_before_its_disk_is_full(small):
    assert empty(small) == ready(small)
    assert (reserve(small), pushes(small)) == ("671088", True)
    fill(small, 3_000_000)
    state, message = small.update_status()
    assert (state, message.startswith(f"{ready(small)[1]} {LOW}")) == ("active", True)
    assert (pushes(small), serves_the_image(small)) == (False, True)
    assert empty(small) == ready(small)
    assert pushes(small)


@pytest.mark.parametrize("lacks", ["space"])
def test_a_full_root_disk_vetoes_no_change_that_closes_the_registry_and_can_be_cleaned_up(small, lacks):
    if lacks == "space":
        fill(small, 0)
        small.exec(f"dd if=/dev/zero of={SMALL}/fill-rest bs=1k status=none || true")
    else:
        used = small.exec(f"df --output=iused {SMALL} | tail -1").strip()
        small.exec(f"mount -o remount,nr_inodes={used} {SMALL}")
    try:
        state, message = small.config(auth_basic_password="s3cret")
        assert (state, LOW in message) == ("active", True)
        assert small.exec("curl -so /dev/null -w %{http_code} http://127.0.0.1:5000/v2/") == "401"
        small.run("delete-image", image="pushed:*", **{"dry-run": False})
        assert int(small.run("garbage-collect", untagged=True, **{"dry-run": False}).results["freed-bytes"]) >= 0
        assert int(reserve(small)) > 300_000
    finally:
        small.exec(f"mount -o remount,nr_inodes=100000 {SMALL}")
        empty(small)
        small.config(auth_basic_password=None)
    assert small.status() == ready(small)
    assert pushes(small)
