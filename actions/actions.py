#!/usr/bin/python3 -IS
"""The door of the charm's actions: Juju calls this file through a link of the action's name."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))

from charms.layer import basic

basic.activate()

from actions.table import ACTIONS

if __name__ == "__main__":
    basic.run_action(ACTIONS)
