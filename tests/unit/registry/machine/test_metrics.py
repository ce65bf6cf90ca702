"""The program that serves the charm's metrics: its files, and its socket."""

import subprocess

import pytest
from registry.formats import exporter
from registry.machine.exporter import Metrics, NotServed
from registry.machine.files import LocalFiles
from registry.machine.records import Records

START = [
    ("daemon-reload",),
    ("enable", "docker-registry-metrics.socket"),
    ("restart", "docker-registry-metrics.socket"),
]
SERVED = exporter.Exporter(5002, "127.0.0.1:5001", "/srv/images", None)


class FakeSystemd:
    """systemd, which writes down what it is asked; its socket takes a port as `is_free` sees it."""

    def __init__(self):
        self.asked, self.code, self.listens = [], 0, False

    def systemctl(self, *words):
        self.asked.append(words)
        self.listens = words[0] != "disable" and self.code == 0
        return subprocess.CompletedProcess(words, self.code, "", "Address already in use\nSee the log\n")

    def is_free(self, port):
        return not self.listens


@pytest.fixture
def systemd():
    return FakeSystemd()


@pytest.fixture
def metrics(tmp_path, systemd):
    return Metrics(LocalFiles(), Records(tmp_path / "records"), systemd, systemd, str(tmp_path))


def test_the_socket_is_started_when_something_changed_or_it_is_gone(metrics, systemd, tmp_path):
    metrics.ensure(SERVED, "a 1\n")
    assert systemd.asked == START
    for path in (exporter.SOCKET, exporter.SERVICE, exporter.FILE, exporter.PROGRAM):
        assert (tmp_path / path[1:]).stat().st_mode & 0o777 == (0o755 if path == exporter.PROGRAM else 0o644)
    metrics.ensure(SERVED, "a 2\n")
    assert systemd.asked == START, "the program reads the file at each scrape"
    assert (tmp_path / exporter.FILE[1:]).read_text() == "a 2\n"
    systemd.listens = False
    metrics.ensure(SERVED, "a 2\n")
    assert systemd.asked == START * 2


def test_a_port_that_is_in_use_is_tried_again(metrics, systemd):
    systemd.code = 1
    for _ in range(2):
        with pytest.raises(NotServed, match=r"127\.0\.0\.1:5002: Address already in use\. Choose another debug-port"):
            metrics.ensure(SERVED, "a 1\n")
    systemd.code = 0
    metrics.ensure(SERVED, "a 1\n")
    assert systemd.asked[-3:] == START


def test_all_of_it_is_removed(metrics, systemd, tmp_path):
    metrics.remove()
    assert systemd.asked == []
    metrics.ensure(SERVED, "a 1\n")
    metrics.remove()
    assert ("disable", "--now", "docker-registry-metrics.socket") in systemd.asked
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
