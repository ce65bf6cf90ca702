"""The table of actions."""

from __future__ import annotations

from actions import (
    backup,
    catalog,
    client_config,
    delete_image,
    drain,
    garbage_collect,
    machine,
    mirror,
    prune,
    push,
    results,
    service,
)

ACTIONS = {
    name: results.reported(action)
    for name, action in {
        "backup": backup.backup,
        "catalog": catalog.catalog,
        "clean-containers": machine.clean_containers,
        "clean-images": machine.clean_images,
        "client-config": client_config.client_config,
        "delete-image": delete_image.delete_image,
        "drain": drain.drain,
        "garbage-collect": garbage_collect.garbage_collect,
        "images": machine.images,
        "mirror": mirror.mirror,
        "prune": prune.prune,
        "push": push.push,
        "restore": backup.restore,
        "resume": drain.resume,
        "rmi": machine.rmi,
        "start": service.start,
        "stop": service.stop,
        "upgrade-docker": service.upgrade_docker,
    }.items()
}
"""Name of the action, as in actions.yaml, to what it does."""
