"""The namespace that the charm shares with charms.reactive, which lies in another folder."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
