"""What is full: disks, their inodes, memory. A password and a new certificate are applied all the same."""

import base64
import concurrent.futures
import os
import ssl
import urllib.error
import urllib.request

import pytest
from test_encryption import Authority, presented
from test_mount import LOW
from uploads import Uploads

SERVING = 3
IMAGES, DATA, ROOT, SCRATCH = "/srv/registry", "/mnt/data", "/mnt/root", "/tmp"
ON_ROOT = "/etc/docker/registry", "/var/lib/docker-registry", "/var/lib/juju/agents/unit-full-0/charm"
"""Folders of the root disk that the charm writes to."""
USER = "Basic " + base64.b64encode(b"admin:s3cret").decode()


@pytest.fixture(scope="module")
def full(deploy, tmp_path_factory):
    """A unit with TLS and small disks of its own for the images, for the root and for /tmp; and its CA."""
    unit = deploy("full")
    authority = Authority(tmp_path_factory.mktemp("ca"), unit.address)
    certificate, key = authority.issue("first")
    unit.config(tls_cert_blob=certificate, tls_key_blob=key, tls_ca_blob=authority.read("ca.crt"))
    unit.exec(
        f"docker stop registry; mkdir -p {DATA} {ROOT}; mount -t tmpfs -o size=64m,mode=755 data {DATA};"
        f"rm -rf {IMAGES}/docker-registry-reserve; cp -a {IMAGES}/. {DATA} && mount --bind {DATA} {IMAGES};"
        f"mount -t tmpfs -o size=96m,mode=755 root {ROOT}; mount -t tmpfs -o size=1m,mode=1777 scratch {SCRATCH}"
    )
    for number, folder in enumerate(ON_ROOT):
        unit.exec(f"cp -a {folder} {ROOT}/{number}; mount --bind {ROOT}/{number} {folder}")
    unit.exec("docker start registry")
    assert unit.update_status() == ("active", f"Ready at {unit.address}:5000 (https).")
    yield unit, authority
    unit.juju.remove_application(unit.app, force=True)


def stranger(unit, authority):
    """Return how the registry answers somebody without a password."""
    context = ssl.create_default_context(cadata=authority.read("ca.crt"))
    try:
        with urllib.request.urlopen(f"https://{unit.address}:5000/v2/", context=context, timeout=10) as found:
            return found.status
    except urllib.error.HTTPError as error:
        return error.code


def fill(unit, folder):
    unit.exec(f"dd if=/dev/zero of={folder}/fill bs=64k status=none; dd if=/dev/zero of={folder}/rest bs=1 || true")


def take_inodes(unit, folder):
    unit.exec(f"mount -o remount,nr_inodes=4000 {folder}; mkdir {folder}/fill")
    unit.exec(f"cd {folder}/fill && seq 5000 | xargs touch || true")


def empty(unit):
    for folder in (DATA, ROOT, SCRATCH):
        unit.exec(f"rm -rf {folder}/fill {folder}/rest; mount -o remount,nr_inodes=100000 {folder}")


@pytest.mark.parametrize(
    ("name", "folders", "lacks"),
    [
        ("disk of the images full", [DATA], fill),
        ("root disk full", [ROOT], fill),
        ("root disk full, the images on it", [DATA, ROOT], fill),
        ("no inodes for the images", [DATA], take_inodes),
        ("no inodes on the root disk", [ROOT], take_inodes),
        ("no inodes on the root disk, the images on it", [DATA, ROOT], take_inodes),
        ("/tmp full", [SCRATCH], fill),
        ("all full", [DATA, ROOT, SCRATCH], fill),
    ],
)
def test_a_full_disk_vetoes_neither_a_password_nor_a_certificate(full, fault, name, folders, lacks):
    unit, authority = full
    with fault.row(name, longest=SERVING, of=unit, ca=authority.read("ca.crt")) as said:
        for folder in folders:
            lacks(unit, folder)
        try:
            status = unit.update_status()
            print(name, status)
            if DATA in folders:
                said(status, "active", LOW)
            print(unit.config(auth_basic_password="s3cret"))
            assert stranger(unit, authority) == 401
            renewed, key = authority.issue("renewed")
            print(unit.config(tls_cert_blob=renewed, tls_key_blob=key))
            assert presented(unit) == renewed.strip()
            print(unit.update_status())
            assert stranger(unit, authority) == 401
        finally:
            empty(unit)
            unit.update_status()
            unit.config(auth_basic_password=None)
        assert unit.update_status()[0] == "active"


def test_a_limit_of_memory_that_is_reached(unit, fault):
    """Manifests are kept in memory whole: pushed at once they need more than there is."""
    uploads = Uploads(f"http://{unit.address}:5000")

    def push(size):
        try:
            uploads.blob("memory", os.urandom(size))
            uploads.put("memory", {"config": {}, "layers": [], "filler": "x" * 3_900_000}, "1")
        except OSError as error:
            return str(error)
        return "stored"

    with fault.row("limit of memory reached", longest=60):
        unit.config(container_memory_limit="24m")
        with concurrent.futures.ThreadPoolExecutor(60) as pool:
            found = list(pool.map(push, [1000, 3_000_000] * 60))
        print(sorted(set(found)))
        print(unit.exec('docker inspect -f "{{.RestartCount}} {{.State.OOMKilled}}" registry'))
        killed = int(unit.exec("docker inspect -f {{.RestartCount}} registry"))
        assert unit.update_status()[0] == "active"
        uploads.image("memory", "2", os.urandom(3_000_000))
        unit.config(container_memory_limit=None)
    assert killed, "the limit was not reached"
