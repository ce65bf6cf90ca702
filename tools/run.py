"""Shows the charm at work on this machine: deploys it, pushes images to it, and pulls them back.

    tools/run.py [UNITS]

Prepares the machine, builds the charm and the images, and deploys to the model `demo` of localjuju. The model keeps
running for further tries; the next run replaces it.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import host
import image_files
import images
from forwarder import forwarded

MODEL = "demo"
APP = "docker-registry"
UNIT = f"{APP}/0"
CHARM = host.CHECKOUT / f"{APP}.charm"
LOCALJUJU = str(host.CHECKOUT / ".venv/bin/localjuju")
ACTIVE_SECONDS = 300
"""How long the unit may take to become active; a new machine installs Docker meanwhile."""

BEGIN = time.monotonic()


def say(text: str) -> None:
    """Print a line of progress with the seconds since the beginning."""
    print(f"[{time.monotonic() - BEGIN:6.1f} s] {text}", flush=True)


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Print the title of a step, and how long it took."""
    say(title)
    begin = time.monotonic()
    yield
    say(f"  done in {time.monotonic() - begin:.1f} s")


def units(arguments: list[str]) -> int:
    """Return how many units to deploy. Raises Failure unless that is a supported number."""
    number = " ".join(arguments) or "1"
    if not re.fullmatch("[1-9]", number):
        raise host.Failure(f"UNITS={number} is not a number of units. Use 1 to 9.")
    return int(number)


def call(*command: str, hint: str = "") -> str:
    """Run a command and return its output. Raises Failure with its last line and the hint."""
    done = subprocess.run(command, cwd=host.CHECKOUT, capture_output=True, text=True)
    if done.returncode != 0:
        raise host.Failure(failure(command, done.stderr or done.stdout, hint))
    return done.stdout.strip()


def failure(command: tuple[str, ...], output: str, hint: str = "") -> str:
    """Return the sentence for a command that failed with this output."""
    reason = (output.strip() or "no reason given").splitlines()[-1].strip()
    name = " ".join([Path(command[0]).name, *command[1:3]])
    if "no space left" in output.lower():
        hint = "Free some disk space, then run this again."
    return f"`{name}` failed: {reason.rstrip('.')}. {hint}".rstrip()


def build() -> None:
    """Build the charm, and show the build's output. Raises Failure."""
    if subprocess.run(("make", "--no-print-directory", "build"), cwd=host.CHECKOUT).returncode != 0:
        raise host.Failure("`make build` failed for the reason above. Fix it, then run this again.")


