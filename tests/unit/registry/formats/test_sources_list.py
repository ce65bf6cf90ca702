"""apt's repositories."""

import pytest
from registry.formats import sources_list

LINE = "deb https://x.example jammy main"


@pytest.mark.parametrize(
    ("line", "signed"),
    [
        (LINE, "deb [signed-by=/k.asc] https://x.example jammy main"),
        ("deb [arch=amd64] http://x ./", "deb [arch=amd64 signed-by=/k.asc] http://x ./"),
        ("deb\thttps://x y  z # see https://y", "deb [signed-by=/k.asc] https://x y  z # see https://y"),
        ("deb [signed-by=/other.gpg] http://x ./", "deb [signed-by=/other.gpg] http://x ./"),
    ],
)
def test_a_line_names_the_file_of_its_key(line, signed):
    source = sources_list.Source(line, "abc")
    assert source.problem() is None
    assert source.signed_by("/k.asc") == signed
    assert source.signed_by(None) == line


@pytest.mark.parametrize(
    "line",
    [
        *("", "https://x", "deb x y z", "deb https://x", f"{LINE}\n{LINE}", "rpm https://x y", f"{LINE} {LINE}"),
        *(LINE.replace(" ", blank) for blank in ("\n", "\u00a0", "\u2003", "\v")),
        *(LINE.replace(" main", f"{blank}main") for blank in ("\n", "\u00a0")),
    ],
)
def test_another_line_is_a_problem(line):
    problem = "the value is not a line of sources.list. Use `deb https://HOST SUITE main`"
    assert sources_list.Source(line).problem() == problem


def test_the_form_of_a_key_is_told():
    assert sources_list.key_suffix(b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n") == ".asc"
    assert sources_list.key_suffix(b"\x99\x01\x0d") == ".gpg"
    assert sources_list.key_suffix(b"<html>") is None


def test_the_mark_differs_with_line_and_key():
    sources = [
        [],
        [sources_list.Source(LINE)],
        [sources_list.Source(LINE, "k")],
        [sources_list.Source(f"{LINE} x", "k")],
    ]
    assert len({sources_list.mark(one) for one in sources}) == 4


def test_passwords_are_left_out():
    assert (
        sources_list.without_passwords("at https://me:hush@x:1/y and http://z")
        == "at https://me:...@x:1/y and http://z"
    )
    assert "hush" not in str(sources_list.Source("deb https://me:hush@x y z"))
