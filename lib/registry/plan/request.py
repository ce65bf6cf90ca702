"""The certificate that is requested from a CA."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from registry.formats import addresses, certificates
from registry.formats.certificates import BadCertificates
from registry.formats.relations import Certificate


def certificate_names(
    http_host: str | None, own: Mapping[str, str], hostname: str, proxies: Iterable[str]
) -> tuple[str, ...]:
    """Return the names and addresses that this unit's certificate must be valid for, the common name first.

    *own* are the unit's addresses by endpoint; the one for the CA comes first.
    """
    host = addresses.hostname(http_host) if http_host else None
    first = own.get("cert-provider", own["docker-registry"])
    names = dict.fromkeys(name for name in (first, *own.values(), hostname, host, *proxies) if name)
    # easyrsa makes a file name and a command of it.
    return tuple(name for name in names if re.fullmatch(r"[\w.:-]+", name, re.ASCII))


def is_due(certificate: Certificate, made: float, now: float) -> bool:
    """Tell whether a new certificate must be requested: less than a third of the validity of this one is left.

    At least a third has passed since the last request was *made*, whatever the CA's clock says; or it was made by a
    clock that was ahead.
    """
    try:
        first = next(iter(certificates.parsed(certificate.certificate)), None)
    except BadCertificates:
        first = None
    if first is None:
        return False
    third = (first.end - first.begin) / 3
    return now > first.end - third and not 0 <= now - made <= third