def machine_image() -> str:
    """Create missing images of machines, with progress; return the name of the base image. Raises Failure."""
    done = subprocess.run((LOCALJUJU, "image"), stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise host.Failure("The machine's image cannot be created for the reason above. Fix it, then run this again.")
    return done.stdout.split()[0]


def juju(*arguments: str, hint: str = "") -> str:
    """Run a localjuju command on the demo's model. Raises Failure."""
    return call(LOCALJUJU, arguments[0], "-m", MODEL, *arguments[1:], hint=hint)


def unit_in(status: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the unit in `status --format json`, empty before it exists."""
    unit: Mapping[str, Any] = status.get("applications", {}).get(APP, {}).get("units", {}).get(UNIT, {})
    return unit


def summary(unit: Mapping[str, Any]) -> str:
    """Return the unit's workload status and message in a line."""
    status = unit.get("workload-status", {})
    return f"{status.get('current', 'unknown')}: {status.get('message', '')}".rstrip(": ")


def replace_model() -> None:
    """Create an empty model; that of an earlier run is destroyed. Raises Failure."""
    models = json.loads(call(LOCALJUJU, "models", "--format", "json"))["models"]
    if any(model["short-name"] == MODEL for model in models):
        say(f"  replacing the model {MODEL} of an earlier run, with all that was pushed to it")
        call(LOCALJUJU, "destroy-model", MODEL, "--no-prompt", "--force", "--destroy-storage")
    call(LOCALJUJU, "add-model", MODEL)


def deploy(archive: Path, number: int) -> Mapping[str, Any]:
    """Deploy *number* units with the archive as their resource, and return the first. Raises Failure.

    The first one's progress is shown.
    """
    command = (
        LOCALJUJU,
        "deploy",
        "-m",
        MODEL,
        str(CHARM),
        "-n",
        str(number),
        "--resource",
        f"registry-image={archive}",
    )
    with tempfile.TemporaryFile("w+") as output:
        with subprocess.Popen(command, stdout=output, stderr=output) as process:
            shown = ""
            end = time.monotonic() + ACTIVE_SECONDS
            while True:
                has_ended = process.poll() is not None
                unit = unit_in(json.loads(juju("status", "--format", "json")))
                if unit and summary(unit) != shown:
                    shown = summary(unit)
                    say(f"  {UNIT} {shown}")
                if has_ended and (process.returncode or shown.startswith(("active", "blocked", "error"))):
                    break
                if time.monotonic() > end:
                    process.terminate()
                    raise host.Failure(not_active(shown))
                time.sleep(0.3)
        output.seek(0)
        if process.returncode:
            raise host.Failure(failure(command, output.read()))
    if not shown.startswith("active"):
        raise host.Failure(not_active(shown))
    return unit


def prove_units(number: int) -> None:
    """Show all units, and that they serve with the same configuration and secret. Raises Failure."""
    found = json.loads(juju("status", "--format", "json"))["applications"][APP]["units"]
    applied = set()
    for name, unit in sorted(found.items()):
        say(f"  {name}{'*' if unit.get('leader') else ''} {summary(unit)}")
        if not summary(unit).startswith("active"):
            raise host.Failure(not_active(summary(unit)))
        # Its name is a digest of the content.
        applied.add(juju("exec", "--unit", name, "--", "readlink", "/etc/docker/registry/config.yml").strip())
    if len(found) != number or len(applied) != 1:
        raise host.Failure(f"{len(found)} of {number} units have {len(applied)} configurations: {sorted(applied)}")
    say(f"  all have the same configuration, with the same secret: {applied.pop()}")


def not_active(shown: str) -> str:
    """Return the sentence for a unit that is not active."""
    return f"{UNIT} is not active: {shown}. See `localjuju debug-log -m {MODEL} --replay`"


def large_image(base: str, name: str) -> None:
    """Create an image with this name: the machine's base image, the charm and the registry's archive."""
    for content in (CHARM, images.registry_image()):
        container = call("docker", "create", base, "/bin/true")
        try:
            call("docker", "cp", str(content), f"{container}:/{content.name}")
            base = call("docker", "commit", container, name)
        finally:
            call("docker", "rm", container)


def prove_docker(base: str, address: str, port: int) -> None:
    """Push a large image with this machine's Docker, pull it by digest with the unit's, compare. Raises Failure."""
    with forwarded(address, port) as local:
        name = f"127.0.0.1:{local}/demo/machine"
        try:
            large_image(base, f"{name}:1")
            size = int(call("docker", "image", "inspect", "-f", "{{.Size}}", f"{name}:1")) / 1e6
            layers = call("docker", "image", "inspect", "-f", "{{len .RootFS.Layers}}", f"{name}:1")
            image_id = call("docker", "image", "inspect", "-f", "{{.Id}}", f"{name}:1")
            say(f"  docker push demo/machine:1 ({size:.0f} MB in {layers} layers)")
            pushed = call("docker", "push", f"{name}:1")
        finally:
            host.run("docker", "rmi", f"{name}:1")
    digest = next(word for word in pushed.split() if word.startswith("sha256:"))
    name = f"127.0.0.1:{port}/demo/machine@{digest}"
    say(f"  docker pull demo/machine@{digest[:19]}... on the unit")
    juju("exec", "--unit", UNIT, "--", "docker", "pull", "-q", name)
    pulled = juju("exec", "--unit", UNIT, "--", "docker", "image", "inspect", "-f", "{{.Id}}", name)
    juju("exec", "--unit", UNIT, "--", "docker", "rmi", name)
    if pulled.strip() != image_id:
        raise host.Failure(f"The pulled image differs: pushed {image_id}, pulled {pulled}.")
    say("  equal: the digest and the image's ID, and so its configuration and every layer")


def prove_skopeo(address: str, port: int) -> None:
    """Push an index of two architectures with skopeo, pull it by digest, compare every blob. Raises Failure."""
    with tempfile.TemporaryDirectory() as scratch:
        sent, got = Path(scratch, "sent"), Path(scratch, "got")
        digest = image_files.index(sent, images.registry(), "1")
        name = f"docker://{address}:{port}/demo/multi"
        say("  skopeo copy --all demo/multi:1 (linux/amd64, linux/arm64)")
        call("skopeo", "copy", "-q", "--all", "--dest-tls-verify=false", f"oci:{sent}:1", f"{name}:1")
        say(f"  skopeo copy --all demo/multi@{digest[:19]}...")
        call("skopeo", "copy", "-q", "--all", "--src-tls-verify=false", f"{name}@{digest}", f"oci:{got}:1")
        before, after = blobs(sent), blobs(got)
    if before != after:
        raise host.Failure(f"The pulled index differs in {len(before.items() ^ after.items())} blobs.")
    say(f"  equal: all {len(before)} blobs and the index's digest")


def blobs(layout: Path) -> dict[str, bytes]:
    """Return the blobs of an OCI layout by digest, without `sha256:`."""
    return {path.name: path.read_bytes() for path in (layout / "blobs/sha256").iterdir()}


def farewell(unit: Mapping[str, Any], url: str) -> str:
    """Return the unit's state, and what to try next."""
    return f"""
{UNIT} {summary(unit)}

  {url}/v2/_catalog

Try next:

  export PATH="$PWD/.venv/bin:$PATH"
  localjuju status
  localjuju run {UNIT} push image=registry:2 pull=false
  localjuju run {UNIT} images
  skopeo list-tags --tls-verify=false docker://{url.removeprefix("http://")}/demo/multi
  localjuju config {APP} registry-port=5001
  localjuju destroy-model {MODEL} --no-prompt
"""


def demonstrate(number: int) -> None:
    """Do all steps, with this number of units. Raises Failure."""
    with step("Preparing this machine"):
        host.prepare(lambda line: say(f"  {line}"))
    with step(f"Building {CHARM.name}"):
        build()
    with step("The machine's image (about a minute the first time)"):
        base = machine_image()
    with step("The registry's image"):
        archive = images.registry_image()
    with step(f"Deploying to the model {MODEL}"):
        replace_model()
        unit = deploy(archive, number)
    if number > 1:
        with step(f"{number} units"):
            prove_units(number)
    address, port = unit["public-address"], int(unit["open-ports"][0].partition("/")[0])
    with step("A large image, with docker"):
        prove_docker(base, address, port)
    with step("A multi-architecture index, with skopeo"):
        prove_skopeo(address, port)
    print(farewell(unit, f"http://{address}:{port}"))


def main(arguments: list[str]) -> int:
    """Show the charm at work; return 0, or 1 after a failure, which is printed."""
    try:
        demonstrate(units(arguments))
    except host.Failure as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. The next run starts again.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
