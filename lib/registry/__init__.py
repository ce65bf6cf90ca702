"""The registry, without Juju.

Pure modules turn values into values and import no more than the standard library and PyYAML: addresses,
archive (of bytes that it is given), configuration, container, daemon, image, options, plan. The edges do
things: applied (folders on the unit), engine (Docker), api (HTTP), packages (apt), switch (from one container
to the next, through engine and api). Edges import pure modules, never the other way; nothing here knows Juju.
"""
