"""The certificate that the registry presents: by the options tls-*, or of the CA that the charm is related to."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence

from registry.formats import certificates
from registry.formats.certificates import BadCertificates, Examination
from registry.formats.relations import Offer
from registry.message import Message, Sentence, Text, about, alone, joined
from registry.options.tls import DEFAULT_PATHS, KINDS, READ, Tls, blob_problem
from registry.plan import issued
from registry.plan.validity import name_warnings, validity_warnings
from registry.release import filenames

OVERRIDDEN = Message("the options tls-... take precedence over its certificate", "Reset them or remove the relation")
"""A certificate is configured by options or files, and a CA is related as well."""

TLS_IS_OFF = Message(
    "TLS is off, so clients cannot present certificates",
    "Set tls-cert-blob and tls-key-blob, or copy the files to their paths",
)
"""Client certificates are required, but the registry has no certificate. It does not serve without the check."""

UNUSABLE_FILE = Message("{path}: {reason}")
"""The content of a file that an option tls-...-path names cannot be used; the reason says what to do."""

NO_FILE = Message("there is no file {path}", "Copy it there, or set {option}: TLS needs a certificate and its key")
"""One of certificate and key is configured, and the file of the other one does not exist."""

NO_PATH = Message("not set", "Set it: TLS needs a certificate and its key")
"""One of certificate and key is configured, and the path of the other one is empty."""

FILE_IS_GONE = Message(
    "{path} no longer exists; its copy stays in use", "Restore the file, or empty tls-cert-path to turn TLS off"
)
"""Somebody removed a file of the certificate in use. The registry keeps a copy of it."""

CA_REFUSES = Message("the CA refused the certificate request: {reason}", "Fix it at the CA")
"""The CA answered the request with an error, in its own words."""

CA_AWAITED = Message("Waiting for the CA of cert-provider to send a certificate", "Check the CA if this takes minutes")
"""The CA has not issued the first certificate yet. Some CAs wait for their own operator, for example to be unsealed."""

RENEWAL_AWAITED = Message("waiting for a new certificate", "The previous one stays in use")
"""The CA has not issued the certificate of a new request yet, for example after an address changed."""

PREVIOUS_STAYS = Message("The previous certificate stays in use")
"""The CA refused a request, or what it sent cannot be used; the message before says which, and what to do."""

ALONE = Message(
    "the chain has no certificate of its issuer {issuer}, so clients may reject it",
    "Append the intermediate certificates (fullchain.pem in place of cert.pem), or set tls-ca-blob",
)
"""The file has one certificate, and no CA is configured: only clients that know the issuer accept it."""


@dataclasses.dataclass(frozen=True)
class File:
    """What is at a path of the machine; both are None where nothing is."""

    text: str | None = dataclasses.field(default=None, repr=False)
    error: Text | None = None
    """Why it cannot be read."""


def is_requested(tls: Tls, files: Mapping[str, File]) -> bool:
    """Tell whether the operator requests TLS by options, or by *files* at their paths."""
    texts = {kind: tls.blobs[kind] or files.get(kind, File()).text for kind in KINDS}
    return bool(tls.paths["cert"]) and _is_begun(tls, files, texts, by_path=True)


@dataclasses.dataclass(frozen=True)
class Chosen:
    """The result of options, files and the relation to a CA."""

    copies: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    """Texts of the files beside config.yml, by name; empty: plain HTTP."""
    problems: Mapping[str, Text] = dataclasses.field(default_factory=dict)
    """Option, or relation, to what is wrong."""
    warnings: tuple[Sentence, ...] = ()
    waiting: Sentence | None = None
    """Set while a certificate is requested, and there is none yet."""


def choose(
    tls: Tls,
    files: Mapping[str, File],
    before: Mapping[str, str],
    now: float,
    identity: str = "",
    offer: Offer | None = None,
    *,
    inherited: bool = False,
    names: Sequence[str] = (),
) -> Chosen:
    """Return what to present for the options, the *files* at their paths and the *offer* of a CA.

    Options take precedence. *before* are the files of the current release: where the file of an operator, or the
    answer of the CA, no longer exists, its copy stays. *identity* is the charm's own certificate, which is accepted
    wherever clients must present one. *inherited*: see `are_relations`. *names* are those by which clients are told to
    reach the registry, if it is them that it presents its certificate to.
    """
    texts, warnings = _texts(tls, files, before)
    own = tls.paths["cert"] and not are_relations(tls, files, offer, inherited)
    if own and _is_begun(tls, files, texts, by_path=offer is None):
        chosen = _by_options(tls, files, texts, before, names, now)
        overridden = (about(filenames.RELATION, OVERRIDDEN()),) if offer and not chosen.problems else ()
        chosen = dataclasses.replace(chosen, warnings=(*warnings, *overridden, *chosen.warnings))
    else:
        chosen = _by_relation(offer, before, names, now)
    if tls.client_ca and not (chosen.copies or chosen.problems or chosen.waiting or blob_problem("ca", tls.client_ca)):
        # Not ignored: the registry would admit clients that it must reject.
        return dataclasses.replace(chosen, problems={"tls-client-ca-blob": TLS_IS_OFF()})
    return dataclasses.replace(chosen, copies=with_client_ca(tls, chosen.copies, identity))


def with_client_ca(tls: Tls, copies: Mapping[str, str], identity: str) -> Mapping[str, str]:
    """Return *copies* with the CA of clients' certificates, if there is TLS and the option is valid."""
    valid = copies and tls.client_ca and not blob_problem("ca", tls.client_ca)
    return {**copies, filenames.CLIENT_CA: certificates.bundle(tls.client_ca) + identity} if valid else copies


