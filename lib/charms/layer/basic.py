"""The start and the end of each process of the charm: a hook or an action.

Imports nothing outside the charm's `lib` and the standard library, so that a script can call `activate()` first.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import pkgutil
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from registry.message import Message, Sentence, alone

CHARM = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
"""The charm's folder on the machine."""

Action = Callable[[dict[str, Any]], Mapping[str, str] | None]
"""Takes the action's parameters, as declared in actions.yaml; gives the results, if it has any."""


INTERNAL_ERROR = Message("Internal error", "See `juju debug-log --replay` for its traceback")
"""An action failed in a way that the charm does not expect. Please report it."""


class ActionFailed(Exception):
    """An action cannot do what was requested, or not all of it: then it may have *results*."""

    def __init__(self, sentence: Sentence, results: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.results = results or {}


def activate() -> None:
    """Put the packages that the charm carries on the path: `packages/any`, and those of this architecture."""
    # What is imported is no garbage. To look through all of it, time and again and at the end of the process, would
    # be a fifth of an idle hook.
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)
    trees = ("lib/shims", "packages/any", f"packages/{os.uname().machine}")
    folders = [os.path.join(CHARM, tree) for tree in trees]
    new = [folder for folder in folders if os.path.isdir(folder) and folder not in sys.path]
    if not new:
        return
    # First, because the shims stand in for modules of the standard library, which older Pythons still have.
    sys.path[:0] = new

    import charms

    charms.__path__ = pkgutil.extend_path(charms.__path__, "charms")


def run_hook() -> None:
    """Run the handlers that match, as Juju's hook of this script's name; an exception fails the hook.

    Flags, the status and relation data count only if the hook succeeds.
    """
    activate()
    os.environ.setdefault("JUJU_HOOK_NAME", os.path.basename(sys.argv[0]))
    _prepare()

    from charmhelpers.core import hookenv
    from charms import reactive
    from charms.layer import context, database, endpoints, journal, leadership, room

    hookenv.atstart(_forget_old_options)
    hookenv.atstart(leadership.set_flags)
    endpoints.begin(context.machine.records)
    try:
        with room.made(always=False):
            reactive.main()
    except Exception as error:
        if not database.is_full(error):
            raise
        # An error would stop all hooks until somebody resolves it, also the one of an option that frees space.
        hookenv.status_set("blocked", database.not_saved(error))
    finally:
        journal.write()


def run_action(actions: Mapping[str, Action]) -> None:
    """Run the action that Juju requests; its results, or the sentence why it failed, go to Juju.

    Flags, unitdata, relation data and the status work as in a hook. They are kept when the action raises
    ActionFailed, because what was done before is done, and dropped after any other exception. The operator gets
    a sentence about that one; its traceback goes to the log alone, as Juju shows what an action prints.
    """
    activate()
    os.environ["JUJU_HOOK_NAME"] = ""  # the action stop is not the hook stop, and start is not start
    _prepare()

    from charmhelpers.core import hookenv
    from charms.layer import journal

    name = hookenv.action_name() or os.path.basename(sys.argv[0])
    try:
        _run_action(actions[name])
    except Exception:  # the outermost frame, which would print to the operator what belongs in the log
        journal.log(f"Action {name}:\n{traceback.format_exc()}", hookenv.ERROR)
        hookenv.action_fail(alone(INTERNAL_ERROR()))
    finally:
        journal.write()


def run_job(job: Callable[[], int]) -> int:
    """Run what is neither a hook nor an action, in a context of juju-exec; return its exit code."""
    os.environ["JUJU_HOOK_NAME"] = ""
    _prepare()

    from charms.layer import journal

    try:
        with _saved():
            return job()
    finally:
        journal.write()


def _run_action(action: Action) -> None:
    from charmhelpers.core import hookenv

    with _saved():
        try:
            results = action(hookenv.action_get() or {})
        except ActionFailed as failure:
            if failure.results:
                hookenv.action_set(failure.results)
            hookenv.action_fail(failure.sentence)
        else:
            if results:
                hookenv.action_set(results)


@contextlib.contextmanager
def _saved() -> Iterator[None]:
    """Prepare for the body as a hook does, and keep flags, unitdata and what else it changed."""
    from charmhelpers.core import hookenv, unitdata
    from charms.layer import room

    # What charms.reactive does before it looks for handlers: endpoints import their classes from there.
    sys.path.extend([hookenv.charm_dir(), os.path.join(hookenv.charm_dir(), "hooks")])
    hookenv._run_atstart()
    with room.made(always=False):
        yield
        hookenv._run_atexit()
        unitdata.kv().flush()


def run_handlers() -> None:
    """Run the handlers that match, within an action: those of one hook (`reactive.hook`) do not."""
    from charmhelpers.core import hookenv
    from charms.layer import leadership
    from charms.reactive import bus

    bus.discover()
    hookenv._run_atstart()  # what the handlers' modules have asked for
    leadership.set_flags()  # the leader may have shared its secret since the last hook
    bus.dispatch()


def _prepare() -> None:
    """What hooks and actions have in common, before anything of charms.reactive has run."""
    os.environ.setdefault("JUJU_CHARM_DIR", CHARM)
    os.environ.setdefault("CHARM_DIR", os.environ["JUJU_CHARM_DIR"])

    from charmhelpers.core import hookenv, unitdata
    from charms.layer import database, endpoints, journal, relation_list, status

    journal.take_over()
    database.install()
    endpoints.Endpoint.is_anew = unitdata.kv().is_outdated
    # Called in reverse order: after all that may still add to the status.
    hookenv.atexit(status.write)
    hookenv.atexit(database.save)
    _silence_tracer()
    relation_list.take_over()


def _silence_tracer() -> None:
    """Keep the tracer out, which calls juju-log, and tests all handlers, at each change of a flag."""
    from charmhelpers.core import hookenv
    from charms.reactive import trace

    hookenv._atstart[:] = [entry for entry in hookenv._atstart if entry[0] is not trace.install_tracer]


def _forget_old_options() -> None:
    """Drop, after a refresh, the options that config.yaml no longer has: charmhelpers would keep their values."""
    import yaml
    from charmhelpers.core import hookenv

    if hookenv.hook_name() != "upgrade-charm":
        return
    config = hookenv.config()

    with open(os.path.join(os.environ["JUJU_CHARM_DIR"], "config.yaml"), encoding="utf-8") as text:
        declared = yaml.safe_load(text)["options"]
    for name in set(config) - set(declared):
        del config[name]
