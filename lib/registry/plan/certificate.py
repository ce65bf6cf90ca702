"""The certificate that the registry presents: by the options tls-*, or of the CA that the charm is related to."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterable, Mapping

from registry.formats import certificates
from registry.formats.certificates import BadCertificates
from registry.formats.relations import Certificate, Offer
from registry.options.tls import DEFAULT_PATHS, KINDS, READ, Tls, blob_problem
from registry.release import filenames

EXPIRY_DAYS = 14
"""So many days before its end a certificate is a warning, or in the last quarter of its time if that is shorter."""


@dataclasses.dataclass(frozen=True)
class File:
    """What is at a path of the machine; both are None where nothing is."""

    text: str | None = dataclasses.field(default=None, repr=False)
    error: str | None = None
    """A clause for what cannot be read."""


def is_requested(tls: Tls, files: Mapping[str, File]) -> bool:
    """Tell whether the operator asks for TLS by options, or by *files* at their paths."""
    texts = {kind: tls.blobs[kind] or files.get(kind, File()).text for kind in KINDS}
    return bool(tls.paths["cert"]) and _is_begun(tls, files, texts, by_path=True)


@dataclasses.dataclass(frozen=True)
class Chosen:
    """What came of options, files and the relation to a CA."""

    copies: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    """Texts of the files beside config.yml, by name; empty: plain HTTP."""
    problems: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Option, or relation, to a clause."""
    warnings: tuple[str, ...] = ()
    waiting: str = ""
    """A sentence while a certificate is asked for, and there is none yet."""


def choose(
    asked: Tls,
    files: Mapping[str, File],
    before: Mapping[str, str],
    now: float,
    identity: str = "",
    offer: Offer | None = None,
    *,
    inherited: bool = False,
) -> Chosen:
    """Return what to present for the options, the *files* at their paths and the *offer* of a CA; options come first.

    *before* are the files of the release in force: where the file of an operator, or the answer of the CA, has
    vanished, its copy stays. *identity* is the charm's own certificate, which is let in wherever clients have to show
    one. *inherited*: see `are_relations`.
    """
    texts, warnings = _texts(asked, files, before)
    own = asked.paths["cert"] and not are_relations(asked, files, offer, inherited)
    if own and _is_begun(asked, files, texts, by_path=offer is None):
        chosen = _by_options(asked, files, texts, now)
        aside = ("The certificate of the options tls-... serves, not that of cert-provider.",)
        said = (*warnings, *(aside if offer and not chosen.problems else ()), *chosen.warnings)
        chosen = dataclasses.replace(chosen, warnings=said)
    else:
        chosen = _by_relation(offer, before, now)
    if not asked.client_ca or chosen.problems or chosen.waiting:
        return chosen
    if blob_problem("ca", asked.client_ca):
        return dataclasses.replace(chosen, copies={})
    if not chosen.copies:
        # Not left out: the registry would be open to whom it shall be closed.
        alone = "there is no TLS; set tls-cert-blob and tls-key-blob, or copy the files to their paths"
        return dataclasses.replace(chosen, problems={"tls-client-ca-blob": alone})
    clients = certificates.bundle(asked.client_ca) + identity
    return dataclasses.replace(chosen, copies={**chosen.copies, filenames.CLIENT_CA: clients})


def _by_options(asked: Tls, files: Mapping[str, File], texts: Mapping[str, str | None], now: float) -> Chosen:
    problems = _missing(asked, files, texts)
    pems: dict[str, str] = {}
    for kind, text in texts.items():
        try:
            if text is not None:
                pems[kind] = READ[kind](text)
        except BadCertificates as error:
            problems[asked.option(kind)] = f"{asked.paths[kind]}: {error}"
    if problems:
        return Chosen(problems=problems)
    try:
        validity = certificates.examine(pems["cert"], pems["key"], pems.get("ca"))
    except BadCertificates as error:
        wrong = "key" if isinstance(error, certificates.BadKey) else "cert"
        return Chosen(problems={asked.option(wrong): str(error)})
    origin = {kind: asked.source(kind) for kind in sorted(pems)}
    return Chosen(_copies(pems, origin), {}, _times(asked.option("cert"), "put a new one there", validity, now))


def _by_relation(offer: Offer | None, before: Mapping[str, str], now: float) -> Chosen:
    if offer is None:
        return Chosen()
    trouble = f"{filenames.RELATION}: the CA refuses: {offer.refusal.rstrip('.')}" if offer.refusal else ""
    warnings: tuple[str, ...] = ()
    try:
        if offer.certificate is not None:
            pems = _given(offer.certificate)
            validity = certificates.examine(pems["cert"], pems["key"], pems["ca"])
            missing = missing_names(offer.names, validity)
            if missing:
                lacks = f"the certificate does not bear {', '.join(missing)}; clients find it wrong there."
                warnings = (f"{filenames.RELATION}: {lacks}",)
            return _as_given(pems, warnings, validity, now)
    except BadCertificates as error:
        # In the middle of a change, a CA has given one half of the new and one of the old.
        trouble = f"{filenames.RELATION}: {error}"
    if json.loads(before.get(filenames.TLS_SOURCES, "{}")).get("cert") != filenames.RELATION:
        waiting = "Waiting for the CA of cert-provider to send a certificate."
        return Chosen(waiting=f"{trouble}. {waiting}" if trouble else waiting)
    pems = {kind: before[filenames.TLS[kind]] for kind in KINDS}
    waiting = trouble or "Waiting for a new certificate of cert-provider"
    validity = certificates.examine(pems["cert"], pems["key"], pems["ca"])
    return _as_given(pems, (f"{waiting}; the one from before serves.",), validity, now)


