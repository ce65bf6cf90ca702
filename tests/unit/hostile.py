"""Values that nobody should set, and what holds whatever is set: nothing is run, injected or shown.

Each value would leave the word INJECTED as a line, a key, a file or a program of its own, if it got that far. What the
charm has written is read back by a parser of its format, and has no part that a harmless configuration has not.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import yaml
from authority import KEY, LEAF
from registry.machine import paths

WORD = "INJECTED"
_SHELL = f"; touch /{WORD}; $(touch /{WORD}) `touch /{WORD}` && touch /{WORD} | sh > /{WORD}"
_DAMAGED = LEAF.replace("MII", "MIJ")

VALUES = {
    "shell": f"x{_SHELL}",
    "shell after a quote": f"x'\"{_SHELL}",
    "line": f"x\n{WORD}: line\n[{WORD}]\n{WORD}=1\n",
    "line after a carriage return": f"x\r\n{WORD}: line\r{WORD}=1",
    "line of unicode": f"x\u2028{WORD}: 1\u2029{WORD}: 2\x85{WORD}: 3\x0b{WORD}: 4\x0c{WORD}: 5",
    "yaml": f'x"\n{WORD}: &a [1]\nmore: *a\n- {{{WORD}: 1}}\n',
    "yaml mapping": f"{WORD}: x\nmore: {{{WORD}: y}}",
    "yaml tag": f"!!python/object/apply:os.system ['touch /{WORD}']",
    "yaml merge": f"a: &a {{{WORD}: x}}\nb:\n  <<: *a",
    "yaml bomb": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{n}: &{n} [{','.join(['*' + p] * 9)}]\n" for p, n in zip("abcdefghi", "bcdefghij", strict=True)),
    "yaml deep": "{a: " * 10_000,
    "yaml deep list": "- " * 10_000,
    "json deep": "[" * 20_000 + "]" * 20_000,
    "json deep object": '{"a":' * 20_000 + "1" + "}" * 20_000,
    "json": f'"}}, "{WORD}": {{"x": "',
    "json object": f'{{"{WORD}": {{"x": NaN}}}}',
    "json number": '{"a": 1e999, "b": ' + "9" * 5000 + "}",
    "haproxy": f"x check\n    server {WORD} 192.0.2.1:80 check\nlisten {WORD}\n    mode tcp",
    "systemd": f'x" "{WORD}=1\nExecStartPre=/bin/{WORD}\n[Install]\nAlias={WORD}.service',
    "systemd expansions": f"%n%h%% ${WORD} ${{{WORD}}} \\\\",
    "systemd continuation": "x\\",
    "nagios": f"x;{WORD}!y|z\n}}\ndefine command {{\n    command_line {WORD}",
    "sources": f"deb http://192.0.2.1/{WORD} stable main\ndeb [trusted=yes] http://192.0.2.1/{WORD} x y",
    "option": "--help",
    "option with a volume": "-v/:/x",
    "option of apt": f"-oDPkg::Pre-Invoke::=touch /{WORD}",
    "option and its end": f"-- --privileged {WORD}",
    "package that is removed": "openssh-server-",
    "path upwards": f"../../../../../../../../{WORD}",
    "path upwards in a name": f"x/../../../../{WORD}",
    "path of root": f"/{WORD}/x",
    "path of a device": "/dev/zero",
    "path of the process": "/proc/self/environ",
    "path in the charm's own": "/etc/docker/registry/../../passwd",
    "url": f"http://user:{WORD}@[::1%25{WORD}]:99999/\r\nHost: {WORD}",
    "url of a file": f"file:///{WORD}",
    "nul": f"x\0{WORD}",
    "escape": f"\x1b[31m{WORD}\x1b[0m\x07\x08",
    "surrogate": f"x\ud800{WORD}\udfff",
    "right to left": f"\u202e{WORD}\u2066x\u061c",
    "unicode": "\ufeffStra\u00dfe\u200b\u6f22\u5b57\U0001f433e\u0301\u0130\u0131",
    "digits of unicode": "\u0665\u0660\u0660\u0660",
    "format": "{0.__class__.__init__.__globals__} {error} %s %(x)s ${x} {{ x }}",
    "long": "x" * 1_000_000,
    "long lines": f"x: {'y' * 90}\n" * 1000,
    "long words": "x " * 50_000,
    "many brackets": "[](){}" * 10_000,
    "deep brackets": "(" * 5000,
    "expression that is too large": "^x{9999999999}",
    "certificate": LEAF,
    "damaged certificate": _DAMAGED,
    "key": KEY,
    "key in base64": base64.b64encode(KEY.encode()).decode(),
    "key after a certificate": LEAF + KEY,
    "certificate with a line": LEAF.replace("\n", f"\n{WORD}: line\n", 1),
    "public key": "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n",
    "request": "-----BEGIN CERTIFICATE REQUEST-----\nMIIBADCBpwIBADAA\n-----END CERTIFICATE REQUEST-----\n",
    "key of PGP": f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ{WORD}\n-----END PGP PUBLIC KEY BLOCK-----\n",
    "many certificates": "-----BEGIN CERTIFICATE-----\n" * 2000,
}

SECRET = KEY.splitlines()[1]
"""A line of the key, which nobody may show whatever option has it."""

PROGRAMS = frozenset({"age", "docker", "gpg", "gpgconf", "openssl"})
"""What hooks and actions start; what follows `--` are names, whatever they look like."""

GOLDEN = pathlib.Path(__file__).parent / "registry/release/golden"


def some(cases: Sequence[Any], most: int = 24) -> Any:
    """Parametrize a test by its `cases`: a part of them, and for `make soak` all."""
    few = cases[:: max(1, len(cases) // most)]
    return pytest.mark.parametrize(
        "cases", [pytest.param(few, id="some"), pytest.param(cases, id="all", marks=pytest.mark.soak)]
    )


@contextlib.contextmanager
def naming(*case: str) -> Iterator[None]:
    """Name the case in the failure of the body: many of them are one test."""
    try:
        yield
    except Exception as error:
        raise AssertionError(f"{case}: {error}") from error


class Injected(AssertionError):
    """A value has had an effect that it should not have."""


class Watch:
    """Notes what this process does beyond its memory, by Python's audit events.

    A hook of those stays for ever, and costs a process a tenth of its time: it begins with the first test that watches,
    and the tests that do are the last ones.
    """

    def __init__(self) -> None:
        self.folders: tuple[str, ...] | None = None
        self.events: list[str] = []
        self.programs: list[list[str]] = []
        self._is_hooked = False

    def _note(self, event: str, args: tuple[Any, ...]) -> None:
        if self.folders is None:
            return
        if (
            event == "open" and isinstance(args[0], str | bytes) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        ) or event in ("os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.chown", "os.truncate"):
            self._require_inside(event, args[0])
        elif event in ("os.rename", "os.link", "os.symlink"):
            self._require_inside(event, args[1])
        elif event in ("os.system", "os.exec", "os.posix_spawn", "exec.shell"):
            self.events.append(f"{event} {args}")

    def _require_inside(self, event: str, path: Any) -> None:
        text = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        unnamed = event == "open" and os.path.isdir(text)  # a temporary file without a name, in this folder
        # A name alone is one in a folder that was opened before.
        relative = "/" not in text or text.startswith("/proc/self/fd/")
        if not (relative or text == "/dev/null" or unnamed or os.path.realpath(text).startswith(self.folders or ())):
            self.events.append(f"{event} {text}")
            raise PermissionError(errno.EPERM, "refused by the test", text)

    @contextlib.contextmanager
    def watching(self, *folders: pathlib.Path) -> Iterator[None]:
        """Require that the body writes to these folders only, and starts no program but those that hooks start."""
        if not self._is_hooked:
            sys.addaudithook(self._note)
            self._is_hooked = True
        self.events, self.programs = [], []
        self.folders = tuple(os.path.realpath(folder) for folder in folders)
        try:
            yield
        finally:
            self.folders = None


WATCH = Watch()


def lines(text: str) -> list[str]:
    """Return the lines as the least careful reader divides a text."""
    return [line.strip() for line in text.splitlines()]


def require_no_line(text: str, of: str) -> None:
    """Raise if a line of *text* begins with what a value wanted to inject."""
    for line in lines(text):
        if line.lstrip("[-# ").startswith((WORD, "ExecStartPre", "listen ", "define command")):
            raise Injected(f"a line of {of}: {line[:200]!r}")


def shape(value: Any, path: str = "") -> set[str]:
    """Return the paths of all keys in *value*."""
    if isinstance(value, dict):
        return set().union(*({f"{path}/{key}"} | shape(inner, f"{path}/{key}") for key, inner in value.items()))
    return set().union(*(shape(inner, path) for inner in value)) if isinstance(value, list) else set()


SHAPES = set().union(*(shape(yaml.safe_load(file.read_text())) for file in GOLDEN.glob("*.yml")))
"""The keys that a config.yml may have."""
SERVICE = {"service_name", "service_host", "service_port", "service_options", "servers", "crts"}
VARIABLES = {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "OTEL_TRACES_EXPORTER", "SSL_CERT_FILE", "SSL_CERT_DIR"}
TARGETS = re.compile("/auth|/etc/docker/registry|/var/lib/registry(/docker-registry-disk-[0-9a-f]+)?")
FILES = re.compile(
    r"/etc/(?:docker/registry/(?:registry\.(?:crt|key)|ca\.crt)|nagios/[\w./-]+)|/var/lib/nagios/export/service__[\w.:@-]+\.cfg"
    r"|/etc/systemd/system/juju-docker-registry-[\w.-]+|/usr/local/lib/nagios/plugins/\w+"
)


def require_unharmed(juju: Any, machine: Any, option: str = "", *, own: tuple[str, ...] = ()) -> None:
    """Raise Injected if something of a hostile value is where it should not be.

    *option* has the value: the keys of daemon.json are its own there. *own* are paths that the operator named.
    """
    state, message = juju.model["status"]
    if state not in ("active", "waiting", "blocked") or len(message) > 1000 or not message.isprintable():
        raise Injected(f"status: {state} {message[:200]!r}")
    for call in juju.calls:
        # What is asked of a secret is its ID, which the other end says.
        for word in call[1:] if call[0] != "secret-get" else ():
            if SECRET in word or (call[0] == "juju-log" and max(map(len, word.split("\n"))) > 1000):
                raise Injected(f"{call[0]} {word[:200]!r}")
            require_no_line(word, call[0])
    require_quiet()
    require_plain_machine(machine, option, own)
    for data in juju.model["relations"].values():
        require_plain_services(data.get("docker-registry/0", {}).get("services"))


def require_quiet() -> None:
    """Require that nothing was written elsewhere, and no program started that a value has a say in."""
    if WATCH.events:
        raise Injected("; ".join(WATCH.events))
    for words in WATCH.programs:
        before = words[: words.index("--")] if "--" in words else words
        if os.path.basename(words[0]) not in PROGRAMS or any(WORD in word and word.startswith("-") for word in before):
            raise Injected(f"program: {words}")


def require_plain_machine(machine: Any, option: str, own: tuple[str, ...]) -> None:
    """Require that the release, the containers, dockerd's settings, files and packages are those of the charm."""
    current = machine.store.current()
    if current is not None:
        require_plain_release(current)
    for name, one in machine.engine.containers.items():
        require_plain_container(one["body"])
        if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", name):
            raise Injected(f"container {name!r}")
    settings = json.loads(machine.dockerd.daemon_json or "{}")
    if not isinstance(settings, dict) or (option != "daemon-opts" and WORD in settings):
        raise Injected(machine.dockerd.daemon_json)
    require_plain_drop_in(machine.dockerd.drop_in or "")
    require_plain_files({**machine.files.texts, **machine.checks.files, **machine.timers.files}, own)
    for call in machine.apt.calls:
        if any(word.startswith("-") or word.endswith("-") for word in map(str, call)):
            raise Injected(f"apt: {call}")


