"""The table of actions."""

from __future__ import annotations

from actions import (
    advisories,
    backup,
    catalog,
    check_storage,
    client_config,
    delete_image,
    drain,
    export_images,
    garbage_collect,
    import_images,
    machine,
    mirror,
    move,
    prune,
    push,
    recorded,
    results,
    service,
    verify,
)

ACTIONS = {
    name: results.reported(recorded.recorded(name, action))
    for name, action in {
        "advisories": advisories.show,
        "backup": backup.backup,
        "catalog": catalog.catalog,
        "check-storage": check_storage.check_storage,
        "clean-containers": machine.clean_containers,
        "clean-images": machine.clean_images,
        "client-config": client_config.client_config,
        "delete-image": delete_image.delete_image,
        "drain": drain.drain,
        "export": export_images.export_images,
        "garbage-collect": garbage_collect.garbage_collect,
        "images": machine.images,
        "import": import_images.import_images,
        "mirror": mirror.mirror,
        "move": move.move,
        "prune": prune.prune,
        "push": push.push,
        "restore": backup.restore,
        "resume": drain.resume,
        "rmi": machine.rmi,
        "start": service.start,
        "stop": service.stop,
        "upgrade-docker": service.upgrade_docker,
        "verify": verify.verify,
    }.items()
}
"""Name of the action, as in actions.yaml, to what it does."""
