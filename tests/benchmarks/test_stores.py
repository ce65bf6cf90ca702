"""What each place for the images gives and costs, in figures of one run: the table of docs/explanation/storage.md.

Disk and store share this machine's processors here, so a store of its own machine is as fast as its network.
"""

import hashlib
import secrets
import time
import urllib.parse
import urllib.request

import pytest
from object_store import PASSWORD

SECTION = "Storage"
MB = 1_000_000
SIZE = 100 * MB
ROUNDS = 3


def by_s3(store, bucket):
    """Options of a bucket in the store."""
    return {
        "storage_s3_regionendpoint": f"http://{store.address}:8080",
        "storage_s3_region": "us-east-1",
        "storage_s3_bucket": bucket,
        "storage_s3_accesskey": "test:tester",
        "storage_s3_secretkey": PASSWORD,
    }


@pytest.fixture
def places(store):
    """Options of each place."""
    for name in ("by-swift", "by-s3"):
        store.swift("PUT", name)
    s3 = by_s3(store, "by-s3")
    swift = {
        "storage_swift_authurl": f"http://{store.address}:8080/auth/v1.0",
        "storage_swift_username": "test:tester",
        "storage_swift_password": PASSWORD,
        "storage_swift_container": "by-swift",
    }
    return {"disk": {}, "Swift": swift, "S3": s3, "S3, redirects": {**s3, "storage_redirect_disable": False}}


def push(url, data):
    """Push a blob as clients do; return its digest."""
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    with urllib.request.urlopen(urllib.request.Request(f"{url}uploads/", b"", method="POST"), timeout=60) as answer:
        where = urllib.parse.urljoin(url, answer.headers["Location"])
    headers = {"Content-Type": "application/octet-stream"}
    request = urllib.request.Request(f"{where}&digest={digest}", data, headers, method="PUT")
    with urllib.request.urlopen(request, timeout=300):
        return digest


def pull(url):
    found = 0
    with urllib.request.urlopen(url, timeout=300) as answer:
        while chunk := answer.read(MB):
            found += len(chunk)
    assert found == SIZE


def timed(call, *arguments):
    begin = time.monotonic()
    return call(*arguments), time.monotonic() - begin


def used(unit):
    """Seconds of processor that the registry has used, and bytes that it has sent."""
    process = unit.container()["State"]["Pid"]
    ticks = unit.exec(f"cat /proc/{process}/stat").rpartition(") ")[2].split()[11:13]
    sent = unit.exec(f"grep eth0: /proc/{process}/net/dev").split()[9]
    return sum(map(int, ticks)) / 100, int(sent)


def test_places_of_the_images(unit, places, figure):
    disk = {}
    options = {name: None for one in places.values() for name in one}
    for place, config in places.items():
        assert unit.config(**{**options, **config}) == ("active", f"Ready at {unit.address}:5000 (http)."), place
        url = f"http://{unit.address}:5000/v2/bench/blobs/"
        pushed = [timed(push, url, secrets.token_bytes(SIZE)) for _ in range(ROUNDS)]
        before = used(unit)
        pulled = [timed(pull, url + digest)[1] for digest, _ in pushed for _ in range(2)]
        after = used(unit)
        seconds, sent = ((late - early) / len(pulled) / SIZE * 1e9 for early, late in zip(before, after, strict=True))
        rates = {
            ("push", "MB/s"): [SIZE / MB / one for _, one in pushed],
            ("pull", "MB/s"): [SIZE / MB / one for one in pulled],
            ("processor for each GB pulled", "s"): [seconds],
            ("sent for each GB pulled", "GB"): [sent / 1e9],
        }
        for (name, of), values in rates.items():
            figure(f"{place}, {name}", values, disk.get(name, ()), of=of, to="disk")
            disk.setdefault(name, values)
    unit.config(**options)
