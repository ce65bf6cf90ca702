"""What stays free of the disk with the images."""

import dataclasses

from registry.options.floor import Floor, Space
from registry.options.options import Options
from test_options import DEFAULTS

GIB = 1 << 30
DISK = Space(size=100 * GIB, free=50 * GIB, left=55 * GIB, inodes=1000, inodes_left=900)


def free(part, inodes=1.0):
    return dataclasses.replace(DISK, free=int(part * DISK.size), inodes_left=int(inodes * 1000))


def test_the_option_is_a_size_a_part_or_off():
    for text in ("", "0", "1%", "50%", "1", "20g", "512M"):
        assert Floor(text).problem() is None
    for text in ("0%", "51%", "05%", "5.5%", "-1%", "%", "20gb", "1t", "-1", "00", "\u0665%", "5 %", "9" * 30, "a\n%"):
        assert "is not an amount of free space" in Floor(text).problem()
    parts = {"": 0.05, "0": 0, "7%": 0.07, "20g": 0.2, "99g": 0.5, "nonsense": 0.05}
    assert {text: Floor(text).part(100 * GIB) for text in parts} == parts
    assert Floor().part(1000 * GIB) == 0.005, "5 GiB"
    assert Floor("20g").part(0) == 0


def test_a_disk_is_low_below_the_floor_and_until_it_has_half_as_much_again():
    for text, space, before, low in (
        ("10%", free(0.11), None, False),
        ("10%", free(0.09), None, True),
        ("10%", free(0.09), False, True),
        ("10%", free(0.11), False, False),
        ("10%", free(0.11), True, True),
        ("10%", free(0.14), True, True),
        ("10%", free(0.16), True, False),
        ("10%", free(0.5, inodes=0.09), False, True),
        ("10%", free(0.5, inodes=0.14), True, True),
        ("10%", dataclasses.replace(DISK, inodes=0, inodes_left=0), False, False),
        ("50%", free(0.76), True, False),
        ("0", free(0), True, False),
        ("0", free(0), None, False),
        # The default counts on a disk that has had enough.
        ("", free(0.01), None, None),
        ("", free(0.01), False, True),
        ("", free(0.06), None, False),
    ):
        assert Floor(text).low(space, before) is low, (text, space, before)


def test_a_reserve_makes_no_disk_low():
    assert (DISK.reserve, Space(GIB, 0, 0, 0, 0).reserve) == (128 << 20, GIB // 100)
    small = Space(GIB, GIB // 2, GIB // 2, 0, 0)
    for space, has_room in (
        (DISK, True),
        (free(0.01), False),
        (small, True),
        (dataclasses.replace(small, free=GIB * 8 // 100), False),
        (Space(0, 0, 0, 0, 0), False),
    ):
        assert Floor().has_room_for_reserve(space) is has_room
    assert not Floor("0").has_room_for_reserve(dataclasses.replace(small, free=GIB // 100))


def test_what_is_free_is_said_in_bytes_or_in_inodes():
    assert free(0.5).words() == "53.7 GB of 107.4 GB"
    assert free(0.5, inodes=0.1).words() == "100 of 1000 inodes"


def test_a_floor_is_for_a_disk():
    for config, reason in (
        ({}, ""),
        ({"cache-remoteurl": "https://example.com"}, "cache-remoteurl is set"),
        ({"storage-s3-bucket": "images", "storage-s3-region": "x"}, "the store of the images is not a disk"),
    ):
        chosen = Options.from_config({**DEFAULTS, **config, "storage-minimum-free": "5%"})
        assert reason in chosen.unused.get("storage-minimum-free", "")
        assert chosen.low(free(0.01), before=False) is (None if reason else True)
        assert "storage-minimum-free" not in Options.from_config({**DEFAULTS, **config}).unused
