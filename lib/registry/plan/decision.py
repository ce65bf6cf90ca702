"""The decision of a hook: options and facts to the desired release."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import starmap

from registry.formats import addresses, htpasswd
from registry.message import Message, Sentence, about, alone
from registry.options import storage
from registry.options.options import Options
from registry.plan import certificate, desired, held
from registry.plan.facts import Facts
from registry.plan.problems import circumstances, hidden_images, of_options, sentences, warnings
from registry.plan.published import client_scheme, terminates
from registry.release.drift import Step
from registry.release.parts import Part, merged
from registry.release.release import Release

BUCKET_AWAITED = Message(
    "Waiting for s3-credentials to send a bucket and its keys", "Check the integrator if this takes minutes"
)
"""The S3 integrator has not sent everything yet. Some wait for their own operator, for example to set the keys."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """The desired state. What has a problem is as in the current release; without one, nothing is desired."""

    problems: tuple[Sentence, ...]
    """What keeps the options from being applied."""
    release: Release | None
    """The desired release; None where nothing was ever applied."""
    serve: bool
    """False while the operator has stopped the registry."""
    users: str | None = dataclasses.field(repr=False)
    """Text of the file of users; None: the existing one stays."""
    warnings: tuple[Sentence, ...] = ()
    """What an operator should know although all options are applied."""
    waiting: tuple[Sentence, ...] = ()
    """What the unit waits for, requested from another application."""
    unavailable: Sentence | None = None
    """Set while the disk with the images of the release is unavailable: then nothing may run."""
    verdicts: htpasswd.Verdicts = dataclasses.field(default_factory=htpasswd.Verdicts)
    """Which of the users need no verification in the next hook."""
    can_fall_back: bool = True
    """The current release may continue where the new one does not serve. False while its disk is unavailable."""
    low: bool | None = None
    """The disk with the images has less free than its floor, so pushes are refused; None where nothing is known."""
    outdated: tuple[str, ...] = ()
    """Differences from the desired state, a phrase each: then the plan has to be carried out."""

    @property
    def is_paused(self) -> bool:
        """Nothing may run: the operator has stopped the registry, or the disk with its images is unavailable."""
        return not self.serve or bool(self.unavailable)


def decide(options: Options, facts: Facts) -> Plan:
    """Compare the options with the facts; return what is to be done."""
    low = options.low(facts.space, facts.was_low)
    current = facts.current.resumed() if facts.current else None
    before = current.others if current else {}
    chosen = certificate.choose(
        options.tls,
        facts.tls_files,
        before,
        facts.now,
        facts.identity,
        facts.offer,
        inherited=facts.tls_inherited,
        names=_names(options, facts),
    )
    files = {option: text for option, text in chosen.problems.items() if option not in options.problems}
    around = circumstances(options, facts)
    hidden = hidden_images(options, facts)
    problems = (*of_options(options), *sentences(files), *facts.errors, *hidden, *starmap(about, around))
    bucket = alone(BUCKET_AWAITED()) if options.storage.relation == storage.AWAITED else None
    waiting = tuple(filter(None, (chosen.waiting, bucket)))
    closed: frozenset[Part] = frozenset()
    if current is not None and hidden:
        release = current
    elif current is not None:
        wrong = [*options.problems, *files, *(option for option, _ in around)]
        release, closed = _partly(options, facts, current, chosen, wrong)
        # Neither other words for the same nor the marker of the disk replace the container of an earlier revision.
        if any(one.is_same(current) for one in (release, desired.without_marker(release, facts))):
            release = current
    elif problems or facts.image is None or waiting:
        # A registry that requests TLS does not start without it; one that requests an object store, not on the disk.
        release = None
    else:
        release = desired.release(options, facts, facts.image, chosen.copies)
    # It refuses pushes for a while only: a wrong option of the storage does not make that last.
    if release is not None and (low or (release.is_shared and facts.collectors)):
        accepts = not release.is_read_only and release.upstream is None  # a cache cannot refuse them
        release = release.refusing_pushes() if accepts else release
    users = _users(options, facts, release)
    return Plan(
        problems,
        release,
        not facts.stopped,
        users,
        warnings(options, facts) + held.warnings(closed) + chosen.warnings,
        waiting,
        unavailable=_unavailable(release, facts),
        verdicts=_verdicts(options, facts, users),
        can_fall_back=not _unavailable(facts.current, facts),
        low=low,
        outdated=tuple(_outdated(release, users, facts)),
    )


def _names(options: Options, facts: Facts) -> list[str]:
    """Return the name at which clients see the registry's certificate; none where TLS ends before it."""
    if terminates(options, facts.proxies):
        return []
    if client_scheme(options, facts.proxies, "https") == "http":
        return []
    host = addresses.hostname(options.http_host) if options.http_host and options.are_valid("http-host") else None
    return [host or next((proxy.address for proxy in facts.proxies), facts.address)]