def _by_options(
    tls: Tls,
    files: Mapping[str, File],
    texts: Mapping[str, str | None],
    before: Mapping[str, str],
    names: Sequence[str],
    now: float,
) -> Chosen:
    problems = _missing(tls, files, texts)
    pems: dict[str, str] = {}
    for kind, text in texts.items():
        try:
            if text is not None:
                pems[kind] = READ[kind](text)
        except BadCertificates as error:
            problems[tls.option(kind)] = UNUSABLE_FILE(path=tls.paths[kind], reason=error.text)
    if problems:
        return Chosen(problems=problems)
    try:
        examination = _examine(pems, before, now)
    except BadCertificates as error:
        wrong = "key" if isinstance(error, certificates.BadKey) else "cert"
        return Chosen(problems={tls.option(wrong): error.text})
    subjects = {kind: tls.option(kind) for kind in KINDS}
    alone = about(subjects["cert"], ALONE(issuer=examination.leaf.issuer_name)) if examination.is_alone else None
    chosen = _presented(examination, pems, {kind: tls.source(kind) for kind in sorted(pems)}, subjects, names, now)
    return dataclasses.replace(chosen, warnings=(*filter(None, [alone]), *chosen.warnings))


def _by_relation(offer: Offer | None, before: Mapping[str, str], names: Sequence[str], now: float) -> Chosen:
    if offer is None:
        return Chosen()
    origin = subjects = dict.fromkeys(KINDS, filenames.RELATION)
    error = CA_REFUSES(reason=offer.refusal.rstrip(".")) if offer.refusal else None
    try:
        if offer.certificate is not None:
            pems = issued.files(offer.certificate)
            return _presented(_examine(pems, before, now), pems, origin, subjects, names, now)
    except BadCertificates as bad:
        # In the middle of a change, a CA has sent one half of the new certificate and one of the old.
        error = bad.text
    subject = filenames.RELATION
    if json.loads(before.get(filenames.TLS_SOURCES, "{}")).get("cert") != filenames.RELATION:
        waiting = alone(CA_AWAITED())
        return Chosen(waiting=joined(about(subject, error), waiting) if error else waiting)
    pems = {kind: before[filenames.TLS[kind]] for kind in KINDS}
    renewal = joined(about(subject, error), alone(PREVIOUS_STAYS())) if error else about(subject, RENEWAL_AWAITED())
    # Its names are those of the previous request: what is awaited has the others.
    chosen = _presented(_examine(pems, before, now), pems, origin, subjects, (), now)
    return dataclasses.replace(chosen, warnings=(renewal, *chosen.warnings))


