"""The table of actions."""

from __future__ import annotations

from actions import machine, push, results, service

ACTIONS = {
    name: results.reported(action)
    for name, action in {
        "clean-containers": machine.clean_containers,
        "clean-images": machine.clean_images,
        "images": machine.images,
        "push": push.push,
        "rmi": machine.rmi,
        "start": service.start,
        "stop": service.stop,
        "upgrade-docker": service.upgrade_docker,
    }.items()
}
"""Name of the action, as in actions.yaml, to what it does."""
