"""Declared only: the predecessor had the endpoint, and Juju does not refresh to a charm without it."""

from charms.layer import endpoints


class SdnPlugin(endpoints.Endpoint):
    """Publishes and reads nothing."""
