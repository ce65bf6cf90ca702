"""The command on a model in a folder of its own, and charms made of a few lines of shell."""

from __future__ import annotations

import json
import stat
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from folder_host import FolderHost

from localjuju import cli
from localjuju.store import Store

HOOKS = ("install", "leader-elected", "config-changed", "start", "update-status", "upgrade-charm", "stop", "remove")
METADATA = {
    "name": "sample",
    "summary": "A sample.",
    "description": "A sample.",
    "peers": {"cluster": {"interface": "cluster"}},
    "provides": {"site": {"interface": "http"}},
    "resources": {"blob": {"type": "file", "filename": "blob.bin"}},
}
CONFIG = {
    "options": {
        "title": {"type": "string", "description": "No default."},
        "port": {"type": "int", "default": 80},
        "ratio": {"type": "float", "default": 0.5},
        "debug": {"type": "boolean", "default": False},
    }
}


@dataclass(frozen=True)
class Done:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Juju:
    """The command, with machines that are folders."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]):
        self.folder, self.capsys = folder, capsys
        self.read = 0

    def __call__(self, *args: str) -> Done:
        self.capsys.readouterr()
        code = cli.main(list(args), FolderHost)
        out, err = self.capsys.readouterr()
        return Done(code, out, err)

    def ok(self, *args: str) -> str:
        """The output of a command that must succeed."""
        done = self(*args)
        assert done.code == 0, done
        return done.out

    def root(self, machine: str = "0") -> Path:
        """The folder that is the machine."""
        return self.folder / "models" / "m" / "machines" / machine / "host"

    def charm_folder(self, unit: str = "sample-0") -> Path:
        return self.root() / f"var/lib/juju/agents/unit-{unit}/charm"

    def said(self, name: str) -> str:
        """What hooks have written to this file of the machine."""
        path = self.root() / "tmp" / name
        return path.read_text() if path.exists() else ""

    def tool(self, command: str, unit: str = "sample/0") -> tuple[int, str, str]:
        """Run a hook tool (a shell command) in the unit's context: code, output, errors."""
        done = self("exec", "--format", "json", "--unit", unit, "--", command)
        results = done.json[unit]["results"]
        return results["return-code"], results.get("stdout", ""), results.get("stderr", "")

    def tools(self, commands: Iterable[str]) -> dict[str, tuple[int, str, str]]:
        """Run many hook tools in one context, in their order: command -> code, output, errors."""
        script = self.folder / "commands.py"
        script.write_text(f"""import json, subprocess
done = {{text: subprocess.run(["bash", "-c", text], capture_output=True, text=True) for text in {list(commands)!r}}}
print(json.dumps({{text: [run.returncode, run.stdout, run.stderr] for text, run in done.items()}}))""")
        answers = json.loads(self.tool(f"{sys.executable} {script}")[1])
        return {text: tuple(answer) for text, answer in answers.items()}

    def story(self) -> list[str]:
        """The hooks that ran since the last time, of all units in their order: unit, hook, other side, who departs."""
        runs = [json.loads(line) for line in Store("m").lines("hooks.jsonl")][self.read :]
        self.read += len(runs)
        words = [
            [run["unit"], run["hook"], run.get("remote"), run.get("departing") and f"departing {run['departing']}"]
            for run in runs
            if run["hook"] != "juju-exec"
        ]
        return [" ".join(filter(None, line)) for line in words]

    def unit(self, name: str = "sample/0") -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self.ok("status", "--format", "json"))
        unit: dict[str, Any] = shown["applications"][name.split("/")[0]]["units"][name]
        return unit

    def ran(self, unit: str = "sample/0") -> list[str]:
        """The hooks that ran, oldest first."""
        return [run["hook"] for run in Store("m").hook_runs(unit)]


MakeCharm = Callable[..., Path]


def charm(
    tmp_path: Path,
    files: Mapping[str, str] | None = None,
    hook: str = "",
    hooks: tuple[str, ...] = HOOKS,
    metadata: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    actions: Mapping[str, Any] | None = None,
    name: str = "sample.charm",
) -> Path:
    """Build a charm: path -> text, `-> target` for a symbolic link; every hook is `hook` unless it is given."""
    content = {
        "metadata.yaml": yaml.safe_dump({**METADATA, **(metadata or {})}),
        "config.yaml": yaml.safe_dump(config or CONFIG),
        "actions.yaml": yaml.safe_dump(dict(actions or {})),
    }
    content |= {f"hooks/{item}": f"#!/bin/bash\n{hook}\n" for item in hooks}
    content |= dict(files or {})
    path = tmp_path / name
    with zipfile.ZipFile(path, "w") as archive:
        for item, text in content.items():
            link = text.startswith("-> ")
            info = zipfile.ZipInfo(item)
            mode = stat.S_IFLNK | 0o777 if link else stat.S_IFREG | (0o755 if text.startswith("#!") else 0o644)
            info.external_attr = mode << 16
            archive.writestr(info, text.removeprefix("-> "))
    return path


def recorder(tmp_path: Path, name: str, does: Mapping[str, str] | None = None, **metadata: Any) -> str:
    """The path of a charm whose hooks all run, for `Juju.story`, and do what `does` has for them: hook -> shell.

    `metadata` has its endpoints: `peers`, `provides`, `requires`.
    """
    files = {
        "dispatch": "#!/bin/sh\n[ ! -e does/$JUJU_HOOK_NAME ] || . ./does/$JUJU_HOOK_NAME",
        **{f"does/{hook}": text for hook, text in (does or {}).items()},
    }
    nothing = {"peers": {}, "provides": {}, "resources": {}}
    path = charm(tmp_path, files, hooks=(), metadata={**nothing, "name": name, **metadata}, name=f"{name}.charm")
    return str(path)
