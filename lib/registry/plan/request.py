"""What a CA is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from registry.formats import addresses


def certificate_names(
    http_host: str | None, own: Mapping[str, str], hostname: str, proxies: Iterable[str]
) -> tuple[str, ...]:
    """Return the names and addresses that a certificate for this unit has to bear, the common name first.

    *own* are the unit's addresses by endpoint; the one for the CA comes first.
    """
    host = addresses.hostname(http_host) if http_host else None
    first = own.get("cert-provider", own["docker-registry"])
    names = dict.fromkeys(name for name in (first, *own.values(), hostname, host, *proxies) if name)
    # easyrsa makes a file's name and a command of it.
    return tuple(name for name in names if re.fullmatch(r"[\w.:-]+", name, re.ASCII))
