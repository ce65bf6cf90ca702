"""What keeps the options from being applied, and what an operator has to mind although they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from registry.options import storage
from registry.options.options import Options
from registry.plan import certificate
from registry.plan.facts import Facts

BUCKET_GONE = (
    "s3-credentials: it gives no bucket any more. Relate it again, set storage-s3-..., or have the images on this "
    "unit's disk by `juju run {unit} start`."
)


def sentences(problems: Mapping[str, str]) -> tuple[str, ...]:
    """Return a sentence for each option, sorted: its name and the clause for what is wrong with it."""
    return tuple(sorted(f"{option}: {clause}." for option, clause in problems.items()))


def warnings(options: Options, facts: Facts) -> tuple[str, ...]:
    """Return a sentence for each thing to mind while all options are applied."""
    generation = facts.image.generation if facts.image else 0
    left_out = [*options.cache.ignored(generation), *options.storage.ignored(generation)]
    found = [*_warnings_of_clients(options, facts)] if facts.clients else []
    if facts.peers and not options.storage.is_shared and not options.cache.remoteurl:
        found.append(
            "Each unit keeps its images on its own disk, so what is pushed to one is not on the others: set "
            "storage-s3-... or storage-swift-..., or remove the other units."
        )
    if not options.storage.is_shared:
        found += filter(None, [facts.disk.unused(facts.data_folder, facts.unit)])
    if options.storage.relation == storage.OVERRIDDEN:
        found.append("The options storage-... say where the images are, not s3-credentials.")
    if facts.image and left_out:
        found.append(f"{', '.join(left_out)}: left out, because the registry {facts.image.version} does not know it.")
    return tuple(found)


def _warnings_of_clients(options: Options, facts: Facts) -> Iterator[str]:
    asked = options.authentication
    if asked.users and not asked.password:
        yield (
            "Clients over the relation docker-registry get no credentials: set auth-basic-password, "
            "and auth-basic-user with it."
        )
    encrypted = facts.offer is not None or certificate.is_requested(options.tls, facts.tls_files)
    if not encrypted and not (options.website.terminates and facts.proxies):
        yield (
            "Clients that run containerd take nothing by plain HTTP: relate a CA to cert-provider, "
            "or set tls-cert-blob."
        )


def circumstances(options: Options, facts: Facts) -> tuple[str, ...]:
    """Return a sentence for each thing on the machine or around it that keeps the options from being applied."""
    found = list(facts.errors)
    if facts.image is not None:
        refused = options.storage.unsupported(facts.image.generation)
        found += (f"{option}: {clause}." for option, clause in sorted(refused.items()))
    if facts.current and facts.current.has_bucket_of_relation and not (options.storage.is_shared or facts.on_disk):
        found.append(BUCKET_GONE.format(unit=facts.unit))
    # A container that is paused or restarting holds its port too. One that is there before anything was applied is
    # the predecessor's, which is about to be replaced.
    alive = facts.container is not None and facts.container.is_started
    for option, port, held in (
        ("registry-port", options.registry_port, facts.port_held),
        *(("debug-port", port, facts.debug_port_held) for port in options.monitoring.ports.values()),
    ):
        ours = alive and (facts.current is None or port in facts.current.container.ports.values())
        if held and not ours:
            found.append(
                f"{option}: {port} is in use by another program of this machine; free it or choose another port."
            )
    if facts.name_taken:
        found.append(
            f"registry-name: there is a container {options.registry_name!r} that this charm did not make; "
            "remove it or choose another name."
        )
    return tuple(found)
