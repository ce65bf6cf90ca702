"""The release that the options ask for on this machine."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from registry.formats import certificates, daemon_effects, no_proxy
from registry.options import storage
from registry.options.options import Options
from registry.options.proxies import NO_PROXIES, Proxies
from registry.plan.facts import Facts
from registry.release import configuration, container, filenames
from registry.release.image import Image
from registry.release.release import AUTH_FOLDER, Release

ENVIRONMENT = {"OTEL_TRACES_EXPORTER": "none"}
"""Variables for 3.x, which otherwise sends traces to a server that does not exist."""

ALL_ADDRESSES = "0.0.0.0"  # noqa: S104 - of the machine, which clients connect to


def _proxies(options: Options, facts: Facts) -> Proxies:
    """Return the proxies of the registry: its own, else Docker's, else the model's; none if it connects to nothing."""
    if not options.storage.is_shared and not options.cache.remoteurl:
        return NO_PROXIES
    proxies = options.registry_proxies.with_fallback(options.runtime.proxies.with_fallback(facts.model_proxies))
    return proxies.with_exceptions(*no_proxy.METADATA)


def _marker(facts: Facts) -> list[container.Mount]:
    """Return the mount that keeps Docker from starting the container, at boot for example, without its disk."""
    if not facts.disk.marker:
        return []
    folders = (facts.data_folder, configuration.DATA_FOLDER)
    source, target = (f"{folder}/{facts.disk.marker}" for folder in folders)
    return [container.Mount(source, target, read_only=True)]


def without_marker(release: Release, facts: Facts) -> Release:
    """Return *release* as an earlier revision of the charm made it."""
    mounts = tuple(mount for mount in release.container.mounts if mount not in _marker(facts))
    return dataclasses.replace(release, container=dataclasses.replace(release.container, mounts=mounts))


def _settings(options: Options, facts: Facts) -> Mapping[str, Any]:
    """Return the settings of Docker that a container takes over when it is created; wrong ones change nothing."""
    if any(options.runtime.settings_problems().values()):
        return facts.current.container.docker if facts.current else {}
    return daemon_effects.at_creation(options.runtime.requested())


def release(options: Options, facts: Facts, image: Image, tls_copies: Mapping[str, str]) -> Release:
    """Return the release for the *options*, all of which are valid, with the certificate in *tls_copies*."""
    authentication = options.authentication
    mounts = []
    if not options.storage.is_shared:
        mounts.append(container.Mount(facts.data_folder, configuration.DATA_FOLDER))
        mounts.extend(_marker(facts))
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
    store_ca = certificates.bundle(options.storage.s3.ca) if options.storage.s3.ca else ""
    is_client = options.storage.is_shared or options.cache.remoteurl
    if trusted := certificates.chain(store_ca, options.trusted_cas if is_client else ""):
        others[filenames.TRUSTED_CA] = trusted
        # Go reads this file in place of the image's bundle, and the image's folder of certificates all the same.
        environment["SSL_CERT_FILE"] = f"{container.CONFIG_FOLDER}/{filenames.TRUSTED_CA}"
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
            log_driver=options.monitoring.log_driver,
            log_size=options.limits.log_size,
            log_files=options.limits.log_files,
            user=facts.user,
            docker=_settings(options, facts),
        ),
        configuration.config_yml(options, facts.http_secret, image.generation, encrypted=bool(tls_copies)),
        others,
    )