def _examine(pems: Mapping[str, str], before: Mapping[str, str], now: float) -> Examination:
    """Verify the chain as clients do; in an idle hook, where it is the current one, only what time changes."""
    is_known = all(before.get(name) == pems.get(kind) for kind, name in filenames.TLS.items())
    return certificates.examine(pems["cert"], pems["key"], pems.get("ca"), now, is_known=is_known)


def _presented(
    examination: Examination,
    pems: Mapping[str, str],
    origin: Mapping[str, str],
    subjects: Mapping[str, str],
    names: Sequence[str],
    now: float,
) -> Chosen:
    """Return the files of a chain that clients accept, with warnings about *names* and times."""
    warnings = (
        *name_warnings(subjects["cert"], examination.leaf, names),
        *validity_warnings(subjects, examination, now, has_ca="ca" in pems),
    )
    return Chosen(_copies({**pems, "cert": examination.served}, origin), {}, warnings)


def are_relations(tls: Tls, files: Mapping[str, File], offer: Offer | None, inherited: bool) -> bool:
    """Tell whether the *files* at the paths are the relation's and not the operator's.

    The predecessor wrote the certificate of a CA to the paths of the options. *inherited*: its flag says that it did;
    otherwise the same certificate shows it.
    """
    if offer is None or offer.certificate is None or any(tls.blobs.values()):
        return False
    there = files.get("cert", File()).text
    return there is not None and (inherited or there.strip() == offer.certificate.certificate.strip())


def _copies(pems: Mapping[str, str], origin: Mapping[str, str]) -> dict[str, str]:
    return {
        **{filenames.TLS[kind]: pem for kind, pem in pems.items()},
        filenames.TLS_SOURCES: json.dumps(origin, sort_keys=True) + "\n",
    }


def _texts(
    tls: Tls, files: Mapping[str, File], before: Mapping[str, str]
) -> tuple[dict[str, str | None], tuple[Sentence, ...]]:
    """Return the existing texts by kind, and a warning for each file of an operator that no longer exists."""
    sources = json.loads(before.get(filenames.TLS_SOURCES, "{}"))
    texts, warnings = {}, []
    for kind in KINDS:
        file, path = files.get(kind, File()), tls.paths[kind]
        texts[kind] = tls.blobs[kind] or file.text
        if texts[kind] is None and file.error is None and path and sources.get(kind) == path:
            texts[kind] = before[filenames.TLS[kind]]
            warnings.append(about(f"tls-{kind}-path", FILE_IS_GONE(path=path)))
    return texts, tuple(warnings)


def _is_begun(tls: Tls, files: Mapping[str, File], texts: Mapping[str, str | None], *, by_path: bool) -> bool:
    """Tell whether TLS is requested. A path without a file requests it if it is not the default, and *by_path*."""
    return any(
        texts[kind] is not None or (by_path and tls.paths[kind] != DEFAULT_PATHS[kind]) or files.get(kind, File()).error
        for kind in ("cert", "key")
    )


def _missing(tls: Tls, files: Mapping[str, File], texts: Mapping[str, str | None]) -> dict[str, Text]:
    """Return what is wrong with each file that is needed and does not exist, or cannot be read."""
    problems = {tls.option(kind): file.error for kind, file in files.items() if file.error and texts[kind] is None}
    for kind in ("cert", "key"):
        option, path = tls.option(kind), tls.paths[kind]
        if texts[kind] is None and option not in problems:
            problems[option] = NO_FILE(path=path, option=f"tls-{kind}-blob") if path else NO_PATH()
    return problems
