"""The table of actions."""

from __future__ import annotations

from actions import (
    catalog,
    delete_image,
    export_images,
    garbage_collect,
    import_images,
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
        "catalog": catalog.catalog,
        "clean-containers": machine.clean_containers,
        "clean-images": machine.clean_images,
        "delete-image": delete_image.delete_image,
        "export": export_images.export_images,
        "garbage-collect": garbage_collect.garbage_collect,
        "images": machine.images,
        "import": import_images.import_images,
        "mirror": mirror.mirror,
        "prune": prune.prune,
        "push": push.push,
        "rmi": machine.rmi,
        "start": service.start,
        "stop": service.stop,
        "upgrade-docker": service.upgrade_docker,
    }.items()
}
"""Name of the action, as in actions.yaml, to what it does."""
