"""A `juju` command for one machine: a model whose machines are Docker containers that run systemd.

`cli` finds a verb in `verbs` and gives it a `session`. `operations`, `matching`, `secret` and `storage` change the
`model`, which consists of `records` and is kept by `store`. `resolver` says which hook a unit runs next; `agent` runs
it in a `process` whose `hooktools` read and write a `context`. `provisioner` makes and watches machines through
`host`, of which `machine` is the real one. Nothing here knows any charm. No module imports one that imports it.
"""

VERSION = "3.6.9"
"""The version of Juju that localjuju behaves like, and reports to charms (JUJU_VERSION, jujud) and clients."""


class JujuError(Exception):
    """What was asked for cannot be done; the text is a sentence for the operator, printed after `ERROR `."""

    def __init__(self, message: str, code: int = 1):
        super().__init__(message)
        self.code = code
        """The exit code of the command: 1, or 2 for a misused hook tool, as in Juju."""
