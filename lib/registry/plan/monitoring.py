"""What the agent of cos-agent scrapes: where, and what the charm itself has to say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from registry.formats import addresses, certificates, cos
from registry.formats.exporter import Exporter, Sample
from registry.options.options import Options
from registry.release import advisories
from registry.release.container import DEBUG_PORT
from registry.release.release import Release

LOOPBACK = "127.0.0.1"


def exporter(release: Release) -> Exporter | None:
    """Return how the charm serves its metrics; None while the registry of *release* serves no metrics."""
    inner = str(DEBUG_PORT)
    if inner not in release.container.ports:
        return None
    port = release.container.ports[inner]
    host = release.container.addresses.get(inner, LOOPBACK)
    host = LOOPBACK if host == "0.0.0.0" else "::1" if host == "::" else host  # noqa: S104 - compared only
    return Exporter(
        # After the registry's metrics, so that both move with one option.
        next(one for one in (port + 1, port + 2, port - 1) if one not in (release.port, 65536, 65537)),
        addresses.netloc(None, host, port),
        release.data_folder,
        release.upstream,
        _proxies(release) if release.upstream else {},
    )


def _proxies(release: Release) -> Mapping[str, str]:
    return {name: value for name, value in release.container.environment.items() if name.lower().endswith("_proxy")}


def jobs(served: Exporter) -> tuple[cos.Job, ...]:
    """Return the two programs to scrape."""
    return (
        cos.Job("charm", f"{LOOPBACK}:{served.port}"),
        cos.Job("registry", served.registry),
    )


def samples(
    options: Options,
    release: Release,
    version: str,
    runs: Mapping[str, Mapping[str, Any]],
    *,
    stopped: bool,
    drained: bool,
    low: bool | None,
) -> list[Sample]:
    """Return the charm's metrics; *runs* are the last ones of actions, by name, as `layer.runs` records them.

    *low*: whether the disk with the images is, see `Options.low`.
    """
    return [
        Sample("info", 1, {"version": version}),
        Sample("stopped", int(stopped)),
        Sample("drained", int(drained)),
        *([Sample("pushes_refused", int(low))] if low is not None else []),
        *_of_certificate(release),
        *_of_advisories(advisories.affecting(version, advisories.features(options))),
        *(sample for name, record in runs.items() for sample in _of_runs(name, record)),
    ]


def _of_certificate(release: Release) -> Iterator[Sample]:
    served = certificates.parsed(release.certificate) if release.certificate else []
    for one in served[:1]:
        yield Sample("certificate_not_before_timestamp_seconds", one.begin)
        yield Sample("certificate_not_after_timestamp_seconds", one.end)


def _of_advisories(affecting: Sequence[advisories.Advisory]) -> Iterator[Sample]:
    for one in affecting:
        yield Sample("advisory", 1, {"advisory": one.id, "fixed": one.fixed})


def _of_runs(name: str, record: Mapping[str, Any]) -> Iterator[Sample]:
    if "failed" in record:
        yield Sample("action_success", int(not record["failed"]), {"action": name})
    if "succeeded" in record:
        yield Sample("action_success_timestamp_seconds", record["succeeded"], {"action": name})
