"""The verbs that reach a machine as a user of it: ssh and scp."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

from localjuju import transfer
from localjuju.host import Host
from localjuju.session import Session, verb


def _target(session: Session, name: str) -> tuple[str, Host]:
    """The user and the machine of [USER@]TARGET, a unit or a machine."""
    user, _, target = name.rpartition("@")
    model = session.read()
    machine = model.machine(target if target.isdigit() else model.unit(target).machine)
    return user or "ubuntu", session.provider(session.store, model, machine)


@verb("ssh", "--container= --no-host-key-checks! --proxy! --pty= target command...")
def ssh(session: Session) -> int:
    """Run a shell command on a machine as a user of it, `ubuntu` unless USER@ is given; or a shell."""
    user, host = _target(session, session.args.target)
    words = session.args.command
    while words and (words[0] == "--" or words[0].startswith("-")):
        words = words[2 if words[0] in ("-i", "-o", "-p", "-l") else 1 :]
    command = ["-c", " ".join(words)] if words else []
    argv = ["runuser", "-l", user, *command]
    if not words and sys.stdin.isatty():
        return host.popen(argv, tty=True, stdin=sys.stdin).wait()
    # Our own output may be a file: a program that opens /dev/stdout would write over it, through a pipe not.
    process = host.popen(argv, stdin=sys.stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ended = threading.Event()
    streams = ((process.stdout, sys.stdout.buffer), (process.stderr, sys.stderr.buffer))
    passing = [threading.Thread(target=_pass_on, args=(*pair, ended)) for pair in streams]
    for thread in passing:
        thread.start()
    code = process.wait()
    ended.set()
    for thread in passing:
        thread.join()
    return code


def _pass_on(source: IO[bytes], target: IO[bytes], ended: threading.Event) -> None:
    """Copy what comes, at once, until the command has *ended*: what it left behind may hold the stream open."""
    with source, contextlib.suppress(BrokenPipeError):  # nobody reads it any more, and the command is told likewise
        while True:
            is_last = ended.is_set()
            if select.select([source], [], [], 0.1)[0]:
                text = os.read(source.fileno(), 65536)
                target.write(text)
                target.flush()
                if not text:
                    break
            elif is_last:
                break


@verb("scp", "--container= --no-host-key-checks! --proxy! words...")
def scp(session: Session) -> None:
    """Copy files or folders (-r) to or from a machine: [USER@]TARGET:PATH."""
    *sources, target = [word for word in session.args.words if not word.startswith("-")]
    if ":" in target:
        name, _, path = target.partition(":")
        user, host = _target(session, name)
        for source in sources:
            transfer.upload(host, user, Path(source), path)
        return
    for source in sources:
        name, _, path = source.partition(":")
        user, host = _target(session, name)
        transfer.download(host, user, path, Path(target))
