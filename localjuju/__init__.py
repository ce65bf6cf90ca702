"""A `juju` command for one machine: a model whose machines are Docker containers that run systemd.

`cli` reads the command line, `operations` changes the model, `agent` runs the hooks that follow from it, in
a `machine`, with `hooktools` answering what a hook asks of its `context`. `model` is plain data, kept by
`store`. Nothing here knows any charm. Arrows point from `cli` down to `model`, never back.
"""

VERSION = "3.6.9"
"""The version of Juju whose behaviour is followed, told to charms (JUJU_VERSION, jujud) and to clients."""


class JujuError(Exception):
    """What was asked for cannot be done; the text is a sentence for the operator, printed after `ERROR `."""

    def __init__(self, message: str, code: int = 1):
        super().__init__(message)
        self.code = code
        """The exit code of the command: 1, or 2 for a misused hook tool, as in Juju."""
