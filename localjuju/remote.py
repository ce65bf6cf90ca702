"""The verbs that reach into machines: actions, commands, files, and what happens to machines themselves."""

from __future__ import annotations

import io
import json
import os
import select
import shlex
import subprocess
import sys
import tarfile
import traceback
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from localjuju import JujuError, actions, modelconfig, operations, store
from localjuju.charm import Charm
from localjuju.cli import Session, verb
from localjuju.machine import Host

Results = dict[str, dict[str, Any]]


@verb("run", "words* --wait= --params= --string-args! --background! --utc! --color! --max-parallel=")
def run(session: Session) -> int:
    """Run an action: UNIT... ACTION [key=value...]."""
    args = session.args
    names = [word for word in args.words if "/" in word and "=" not in word]
    words = args.words[len(names) :]
    if not names or not words:
        raise JujuError("no unit or no action specified", 2)
    model = session.read()
    text = Path(args.params).read_text() if args.params else ""
    given = actions.parse(words[1:], text, args.string_args)
    units = [model.unit(name) for name in names]
    for unit in units:
        charm = Charm(store.blob(model.applications[unit.app].charm))
        if words[0] not in charm.actions:
            raise JujuError(f'action "{words[0]}" not defined for unit "{unit.name}" (not found)')
        params = actions.checked(charm.actions[words[0]], given)

    def work() -> Results:
        with session.changing() as agent:
            agent.drain()
            return {unit.name: agent.run_task(agent.model.unit(unit.name), words[0], params).shown() for unit in units}

    return _report(session, in_background(session, work, args.wait or "60s", ", ".join(u.name for u in units)))


