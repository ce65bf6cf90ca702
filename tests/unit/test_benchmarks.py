"""The table and the drawing of the benchmarks: nothing is measured here."""

import importlib.util
from xml.etree import ElementTree

from fake_juju import ROOT

spec = importlib.util.spec_from_file_location("kept", ROOT / "tests/benchmarks/kept.py")
kept = importlib.util.module_from_spec(spec)
spec.loader.exec_module(kept)


def test_a_figure_stands_beside_its_yardstick_and_the_kept_one():
    figures = {
        "hook": kept.figure([3.0, 9.0, 4.0], [2.0, 1.0, 2.0], "s", "bare < hook"),
        "tools": kept.figure([8], [], "", ""),
        "new": kept.figure([1], [0], "", "nothing"),
    }
    _, *rows = kept.rows(figures, {"hook": {"ratio": 4.0}, "tools": {"median": 0}})
    assert rows == [
        ["hook", "4 s", "3 to 9", "2.00", "bare < hook", "4", "-50%"],
        ["tools", "8", "8 to 8", "", "", "0", "+8"],
        ["new", "1", "1 to 1", "", "", "", ""],
    ]
    drawing = ElementTree.fromstring(kept.drawing("Cost", kept.section(figures, kept.machine())))
    assert [one.text for one in drawing.iter() if one.text and "2.00" in one.text] == ["2.00 x bare < hook"]
