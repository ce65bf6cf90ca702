"""What the predecessor left on the machine, and when it is removed."""

from __future__ import annotations

from charmhelpers.core import hookenv
from charms import reactive
from charms.layer import context, flags, tls_client
from charms.layer.context import reports_errors
from registry.machine.apt import PackageError
from registry.plan import certificate


@reports_errors
def remove_files() -> None:
    """Remove its files for Docker and for the registry, once; what cannot be restored stays."""
    try:
        restored = context.machine.predecessor.remove(context.now.options.runtime.arguments())
        if restored:
            hookenv.log(f"{restored} is restored from its package; Docker uses it from its next start.")
    except PackageError as error:
        hookenv.log(
            f"docker.service stays as the earlier charm wrote it, which is harmless: {error}. "
            "`apt-get install --reinstall` of Docker's package restores it.",
            level=hookenv.WARNING,
        )
    reactive.clear_flag(flags.PREDECESSOR)


@reports_errors
def take_over_certificate_files() -> None:
    """Remove the certificate of the relation from the paths of the options tls-*-path, once the relation's own is used.

    The next certificate would differ from it, and it would be mistaken for the operator's.
    """
    current, options = context.machine.store.current(), context.now.options
    if current is None or not current.has_certificate_of_relation:
        return
    inherited = reactive.is_flag_set(flags.PREDECESSOR_TLS)
    if certificate.are_relations(options.tls, tls_client.read_files(), context.now.offer, inherited):
        for path in options.tls.paths.values():
            context.machine.files.remove(path)
    reactive.clear_flag(flags.PREDECESSOR_TLS)
