"""The registry, without Juju.

The edges do things: api (HTTP), applied (folders on the unit), archive (files of images), engine (Docker), machine
(the rest of the machine), packages (apt), supply (where the image comes from), switch (from one container to the
next). All other modules are pure: they turn values into values and import no more than the standard library, PyYAML
and bcrypt. Edges import pure modules, never the other way.
"""