def require_plain_files(texts: dict[str, str], own: tuple[str, ...]) -> None:
    """Require that files are the charm's, or the operator's *own*, and have the lines of one."""
    for path, text in texts.items():
        if not FILES.fullmatch(path) and path not in own:
            raise Injected(f"file {path[:200]!r}")
        if path.endswith(".cfg"):
            require_no_line(text, path)
        if path.endswith((".timer", ".service")):  # systemd knows one line break only
            require_no_line(text.replace("\u2028", " ").replace("\u2029", " "), path)


def require_plain_release(release: Any) -> None:
    """Require that config.yml has the keys of one, and each other file its lines."""
    found = shape(yaml.safe_load(release.config_yml))
    if not found <= SHAPES:
        raise Injected(f"config.yml: {sorted(found - SHAPES)[:5]}")
    for name, text in release.files().items():
        if "/" in name:
            raise Injected(f"file {name!r} of a release")
        if name == "htpasswd" and not all(
            re.fullmatch(r"[^:\s]+:\$2[aby]\$\S{56}", line) for line in text.split("\n") if line
        ):
            raise Injected("htpasswd")
        if name.endswith((".crt", ".pem")):
            require_no_line(text, name)


def require_plain_container(body: Any) -> None:
    """Require that a container has the rights, the command and the variables of a registry's."""
    host = body["HostConfig"]
    if {word.partition("=")[0] for word in body["Env"] if not word.startswith("REGISTRY_")} - VARIABLES:
        raise Injected(f"environment: {body['Env']}")
    if any(WORD in word.partition("=")[0] or "\n" in word or "\0" in word for word in body["Env"]):
        raise Injected(f"environment: {body['Env']}")
    if host["CapDrop"] != ["ALL"] or not host["ReadonlyRootfs"] or host["SecurityOpt"] != ["no-new-privileges"]:
        raise Injected(f"rights: {host}")
    if set(host["CapAdd"]) - {"DAC_OVERRIDE"} or host.get("Privileged") or host.get("Binds"):
        raise Injected(f"rights: {host}")
    if not all(TARGETS.fullmatch(mount["Target"]) for mount in host["Mounts"]):
        raise Injected(f"mounts: {host['Mounts']}")
    if not re.fullmatch(r"[\w:./-]+", body["Image"]) or body["Image"].startswith("-"):
        raise Injected(f"image: {body['Image']!r}")


