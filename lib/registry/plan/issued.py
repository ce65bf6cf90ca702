"""What a CA has issued, as the files that the registry and its clients have."""

from __future__ import annotations

from registry.formats import certificates
from registry.formats.certificates import BadCertificates
from registry.formats.relations import Certificate
from registry.options.tls import READ


def files(answer: Certificate) -> dict[str, str]:
    """Return the files for a CA's *answer*, by kind. Raises BadCertificates."""
    try:
        between = certificates.chain(answer.chain)
    except BadCertificates:
        between = ""  # if it is necessary, the examination says what is missing
    # Its own may be an intermediate certificate: clients get its root too, as not all trust an intermediate one alone.
    ca = certificates.chain(answer.ca, certificates.roots(between))
    served = certificates.chain(answer.certificate, between, certificates.roots(answer.ca, without=True))
    # The registry's certificate may be self-signed.
    served = certificates.roots(served, without=True) or certificates.chain(answer.certificate)
    return {kind: READ[kind](pem) for kind, pem in {"ca": ca, "cert": served, "key": answer.key}.items()}
