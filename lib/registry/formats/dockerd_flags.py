"""dockerd's command line, and the keys of daemon.json that its arguments are equivalent to.

https://docs.docker.com/reference/cli/dockerd/. Arguments are read as dockerd's parser (pflag) does: a switch takes a
value after "=" only, any other option takes the next word.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

SHORT = dict(
    zip(
        "bDgGhHlpsv",
        (
            *("bridge", "debug", "graph", "group", "help", "host"),
            *("log-level", "pidfile", "storage-driver", "version"),
        ),
        strict=True,
    )
)
SWITCHES = frozenset(
    {
        *("allow-direct-routing", "debug", "experimental", "help", "icc", "init", "ip-forward"),
        *("ip-forward-no-drop", "ip-masq", "ip6tables", "iptables", "ipv6", "live-restore", "no-new-privileges"),
        *("raw-logs", "rootless", "selinux-enabled", "tls", "tlsverify", "userland-proxy", "validate", "version"),
    }
)
KEYS = {
    "add-runtime": "runtimes",
    "insecure-registry": "insecure-registries",
    **{
        name: f"{name}s"
        for name in (
            *("authorization-plugin", "cdi-spec-dir", "default-address-pool", "default-network-opt"),
            *("default-ulimit", "dns-opt", "exec-opt", "feature", "host", "label", "log-opt"),
            *("node-generic-resource", "registry-mirror", "storage-opt"),
        )
    },
}
"""Options that may be repeated have another name in daemon.json; the rest have the same."""
LISTS = frozenset({*KEYS.values(), "allow-nondistributable-artifacts", "dns", "dns-search"})


def split(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield long name and value of each argument in *words*; a switch without a value is ``true``."""
    rest = iter(words)
    for word in rest:
        yield from _read(word, rest)


def _read(word: str, rest: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Yield what is in one *word*, whose value may be the first of the *rest*."""
    if word.startswith("--"):
        name, equals, value = word[2:].partition("=")
        if not equals:
            value = "true" if name in SWITCHES else next(rest, "")
        if name:
            yield name, value
    elif word.startswith("-"):
        yield from _short(word[1:], rest)


def _short(letters: str, rest: Iterator[str]) -> Iterator[tuple[str, str]]:
    while letters:
        name, letters = SHORT.get(letters[0], letters[0]), letters[1:]
        if name in SWITCHES and not letters.startswith("="):
            yield name, "true"
            continue
        yield name, letters.removeprefix("=") or next(rest, "")
        return


def settings(words: Sequence[str]) -> dict[str, Any]:
    """Return the arguments in *words* as settings of daemon.json: what was repeated is a list.

    >>> settings(["--dns", "1.1.1.1", "--icc=false", "-s", "vfs"])
    {'dns': ['1.1.1.1'], 'icc': False, 'storage-driver': 'vfs'}
    """
    found: dict[str, Any] = {}
    for name, value in split(words):
        key = KEYS.get(name, name)
        if key in LISTS:
            found.setdefault(key, []).append(value)
        else:
            found[key] = value.lower() in ("true", "t", "1") if name in SWITCHES else value
    if "features" in found:
        pairs = (feature.partition("=") for feature in found["features"])
        found["features"] = {name: value.lower() not in ("false", "f", "0") for name, _, value in pairs}
    return found


def names(words: Sequence[str]) -> dict[str, str]:
    """Return the name of each option in *words*, by its key in daemon.json."""
    return {KEYS.get(name, name): name for name, _ in split(words)}


def in_both(words: Sequence[str], document: Mapping[str, Any]) -> list[str]:
    """Return the options in *words* that are in daemon.json too: dockerd does not start with those."""
    return [name for key, name in names(words).items() if key in document]


def without(words: Sequence[str], keys: Collection[str]) -> list[str]:
    """Return *words* without the options that are equivalent to *keys* of daemon.json, and without their values.

    >>> without(["--debug", "--data-root", "/x", "--feature=a=true"], ["data-root", "features.a"])
    ['--debug']
    """
    kept, rest = list[str](), iter(words)
    for word in rest:
        group = [word]
        pairs = [(KEYS.get(name, name), value) for name, value in _read(word, _noting(rest, group))]
        both = {key for key, _ in pairs} | {f"{key}.{value.partition('=')[0]}" for key, value in pairs}
        if not both & {*keys}:
            kept += group
    return kept


def _noting(words: Iterator[str], group: list[str]) -> Iterator[str]:
    for word in words:
        group.append(word)
        yield word