def require_plain_drop_in(text: str) -> None:
    """Require that systemd reads no more from the drop-in than the charm's own directives."""
    for line in text.split("\n"):
        if line in ("", "# Written by the charm docker-registry.", "[Service]", "ExecStart="):
            continue
        directive, _, value = line.partition("=")
        quoted = re.sub(r'"(?:[^"\\]|\\.)*"', "", value)
        is_plain = not line.endswith("\\") and '"' not in quoted and line.isprintable()
        if directive not in ("Environment", "ExecStart") or not is_plain:
            raise Injected(f"drop-in: {line[:200]!r}")
        if directive == "Environment" and (quoted or not re.match('"(?:HTTP|HTTPS|NO)_PROXY=', value)):
            raise Injected(f"drop-in: {line[:200]!r}")
        if re.search(r"(?<!%)(?:%%)*%(?!%)", value):
            raise Injected(f"drop-in: {line[:200]!r}")


def require_plain_services(text: str | None) -> None:
    """Require that a proxy reads one service with one server from `services`, and no line breaks."""
    for service in yaml.safe_load(text) if text else []:
        (server,) = service["servers"]
        words = [service["service_name"], server[0], server[1], server[3], *service["service_options"]]
        if set(service) - SERVICE or len(server) != 4 or not all(str(word).isprintable() for word in words):
            raise Injected(f"services: {text}")
        if WORD in str(words) or " " in f"{server[0]}{server[1]}":
            raise Injected(f"services: {text}")


