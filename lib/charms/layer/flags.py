"""The names of the flags that more than one module needs. reactive/docker_registry.py explains each."""

from __future__ import annotations

STOPPED = "charm.docker-registry.stopped"
DRAINED = "charm.docker-registry.drained"
ON_DISK = "charm.docker-registry.on-disk"
REFRESHED = "charm.docker-registry.refreshed"
JOINED = "charm.docker-registry.joined"
LEAVING = "charm.docker-registry.leaving"
OCCUPIED = "charm.docker-registry.occupied"
PREDECESSOR = "charm.docker-registry.configured"
PREDECESSOR_TLS = "charm.docker-registry.tls-enabled"

DOCKER = "docker.available"
IMAGE_CHECKED = "docker-registry.image.checked"
OUTDATED = "docker-registry.outdated"
PAUSED = "docker-registry.paused"
DEPLOYED = "docker-registry.deployed"

OF_THIS_HOOK = (DOCKER, IMAGE_CHECKED, OUTDATED, PAUSED, DEPLOYED)
"""Flags that say what this hook has read and done. They are cleared at its start: a killed hook leaves them."""
