"""Handlers, a sentence each. What they do is in charms.layer.docker_registry.

Flag                                       | set by                  | cleared by
charm.docker-registry.refreshed            | upgrade-charm           | converge, once the image was looked up again
charm.docker-registry.stopped              | action stop             | action start
charm.docker-registry.on-disk              | action start            | action start
charm.docker-registry.live-restore.loaded  | an older charm          | converge, once it is in dockerd's record
charm.docker-registry.live-restore.refused | an older charm          | converge, once it is in dockerd's record
charm.docker-registry.joined               | converge                | nobody
charm.docker-registry.leaving              | converge                | nobody
charm.docker-registry.removed              | stop hook               | nobody
charm.docker-registry.configured           | the predecessor         | converge, once this charm serves
charm.docker-registry.tls-enabled          | the predecessor         | converge, once the files are its own no more
"""

from charms import reactive
from charms.layer import docker_registry, status


@reactive.hook("upgrade-charm")
def look_the_image_up_again():
    reactive.set_flag(docker_registry.REFRESHED)


@reactive.hook("stop")
def remove():
    reactive.set_flag("charm.docker-registry.removed")
    docker_registry.remove()


@reactive.hook("registry-data-storage-attached")
def take_storage():
    docker_registry.attach()


@reactive.hook("registry-data-storage-detaching")
def let_go_of_storage():
    docker_registry.detach()


@reactive.when_not("upgrade.series.in-progress", "charm.docker-registry.removed")
def converge():
    docker_registry.converge()


@reactive.when("upgrade.series.in-progress")
def wait_for_the_series_upgrade():
    status.blocked("Series upgrade in progress: finish it with `juju upgrade-machine ... complete`.")
