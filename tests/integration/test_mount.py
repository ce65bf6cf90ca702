"""The operator's own disk at /srv/registry: mounted after Docker at boot, gone, back; the tests run in order."""

import base64

import pytest
from test_disk import push, ready, serves_the_image
from unit import Unit

MOUNT = """
# Later than Docker, as NFS and iSCSI are.
[Unit]
After=late-disk.service docker.service
Requires=late-disk.service
[Mount]
What=/mnt/disk
Where=/srv/registry
Type=none
Options=bind
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
    unit.exec("docker stop registry; mkdir -p /mnt/disk && cp -a /srv/registry/. /mnt/disk/ && rm -rf /srv/registry/*")
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
