"""The commands of README.md and docs/, as they stand there: each succeeds, and leaves the unit active."""

import os
import shlex
import shutil
import subprocess

import pytest
import shell_blocks
from deployment import LOCAL, ROOT, command

QUICK = {"README.md"}
"""Pages whose commands take a second or two, for `make test`; the others are for soak."""
TUTORIAL = "docs/tutorial/first-image.md"
SECONDS = 600
CLEANUP = """
trap 'rm -f registry.key registry.crt; localjuju destroy-model demo --no-prompt --force >/dev/null 2>&1 || true' EXIT
"""

JUJU = """#!/bin/sh
if [ "$1" = add-secret ]; then
    {juju} "$@" >last-secret && cat last-secret
    exit
fi
exec {juju} "$@"
"""


def runnable():
    """Return the pages with blocks that are run on the shared unit."""
    for page, blocks in shell_blocks.PAGES.items():
        if page != TUTORIAL and not all(block.needs for block in blocks):
            yield pytest.param(page, marks=[] if page in QUICK else pytest.mark.soak)


class Reader:
    """Somebody who pastes commands in a folder with the charm, an archive of the registry and one of an image."""

    def __init__(self, folder, environment, values):
        self._folder, self._values = folder, values
        self._environment = {**os.environ, **environment}

    def paste(self, text):
        """Run a text as a shell does at a terminal, except that the first failure ends it."""
        for name, value in self._values.items():
            text = text.replace(name, value)
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", text],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}"
        return done.stdout


@pytest.fixture
def reader(unit, charm, archives, small_image, tmp_path):
    folder = tmp_path / "reader"
    folder.mkdir()
    for name, source in (("docker-registry.charm", charm), ("registry-image.tar", archives.registry)):
        (folder / name).symlink_to(source)
    shutil.copyfile(small_image, folder / "small.tar")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "juju").write_text(JUJU.format(juju=shlex.quote(command())))
    (programs / "juju").chmod(0o755)
    newest = '"$(juju ssh docker-registry/0 sudo ls -t /var/lib/docker-registry/output | head -1)"'
    values = {
        "10.0.0.1": unit.address,
        "secret:...": "$(cat last-secret)",
        "<file> > options.yaml": f"{newest} > options.yaml".replace("| head", "| grep options.yaml | head"),
        "<file>": newest,
    }
    environment = {"JUJU_MODEL": unit.juju.model, "PATH": f"{programs}:{os.environ['PATH']}"}
    yield Reader(folder, environment, values)
    unit.juju.config(unit.app, {}, reset=[*unit.juju.config(unit.app)])
    unit.settle()


@pytest.mark.parametrize("page", list(runnable()))
def test_the_commands_of_a_page_succeed(reader, unit, page):
    for block, text in zip(shell_blocks.PAGES[page], shell_blocks.read(page), strict=True):
        if not block.needs:
            reader.paste(block.given)
            reader.paste(text)
            state, message = unit.status(unit.settle())
            assert state == "active", f"{text}\n{message}"


@pytest.mark.soak
def test_the_tutorial(tmp_path):
    """In one shell, as root in the checkout; the model `demo` is one of its own."""
    assert command() == str(LOCAL), "a tutorial of localjuju"
    steps = [CLEANUP]
    for block, text in zip(shell_blocks.PAGES[TUTORIAL], shell_blocks.read(TUTORIAL), strict=True):
        steps.append(f"set +e\n{text}\ntest $? != 0 || exit 99\nset -e\n" if block.fails else text)
    # Where containerd is no service of its own, Docker runs one.
    sockets = [f"/run/{folder}/containerd.sock" for folder in ("containerd", "docker/containerd")]
    containerd = next(filter(os.path.exists, sockets), sockets[0])
    environment = {"XDG_DATA_HOME": str(tmp_path), "CONTAINERD_ADDRESS": containerd}
    Reader(ROOT, environment, {}).paste("\n".join(steps))
