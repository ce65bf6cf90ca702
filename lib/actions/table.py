"""The table of actions."""

from __future__ import annotations

from actions import (
    catalog,
    check_storage,
    delete_image,
    garbage_collect,
    machine,
    mirror,
    move,
    prune,
    push,
    results,
    service,
    verify,
)

ACTIONS = {
    name: results.reported(action)
    for name, action in {
        "catalog": catalog.catalog,
        "check-storage": check_storage.check_storage,
        "clean-containers": machine.clean_containers,
        "clean-images": machine.clean_images,
        "delete-image": delete_image.delete_image,
        "garbage-collect": garbage_collect.garbage_collect,
        "images": machine.images,
        "mirror": mirror.mirror,
        "move": move.move,
        "prune": prune.prune,
        "push": push.push,
        "rmi": machine.rmi,
        "start": service.start,
        "stop": service.stop,
        "upgrade-docker": service.upgrade_docker,
        "verify": verify.verify,
    }.items()
}
"""Name of the action, as in actions.yaml, to what it does."""
