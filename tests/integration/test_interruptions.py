"""The registry, or the machine, dies in the middle of an action on images: nothing that was acknowledged is lost.

The action itself is killed beside the other tests of each: `test_images`, `test_archives`, `test_mirror`.
"""

import json
import os
import subprocess

import pytest
from uploads import Uploads

FOLDER = "/srv/interrupted"
IMAGES = 12
TAGS = "/srv/registry/docker/registry/v2/repositories/{repository}/app/_manifests/tags"
RUNS = "docker inspect docker-registry-maintenance >/tmp/runs 2>/dev/null"
MOMENTS = {
    "garbage-collect": {"looking": RUNS, "deleting": f"{RUNS} && ! grep -q dry-run /tmp/runs"},
    "import": {"early": f"test -e {TAGS}/v1", "late": f"test -e {TAGS}/v8"},
    "mirror": {"early": f"test -e {TAGS}/v1", "late": f"test -e {TAGS}/v8"},
}
"""What is true on the machine at that moment of the action."""


def kill_registry(unit):
    """As a crash: Docker starts it again."""
    unit.exec("kill -9 $(docker inspect -f {{.State.Pid}} registry)")


def end_registry(unit):
    """As `docker kill`: it stays down until the next hook."""
    unit.exec("docker kill registry")


def kill_collector(unit):
    unit.exec("docker kill docker-registry-maintenance || true")


def kill_machine(unit):
    if not unit.is_local:
        pytest.skip("a real machine's plug is out of reach")
    unit.juju.cli("machine", "kill", unit.machine)


@pytest.fixture(scope="module")
def content(deployed):
    """Images in the registry, in an archive, and in a second registry on the machine: their digests by tag."""
    deployed.exec(
        f"mkdir -p -m 777 {FOLDER}; docker run -d --name source --restart unless-stopped -p 5055:5000"
        f" -v {FOLDER}/data:/var/lib/registry registry:2 && sleep 1"
    )
    layers = [os.urandom(3_000_000) for _ in range(IMAGES)]
    both = [Uploads(f"http://{deployed.address}:{port}") for port in (5000, 5055)]
    images = [
        {f"v{number}": one.image("app", f"v{number}", data) for number, data in enumerate(layers)} for one in both
    ]
    assert images[0] == images[1]
    deployed.run("export", images="app:*", file=f"{FOLDER}/images.tar")
    yield {tag: image["digest"] for tag, image in images[0].items()}
    deployed.exec(f"docker rm -fv source; rm -rf {FOLDER}; rm -rf /srv/registry/docker && docker restart registry")


def parameters(unit, action, repository):
    host = f"{unit.address}:5055"
    return {
        "garbage-collect": {"untagged": True, "dry-run": False},
        "import": {"file": f"{FOLDER}/images.tar", "prefix": repository},
        "mirror": {
            "images": " ".join(f"{host}/app:v{number}" for number in range(IMAGES)),
            "plain-http": f"http://{host}",
            "to": f"{repository}/REPOSITORY",
        },
    }[action]


def interrupted(unit, action, params, moment, kill):
    """Run an action, kill something at that moment; return what the action printed."""
    words = [
        f"{name}={json.dumps(value) if value is True or value is False else value}" for name, value in params.items()
    ]
    command = [unit.juju.cli_binary, "run", "-m", unit.juju.model, unit.name, action, *words]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    unit.exec(f"n=0; until {moment}; do n=$((n+1)); [ $n -lt 1500 ] || exit 1; sleep 0.02; done")
    kill(unit)
    printed = running.communicate(timeout=300)[0]
    assert running.returncode == 0 or kill is not kill_registry or action == "garbage-collect", printed
    return printed


KILLS = (kill_registry, end_registry, kill_machine)
CASES = [
    *((action, moment, kill) for action, moments in MOMENTS.items() for moment in moments for kill in KILLS),
    *(("garbage-collect", moment, kill_collector) for moment in MOMENTS["garbage-collect"]),
]
SHORT = ("import", "early", kill_registry)


@pytest.mark.parametrize(
    ("action", "moment", "kill"),
    [
        pytest.param(*case, id="-".join((*case[:2], case[2].__name__)), marks=[pytest.mark.soak] * (case != SHORT))
        for case in CASES
    ],
)
def test_nothing_is_lost_in_the_middle_of(unit, content, action, moment, kill):
    uploads, repository = Uploads(f"http://{unit.address}:5000"), f"{moment}-{kill.__name__}".replace("_", "-")
    repository = f"{action}-{repository}"
    kept = uploads.image("kept", repository, os.urandom(100_000))
    for _ in range(20):
        uploads.image("lost", None, os.urandom(10_000))
    params = parameters(unit, action, repository)
    printed = interrupted(unit, action, params, MOMENTS[action][moment].format(repository=repository), kill)
    print(printed)
    assert "Traceback" not in printed
    if kill is kill_machine:
        unit.juju.cli("machine", "start", unit.machine)
        unit.settle()
    assert unit.update_status() == ("active", f"Ready at {unit.address}:5000 (http).")
    assert unit.containers() == ["registry", "source"]
    uploads.check("kept", kept["digest"])
    for tag in uploads.tags(f"{repository}/app"):  # a tag is only there with all that it needs
        uploads.check(f"{repository}/app", content[tag])

    done = unit.run(action, **params)
    if action == "garbage-collect":
        assert unit.run(action, untagged=True).results["blobs"] == "0"
    else:
        assert int(done.results["skipped"]) + int(done.results["copied"]) == IMAGES
        assert set(uploads.tags(f"{repository}/app")) == set(content)
    for name in ("app", f"{repository}/app") if action != "garbage-collect" else ("app",):
        for digest in content.values():
            uploads.check(name, digest)
    uploads.check("kept", kept["digest"])
    uploads.image("kept", "writable", b"again")