def _outdated(release: Release | None, users: str | None, facts: Facts) -> Iterator[str]:
    """Return a phrase for each thing on the machine that differs from *release* and *users*."""
    if release is None:
        return
    if facts.disk.is_hidden and release.data_folder == facts.disk.lost:
        return  # only the running container still has the images
    if facts.current is None or facts.current.digest != release.digest:
        yield "the configuration changed"
    elif facts.drift.step is not Step.NOTHING:
        yield from facts.drift.reasons
    elif facts.disk.is_hidden and not facts.disk.lost:
        yield "the disk with the images was mounted after the container was started"
    # A registry without passwords keeps no file of users.
    if facts.users != ((users or facts.users) if release.authentication == "htpasswd" else ""):
        yield "the users changed"


def _unavailable(release: Release | None, facts: Facts) -> Sentence | None:
    """Say so where the disk of *release* is unavailable. A running container still has it, unless Juju detached it."""
    running = facts.container is not None and facts.container.is_running
    if running and release is not None and release.data_folder == facts.disk.lost:
        return None if facts.disk.is_hidden else facts.disk.unavailable(release.data_folder, facts.unit)
    mounted = running and facts.disk.attached is not None
    return None if release is None or mounted else facts.disk.unavailable(release.data_folder, facts.unit)


def _partly(
    options: Options, facts: Facts, current: Release, chosen: certificate.Chosen, wrong: Sequence[str]
) -> tuple[Release, frozenset[Part]]:
    """Return the release with all that can change now, and the parts that stay closed meanwhile."""

    def with_held(parts: frozenset[Part]) -> Release:
        image, copies = held.image(facts, current, parts), held.copies(options, facts, current, chosen, parts)
        return merged(desired.release(held.without(options, parts), facts, image, copies), current, parts)

    parts = held.held_parts(wrong, options, facts, current, chosen)
    release = with_held(parts)
    closed = held.closed(options, current, release, parts, wrong)
    return (with_held(parts | closed) if closed else release), closed


def _users(options: Options, facts: Facts, release: Release | None) -> str | None:
    """Return the text of the file of users for *release*.

    The users are applied although another option is wrong. While theirs are wrong, the existing ones stay; if those
    are lost, only the charm itself has access.
    """
    if release is None or release.authentication != "htpasswd":
        return None
    authentication = options.authentication
    if authentication.kind == "htpasswd" and options.are_valid("auth-"):
        members = (facts.own, *authentication.members())
        return htpasswd.text(members, authentication.cost, facts.users, facts.verdicts)
    return None if facts.users else htpasswd.text([facts.own])


def _verdicts(options: Options, facts: Facts, users: str | None) -> htpasswd.Verdicts:
    if users is None or options.authentication.kind != "htpasswd" or not options.are_valid("auth-"):
        return facts.verdicts
    return facts.verdicts.of((facts.own, *options.authentication.members()), users)
