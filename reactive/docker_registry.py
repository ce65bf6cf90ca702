"""What the charm does: the decorators say when, the body says what. The verbs are in charms.layer.

All handlers that match run in every hook, in no order but one: a flag that is set in one round is seen in the next.
So a handler that waits for a flag runs after all that could run without it.

Kept flag                           | set by              | cleared by                  | read by
charm.docker-registry.refreshed     | look_up_image_again | ensure_image                | ensure_image
charm.docker-registry.stopped       | action stop         | action start                | compare
charm.docker-registry.drained       | action drain        | action resume               | compare
charm.docker-registry.joined        | meet_peers          | nobody                      | publish_*
charm.docker-registry.occupied      | begin               | begin                       | report_owner, managed
charm.docker-registry.leaving       | begin               | nobody                      | serve_until_removed, managed
charm.docker-registry.removed       | remove              | nobody                      | managed
charm.docker-registry.configured    | the predecessor     | remove_predecessor_files    | remove_predecessor_files
charm.docker-registry.tls-enabled   | the predecessor     | take_over_certificate_files | compare
upgrade.series.in-progress          | charms.reactive     | charms.reactive             | wait_for_series_upgrade

Flag that follows Juju              | set while
endpoint.cert-provider.connected    | TLS is available from a CA: the relation exists
endpoint.website.connected          | a proxy has joined: the relation exists; likewise for each endpoint
leadership.set.http-secret          | the leader's data have the secret

Flag of this hook                   | set by                 | when
docker.available                    | ensure_docker          | Docker answers, set up as requested, no crash to clean up
docker-registry.image.checked       | ensure_image           | the image was looked for, whether it exists or not
docker-registry.outdated            | compare                | configuration changed, or the container differs from it
docker-registry.paused              | compare                | it may not run: stopped, or its disk is unavailable
docker-registry.deployed            | compare, deploy, pause | a release is current
charm.docker-registry.on-disk       | action start           | the operator accepts the disk that is there now

`begin` clears the flags of this hook at its start, and none is saved. The last one is set before that, and lasts as
long as the action. A handler waits for one of them, never for its absence: that holds at the start of every hook.
"""

from charmhelpers.core import hookenv
from charms import reactive
from charms.layer import (
    docker_registry,
    image,
    juju_storage,
    monitoring,
    owner,
    predecessor,
    publish,
    schedules,
    tls_client,
)

hookenv.atstart(docker_registry.begin)

managed = reactive.when_not(
    "upgrade.series.in-progress",
    "charm.docker-registry.occupied",
    "charm.docker-registry.leaving",
    "charm.docker-registry.removed",
)


# What only one hook says


@reactive.hook("upgrade-charm")
def look_up_image_again():
    reactive.set_flag("charm.docker-registry.refreshed")


@reactive.hook("registry-data-storage-attached")
def use_storage():
    juju_storage.attach()


@reactive.hook("registry-data-storage-detaching")
def release_storage():
    juju_storage.detach()


@reactive.hook("stop")
def remove():
    docker_registry.remove()
    reactive.set_flag("charm.docker-registry.removed")


# While nothing is changed


@reactive.when("upgrade.series.in-progress")
def wait_for_series_upgrade():
    docker_registry.report_series_upgrade()


@reactive.when("charm.docker-registry.occupied")
@reactive.when_not("charm.docker-registry.removed")
def report_owner():
    owner.report()


@reactive.when("charm.docker-registry.leaving")
@reactive.when_not("charm.docker-registry.removed")
def serve_until_removed():
    docker_registry.report_leaving()


# Round 1: what a release is made of


@managed
def ensure_docker():
    docker_registry.ensure_docker()  # -> docker.available


@reactive.when_not("leadership.set.http-secret", "charm.docker-registry.removed")
def share_secret():
    docker_registry.share_secret()  # -> leadership.set.http-secret, on the leader


@managed
@reactive.when_not("leadership.set.http-secret")
def await_secret():
    docker_registry.await_secret()  # "Waiting for the leader ..."


@managed
@reactive.when_not("charm.docker-registry.joined")
def meet_peers():
    publish.meet_peers()  # -> charm.docker-registry.joined


@managed
def write_certificate_files():
    tls_client.write_files()


@managed
@reactive.when("endpoint.cert-provider.connected")
def request_certificate():
    tls_client.request_certificate()


@managed
@reactive.when_not("endpoint.cert-provider.connected")
def forget_certificate_request():
    tls_client.forget_request()


@managed
@reactive.when("endpoint.s3-credentials.connected")
def request_bucket():
    publish.request_bucket()


@managed
@reactive.when("endpoint.receive-ca-certs.connected")
def request_cas():
    publish.request_cas()


@managed
def ensure_schedules():
    schedules.ensure()


@managed
@reactive.when_not("endpoint.nrpe-external-master.connected")
def remove_checks():
    publish.remove_checks()


@managed
@reactive.when_not("endpoint.cos-agent.connected")
def remove_metrics():
    monitoring.remove()


# Rounds 2 and 3: the image, and what is to be done


@reactive.when("docker.available")
def ensure_image():
    image.ensure()  # -> docker-registry.image.checked


@reactive.when("docker-registry.image.checked", "leadership.set.http-secret")
def compare():
    docker_registry.compare()  # -> docker-registry.outdated, .paused or .deployed


# Round 4: it is done


@reactive.when("docker-registry.outdated")
def deploy():
    docker_registry.deploy()  # -> docker-registry.deployed


@reactive.when("docker-registry.paused")
def pause():
    docker_registry.pause()  # -> docker-registry.deployed


# Last round: the result is published


@reactive.when("docker-registry.deployed", "endpoint.peer.connected")
def publish_peer():
    publish.peer()


@reactive.when("docker-registry.deployed", "endpoint.website.connected", "charm.docker-registry.joined")
def publish_service():
    publish.service()


@reactive.when("docker-registry.deployed", "endpoint.haproxy-route.connected", "charm.docker-registry.joined")
def publish_http_route():
    publish.http_route()


@reactive.when("docker-registry.deployed", "endpoint.haproxy-route-tcp.connected", "charm.docker-registry.joined")
def publish_tcp_route():
    publish.tcp_route()


@reactive.when("docker-registry.deployed", "endpoint.docker-registry.connected", "charm.docker-registry.joined")
def publish_access():
    publish.access()


@reactive.when("docker-registry.deployed", "endpoint.send-ca-cert.connected", "charm.docker-registry.joined")
def publish_ca():
    publish.ca()


@reactive.when("docker-registry.deployed", "endpoint.nrpe-external-master.connected")
def publish_checks():
    publish.checks()


@reactive.when("docker-registry.deployed", "endpoint.cos-agent.connected")
def publish_monitoring():
    monitoring.publish_config()


@reactive.when("docker-registry.deployed", "endpoint.cert-provider.connected")
def take_over_certificate_files():
    predecessor.take_over_certificate_files()


@reactive.when("docker-registry.deployed", "charm.docker-registry.configured")
def remove_predecessor_files():
    predecessor.remove_files()
