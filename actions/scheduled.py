#!/usr/bin/python3 -IS
"""The door of scheduled actions: a timer calls this file by juju-exec, with the name of the action."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))

from charms.layer import basic

basic.activate()

from actions import scheduled

if __name__ == "__main__":
    sys.exit(basic.run_job(lambda: scheduled.run(sys.argv[1])))