def refuse_paths(monkeypatch: Any, *folders: pathlib.Path) -> None:
    """Refuse to write elsewhere than in these folders where the audit events do not show the folder.

    The tests may run as root: what a fault of the charm would replace must still be there afterwards.
    """
    real, inside = paths.located, tuple(os.path.realpath(folder) for folder in folders)

    def located(path: str, *, create: bool = False, for_reading: bool = False) -> Any:
        if not for_reading and not os.path.realpath(path).startswith(inside):
            raise PermissionError(errno.EPERM, "refused by the test", path)
        return real(path, create=create, for_reading=for_reading)

    monkeypatch.setattr(paths, "located", located)


def refuse_programs(monkeypatch: Any, tools: pathlib.Path) -> None:
    """Have no program start but openssl and the hook tools in *tools*: others are not found."""
    real = subprocess.Popen

    def popen(args: Any, *positional: Any, **options: Any) -> Any:
        name = str(args[0] if isinstance(args, list | tuple) else args)
        if os.path.dirname(shutil.which(name) or "") != str(tools):
            WATCH.programs.append([name] if isinstance(args, str) else list(map(str, args)))
            if os.path.basename(name) != "openssl":
                raise FileNotFoundError(2, "No such file or directory", name)
        return real(args, *positional, **options)

    monkeypatch.setattr(subprocess, "Popen", popen)
