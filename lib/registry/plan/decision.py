"""The decision of a hook: options and facts to the desired release."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping

from registry.formats import certificates, daemon_effects, htpasswd
from registry.message import Message, Sentence, alone
from registry.options import storage
from registry.options.options import Options
from registry.options.proxies import NO_PROXIES, Proxies
from registry.plan import certificate
from registry.plan.facts import Facts
from registry.plan.problems import circumstances, of_options, sentences, warnings
from registry.release import configuration, container, filenames
from registry.release.drift import Step
from registry.release.image import Image
from registry.release.release import AUTH_FOLDER, Release

BUCKET_AWAITED = Message(
    "Waiting for s3-credentials to send a bucket and its keys", "Check the integrator if this takes minutes"
)
"""The S3 integrator has not sent everything yet. Some wait for their own operator, for example to set the keys."""

ENVIRONMENT = {"OTEL_TRACES_EXPORTER": "none"}
"""Variables for 3.x, which otherwise sends traces to a server that does not exist."""

ALL_ADDRESSES = "0.0.0.0"  # noqa: S104 - of the machine, which clients connect to


@dataclasses.dataclass(frozen=True)
class Plan:
    """The desired state. With problems it is the current release, or none."""

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
    can_fall_back: bool = True
    """The current release may continue where the new one does not serve. False while its disk is unavailable."""
    outdated: tuple[str, ...] = ()
    """Differences from the desired state, a phrase each: then the plan has to be carried out."""

    @property
    def is_paused(self) -> bool:
        """Nothing may run: the operator has stopped the registry, or the disk with its images is unavailable."""
        return not self.serve or bool(self.unavailable)


def decide(options: Options, facts: Facts) -> Plan:
    """Compare the options with the facts; return what is to be done."""
    before = facts.current.others if facts.current else {}
    chosen = certificate.choose(
        options.tls,
        facts.tls_files,
        before,
        facts.now,
        facts.identity,
        facts.offer,
        inherited=facts.tls_inherited,
    )
    files = sentences({option: text for option, text in chosen.problems.items() if option not in options.problems})
    problems = (*of_options(options), *files, *circumstances(options, facts))
    bucket = alone(BUCKET_AWAITED()) if options.storage.relation == storage.AWAITED else None
    waiting = tuple(filter(None, (chosen.waiting, bucket)))
    # A registry that requests TLS does not start without it, nor fall back to that; one that requests an object store
    # does not start on the disk. Otherwise the current release continues.
    stays = facts.current is None or (chosen.waiting and facts.current.scheme == "https")
    if problems or facts.image is None or (waiting and stays):
        release = _with_new_certificate(options, facts.current, chosen)
    else:
        release = _release(options, facts, facts.image, chosen.copies)
    users = _users(options, facts, release)
    return Plan(
        problems,
        release,
        not facts.stopped,
        users,
        warnings(options, facts) + chosen.warnings,
        waiting,
        unavailable=_unavailable(release, facts),
        can_fall_back=not _unavailable(facts.current, facts),
        outdated=tuple(_outdated(release, users, facts)),
    )


def _outdated(release: Release | None, users: str | None, facts: Facts) -> Iterator[str]:
    """Return a phrase for each thing on the machine that differs from *release* and *users*."""
    if release is None:
        return
    if facts.current is None or facts.current.digest != release.digest:
        yield "the configuration changed"
    elif facts.drift.step is not Step.NOTHING:
        yield from facts.drift.reasons
    # A registry without passwords keeps no file of users.
    if facts.users != ((users or facts.users) if release.authentication == "htpasswd" else ""):
        yield "the users changed"


def _unavailable(release: Release | None, facts: Facts) -> Sentence | None:
    """Say so where the disk of *release* is unavailable. A running container still has it, unless Juju detached it."""
    running = facts.container is not None and facts.container.is_running
    mounted = running and facts.disk.attached is not None
    return None if release is None or mounted else facts.disk.unavailable(release.data_folder, facts.unit)


def _with_new_certificate(options: Options, before: Release | None, chosen: certificate.Chosen) -> Release | None:
    """Return the current release with the new certificate: problems elsewhere must not let it expire."""
    if before is None or before.scheme == "http" or not chosen.copies or not options.are_valid("tls-"):
        return before
    if before.asks_for_certificates != (filenames.CLIENT_CA in chosen.copies):
        return before
    others = {name: text for name, text in before.others.items() if name not in filenames.TLS_COPIES}
    return dataclasses.replace(before, others={**others, **chosen.copies})


def _users(options: Options, facts: Facts, release: Release | None) -> str | None:
    """Return the text of the file of users for *release*.

    The users are applied although another option is wrong. While theirs are wrong, the existing ones stay; if those
    are lost, only the charm itself has access.
    """
    if release is None or release.authentication != "htpasswd":
        return None
    authentication = options.authentication
    if authentication.kind == "htpasswd" and options.are_valid("auth-"):
        return htpasswd.text((facts.own, *authentication.members()), authentication.cost, facts.users)
    return None if facts.users else htpasswd.text([facts.own])


def _proxies(options: Options, facts: Facts) -> Proxies:
    """Return the proxies of the registry: its own, else Docker's, else the model's; none if it connects to nothing."""
    if not options.storage.is_shared and not options.cache.remoteurl:
        return NO_PROXIES
    return options.registry_proxies.with_fallback(options.runtime.proxies.with_fallback(facts.model_proxies))


def _release(options: Options, facts: Facts, image: Image, tls_copies: Mapping[str, str]) -> Release:
    authentication = options.authentication
    mounts = []
    if not options.storage.is_shared:
        mounts.append(container.Mount(facts.data_folder, configuration.DATA_FOLDER))
    if authentication.kind == "htpasswd":
        mounts.append(container.Mount(AUTH_FOLDER, configuration.AUTH_FOLDER, read_only=True))
    debug = {str(container.DEBUG_PORT): port for port in options.monitoring.ports.values()}
    where = options.monitoring.debug_address
    ports = {str(container.PORT): options.registry_port, **debug}
    everywhere = ("::" if ":" in facts.address else ALL_ADDRESSES) if facts.published_address else ""
    others = dict(tls_copies)
    if authentication.kind == "token":
        others[filenames.TOKEN_CA] = certificates.bundle(authentication.token.root_certs or "")
    if options.storage.relation == storage.IN_USE:
        others[filenames.STORE] = json.dumps({"source": storage.RELATION}) + "\n"
    environment = {**(ENVIRONMENT if image.generation >= 3 else {}), **_proxies(options, facts).environment()}
    if options.storage.s3.ca:
        others[filenames.STORE_CA] = certificates.bundle(options.storage.s3.ca)
        # Go reads this file in place of the image's bundle, and the image's folder of certificates all the same.
        environment["SSL_CERT_FILE"] = f"{container.CONFIG_FOLDER}/{filenames.STORE_CA}"
    return Release(
        container.ContainerSpec(
            name=options.registry_name,
            image_id=image.id,
            ports=ports,
            addresses={
                **(dict.fromkeys(ports, everywhere) if everywhere else {}),
                **(dict.fromkeys(debug, where) if where else {}),
            },
            mounts=tuple(mounts),
            environment=environment,
            memory=options.limits.memory_bytes,
            nano_cpus=options.limits.nano_cpus,
            log_size=options.limits.log_size,
            log_files=options.limits.log_files,
            docker=daemon_effects.at_creation(options.runtime.requested()),
        ),
        configuration.config_yml(options, facts.http_secret, image.generation, encrypted=bool(tls_copies)),
        others,
    )