@verb("exec", "-u/--unit= --machine= -a/--application= --wait= --operator! --utc! --parallel= command...")
def execute(session: Session) -> int:
    """Run a shell command on a unit, where hook tools work, or on a machine: --unit U -- COMMAND."""
    args = session.args
    command = " ".join(args.command[1:] if args.command[:1] == ["--"] else args.command)
    if not command or not (args.unit or args.machine or args.application):
        raise JujuError("name a --unit, --application or --machine, and a command", 2)
    model = session.read()
    names = args.unit.split(",") if args.unit else []
    units = [model.unit(name) for name in names] + (model.units_of(args.application) if args.application else [])

    def on_units() -> Results:
        with session.changing() as agent:
            agent.drain()
            return {
                unit.name: agent.run_task(agent.model.unit(unit.name), "juju-exec", {}, command).shown()
                for unit in units
            }

    def on_machine() -> Results:
        host = session.provider(session.store, model, model.machine(args.machine))
        done = host.popen(
            ["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, err = done.communicate()
        results = {"return-code": done.returncode, "stdout": out.decode(), "stderr": err.decode()}
        return {args.machine: {"id": "0", "status": "completed", "results": results}}

    waited = args.wait or "5m"
    return _report(session, in_background(session, on_machine if args.machine else on_units, waited, command))


def in_background(session: Session, work: Callable[[], Results], wait: str, what: str) -> Results:
    """What `work` returns. It runs in a process of its own, which goes on when the time to wait is over, as an
    action does in Juju: JujuError then.
    """
    seconds = modelconfig.seconds(wait)
    log = session.store.folder / "task.err"
    reader, writer = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.setsid()
        with log.open("a") as errors, open(os.devnull) as nothing:
            for stream, descriptor in ((nothing, 0), (errors, 1), (errors, 2)):
                os.dup2(stream.fileno(), descriptor)
        _answer(work, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as answers:
        if not select.select([answers], [], [], seconds)[0]:
            raise JujuError(f"timed out waiting for results from: {what}")
        answer = json.loads(answers.read() or json.dumps({"error": f"the task ended without an answer, see {log}"}))
    os.waitpid(child, 0)
    if "error" in answer:
        raise JujuError(answer["error"])
    return dict(answer["results"])


def _answer(work: Callable[[], Results], writer: int) -> None:
    """The child's part; it never returns."""
    code = 1
    try:
        try:
            answer: dict[str, Any] = {"results": work()}
        except JujuError as error:
            answer = {"error": str(error)}
        with os.fdopen(writer, "w") as file:
            json.dump(answer, file)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _report(session: Session, results: Results) -> int:
    """Print tasks' results as `juju run` does; 1 and a word on standard error when one has failed."""
    if session.args.format:
        session.show(results)
    else:
        for task in results.values():
            _print_plain(task)
    failed = [task for task in results.values() if task["status"] != "completed" or task["results"]["return-code"]]
    if failed:
        lines = "".join(f' - id "{task["id"]}" with return code {task["results"]["return-code"]}\n' for task in failed)
        sys.stdout.flush()
        print(
            f"ERROR the following task failed:\n{lines}\nuse 'localjuju show-task' to inspect the failure",
            file=sys.stderr,
        )
    return 1 if failed else 0


def _print_plain(task: dict[str, Any]) -> None:
    for line in task.get("log", []):
        print(line, file=sys.stderr)
    if task.get("message"):
        print(f"Action id {task['id']} failed: {task['message']}")
    results = {key: value for key, value in task["results"].items() if key not in ("return-code", "stdout", "stderr")}
    if results:
        print(yaml.safe_dump(results, allow_unicode=True), end="")
    for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
        print(task["results"].get(name, ""), end="", file=stream)


@verb("show-task", "task --wait=")
def show_task(session: Session) -> None:
    """Show the result of an action that was run."""
    tasks = session.read().tasks
    if session.args.task not in tasks:
        raise JujuError(f'task "{session.args.task}" not found')
    session.show(tasks[session.args.task].shown())


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
    terminal = not words and sys.stdin.isatty()
    return host.popen(["runuser", "-l", user, *command], tty=terminal, stdin=sys.stdin).wait()


@verb("scp", "--container= --no-host-key-checks! --proxy! words...")
def scp(session: Session) -> None:
    """Copy a file or a folder (-r) to or from a machine: [USER@]TARGET:PATH."""
    source, target = [word for word in session.args.words if not word.startswith("-")][-2:]
    if ":" in target:
        name, _, path = target.partition(":")
        user, host = _target(session, name)
        upload(host, user, Path(source), path)
    else:
        name, _, path = source.partition(":")
        user, host = _target(session, name)
        download(host, user, path, Path(target))


def upload(host: Host, user: str, source: Path, target: str) -> None:
    """Copy to a machine as scp does: into `target` if that is a folder, else to that name."""
    if not source.exists():
        raise JujuError(f'"{source}" not found')
    into = host.output(["runuser", "-l", user, "-c", f"test -d {shlex.quote(target or '.')}"]) is not None
    folder, name = (
        (target or ".", source.name) if into else (str(PurePosixPath(target).parent), PurePosixPath(target).name)
    )
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", dereference=True) as tar:
        tar.add(source, name)
    command = f"tar -x --no-same-owner -C {shlex.quote(folder)}"
    if host.output(["runuser", "-l", user, "-c", command], packed.getvalue()) is None:
        raise JujuError(f'{user} cannot write to "{target}"')


def download(host: Host, user: str, path: str, target: Path) -> None:
    """Copy from a machine as scp does."""
    name = PurePosixPath(path).name
    at = target / name if target.is_dir() else target
    command = f"tar -c -h -C {shlex.quote(str(PurePosixPath(path).parent))} {shlex.quote(name)}"
    process = host.popen(
        ["runuser", "-l", user, "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    packed, said = process.communicate()
    if process.returncode:
        raise JujuError(f'cannot read "{path}": {said.decode().strip()}')
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        for member in tar:
            to = at / PurePosixPath(member.name).relative_to(name)
            content = tar.extractfile(member)
            if content is None:
                to.mkdir(parents=True, exist_ok=True)
            else:
                to.write_bytes(content.read())
                to.chmod(member.mode)


POWER = {"reboot": ["stop", "start"], "stop": ["stop"], "kill": ["crash"], "start": ["start"]}


@verb("machine", "what number other?")
def machine(session: Session) -> None:
    """Beside Juju: reboot, stop, kill (cut the power) or start a machine, also while a hook runs on it; cut or
    join the network between two.
    """
    args, model = session.args, session.read()
    one = model.machine(args.number)
    host = session.provider(session.store, model, one)
    if args.what in ("cut", "join") and args.other:
        other = model.machine(args.other)
        host.listen(other.address, args.what == "join")
        session.provider(session.store, model, other).listen(one.address, args.what == "join")
        return
    if args.what not in POWER or args.other:
        raise JujuError(f"one of {', '.join(POWER)} and a machine, or cut or join and two machines", 2)
    for step in POWER[args.what]:
        getattr(host, step)()
    with session.changing(wait=args.what in ("reboot", "start")):
        pass


@verb("upgrade-machine", "number step base? --force! -y/--yes! --no-prompt!")
def upgrade_machine(session: Session) -> None:
    """Tell the charms of an upgrade: prepare BASE, then complete; no hook runs in between."""
    args = session.args
    if args.step not in ("prepare", "complete") or (args.step == "prepare" and not args.base):
        raise JujuError("usage: upgrade-machine N prepare BASE, upgrade-machine N complete", 2)
    with session.changing() as agent:
        agent.drain()
        found = agent.model.machine(args.number)
        operations.upgrade_machine(agent.model, found, args.step, args.base or "")
        agent.drain()
        if args.step == "prepare":
            found.upgrading = args.base
