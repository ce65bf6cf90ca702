"""What `make faults` kills, does at random, and shortens."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "faults"))

import operations
import tracing

TRACE = """\
write(1<pipe:[7]>, "printed", 7) = 7
write(3</etc/a>, "x", 1) = 1
unlink("/none") = -1 ENOENT (No such file or directory)
--- SIGCHLD {si_signo=SIGCHLD} ---
sendto(4<socket:[9]>, "GET /version HTTP/1.1"..., 148, 0, NULL, 0) = 148
sendto(4<socket:[9]>, "POST /v1.41/containers/registry/start HTTP/1.1"..., 192, 0, NULL, 0) = 192
rename("/lib/__pycache__/a.1", "/lib/__pycache__/a") = 0
vfork() = 12
"""


def test_points_are_what_changes_something_and_are_counted_with_what_does_not():
    expected = [("write", 2), ("sendto", 2), ("vfork", 1)]
    assert tracing.points(TRACE) == expected
    of_two_threads = "\n".join(f"{thread}   {line}" for thread in (41, 42) for line in TRACE.splitlines())
    assert tracing.points(of_two_threads) == expected


def test_every_beginning_of_the_points_is_spread_over_all():
    found = tracing.spread(list(range(100)))
    assert sorted(found) == list(range(100))
    assert {number // 10 for number in found[:16]} == set(range(10))


def test_random_operations_are_those_of_their_seed():
    some = operations.generate(7, 200)
    assert operations.generate(7, 50) == some[:50]
    assert {kind for kind, _ in some} == {kind for kind in operations.KINDS if kind != "wrong"}
    assert operations.generate(8, 200) != some


def test_a_failure_is_shortened_to_what_it_needs():
    some = operations.generate(7, 64)
    needed, tried = [some[3], some[40]], []

    def fails(part):
        tried.append(part)
        return all(one in part for one in needed)

    assert operations.shorten(some, fails, lambda: True) == needed
    assert len(tried) < 60
    tried.clear()
    assert fails(operations.shorten(some, fails, lambda: len(tried) < 5))
    assert len(tried) == 6
