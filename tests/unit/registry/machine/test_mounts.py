"""Where a folder is mounted, from the kernel's text, and whether a process has the same."""

import os

import pytest
from registry.machine.folders import Folders, mount_point

TEXT = r"""22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:26 / /run rw,nosuid - tmpfs tmpfs rw
40 22 8:1 /mnt/disk /srv/registry rw,relatime shared:1 - ext4 /dev/sda1 rw
41 22 0:50 / /srv/registry-data rw - nfs4 server:/export/a\040b rw
42 22 0:51 / /srv/with\040blank\134 rw - nfs4 server:/export rw
43 22 0:52 / /srv rw - tmpfs none rw
"""


@pytest.mark.parametrize(
    ("folder", "point"),
    [
        ("/srv/registry", "/srv/registry"),
        ("/srv/registry/registry", "/srv/registry"),
        ("/srv/registry-data/registry", "/srv/registry-data"),
        ("/srv/registry2", "/srv"),
        ("/srv/with blank\\/registry", "/srv/with blank\\"),
        ("/var/lib/images", "/"),
        ("/", "/"),
    ],
)
def test_a_mount_point(folder, point):
    assert mount_point(folder, TEXT) == point


def test_without_any_mounts_it_is_the_root():
    assert mount_point("/srv/registry", "") == "/"


def test_the_machine_knows_its_own(tmp_path):
    assert str(tmp_path).startswith(Folders().mount_point(str(tmp_path)))


def test_what_a_process_has(tmp_path):
    folders, here = Folders(), str(tmp_path)
    assert not folders.is_hidden(here, os.getpid(), here)
    assert folders.is_hidden(here, os.getpid(), "/")
    assert folders.is_hidden(f"{here}/gone", os.getpid(), here)
    assert not folders.is_hidden(here, os.getpid(), f"{here}/gone")
