"""Declared, and nothing more: the charm before this one had the endpoint, and Juju refuses a refresh without it."""

from charms.layer import endpoints


class Dockerhost(endpoints.Endpoint):
    """Nothing is written or read."""