def _given(answer: Certificate) -> dict[str, str]:
    """Return what a CA's *answer* makes of the registry, by kind. Raises BadCertificates."""
    # What it calls its own may be one between: then clients are told of its root too, as not all take another for one.
    ca = certificates.chain(answer.ca, certificates.roots(certificates.chain(answer.chain)))
    served = certificates.chain(answer.certificate, answer.chain, certificates.roots(answer.ca, without=True))
    # It may have signed itself what the registry presents.
    served = certificates.roots(served, without=True) or certificates.chain(answer.certificate)
    return {kind: READ[kind](pem) for kind, pem in {"ca": ca, "cert": served, "key": answer.key}.items()}


def _as_given(
    pems: Mapping[str, str], warnings: tuple[str, ...], validity: certificates.Validity, now: float
) -> Chosen:
    times = _times(filenames.RELATION, "have the CA give out a new one", validity, now)
    return Chosen(_copies(pems, dict.fromkeys(KINDS, filenames.RELATION)), {}, (*warnings, *times))


def missing_names(names: Iterable[str], validity: certificates.Validity) -> list[str]:
    """Return those of *names* that a certificate does not bear."""
    return [name for name in names if certificates.canonical(name) not in validity.names]


def are_relations(asked: Tls, files: Mapping[str, File], offer: Offer | None, inherited: bool) -> bool:
    """Tell whether the *files* at the paths are the relation's and not the operator's.

    The predecessor wrote what a CA gave to the paths of the options. *inherited*: it has left its mark that it did;
    else the same certificate tells.
    """
    if offer is None or offer.certificate is None or any(asked.blobs.values()):
        return False
    there = files.get("cert", File()).text
    return there is not None and (inherited or there.strip() == offer.certificate.certificate.strip())


def _copies(pems: Mapping[str, str], origin: Mapping[str, str]) -> dict[str, str]:
    return {
        **{filenames.TLS[kind]: pem for kind, pem in pems.items()},
        filenames.TLS_SOURCES: json.dumps(origin, sort_keys=True) + "\n",
    }


def _texts(
    asked: Tls, files: Mapping[str, File], before: Mapping[str, str]
) -> tuple[dict[str, str | None], tuple[str, ...]]:
    """Return what is there by kind, and a warning for each file of an operator that was there before."""
    sources = json.loads(before.get(filenames.TLS_SOURCES, "{}"))
    texts, warnings = {}, []
    for kind in KINDS:
        file, path = files.get(kind, File()), asked.paths[kind]
        texts[kind] = asked.blobs[kind] or file.text
        if texts[kind] is None and file.error is None and path and sources.get(kind) == path:
            texts[kind] = before[filenames.TLS[kind]]
            warnings.append(
                f"tls-{kind}-path: {path} is gone; the copy from before serves. Put it back, or turn TLS off by "
                "emptying tls-cert-path."
            )
    return texts, tuple(warnings)


def _is_begun(asked: Tls, files: Mapping[str, File], texts: Mapping[str, str | None], *, by_path: bool) -> bool:
    """Tell whether anybody asked for TLS. A path without a file does so if it is not the default, and *by_path*."""
    return any(
        texts[kind] is not None
        or (by_path and asked.paths[kind] != DEFAULT_PATHS[kind])
        or files.get(kind, File()).error
        for kind in ("cert", "key")
    )


def _missing(asked: Tls, files: Mapping[str, File], texts: Mapping[str, str | None]) -> dict[str, str]:
    """Return a clause for each file that is needed and not there, or cannot be read."""
    found = {asked.option(kind): file.error for kind, file in files.items() if file.error and texts[kind] is None}
    for kind in ("cert", "key"):
        if texts[kind] is None and asked.option(kind) not in found:
            where = f"there is no file {asked.paths[kind]}" if asked.paths[kind] else "not set"
            found[asked.option(kind)] = f"{where}; TLS needs a certificate and its key"
    return {option: clause for option, clause in found.items() if clause}


def _times(source: str, remedy: str, validity: certificates.Validity, now: float) -> tuple[str, ...]:
    if now < validity.begin:
        return (f"{source}: the certificate is not valid before {_date(validity.begin)}; look at the machine's clock.",)
    if now >= validity.end:
        return (f"{source}: the certificate is over since {_date(validity.end)}, clients refuse it; {remedy}.",)
    if now > validity.end - min(EXPIRY_DAYS * 86400, (validity.end - validity.begin) / 4):
        return (f"{source}: the certificate is over on {_date(validity.end)}; {remedy}.",)
    return ()


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))
