"""Each action, with good and with bad parameters."""

import json
import urllib.request

import jubilant
import pytest
from uploads import INDEX, OCI, Uploads, digest_of


@pytest.fixture
def small(unit, small_image):
    """An image `small:1` on the machine."""
    unit.load(small_image)
    unit.exec("docker image inspect small:1 -f {{.Id}} > /tmp/small.id")
    yield "small:1"
    unit.exec("docker rmi -f $(cat /tmp/small.id) || true")


def failure(unit, action, **params):
    """Run an action that must fail, and return its sentence."""
    with pytest.raises(jubilant.TaskError) as raised:
        unit.run(action, **params)
    message = raised.value.task.message
    assert "Traceback" not in message and message.endswith("."), message
    return message


def catalog(unit):
    return json.loads(
        unit.exec(
            'python3 -c "import urllib.request as u; print(u.urlopen(\\"http://127.0.0.1:5000/v2/_catalog\\").read().decode())"'
        )
    )["repositories"]


def ask(unit, repository, reference, kind):
    """Ask the registry for a manifest."""
    url = f"http://{unit.address}:5000/v2/{repository}/manifests/{reference}"
    return urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": kind}), timeout=10)


def test_push_takes_an_image_of_the_machine(unit, small):
    done = unit.run("push", image=small, pull=False)
    assert done.results["outcome"] == "success"
    assert done.results["raw"] == f"pushed {unit.address}:5000/small:1"
    assert "small" in catalog(unit)
    names = unit.exec("docker images --format {{.Repository}}:{{.Tag}}").split()
    assert f"{unit.address}:5000/small:1" in names
    assert "127.0.0.1:5000/small:1" not in names


def test_push_pulls_first(unit, small):
    unit.run("push", image=small, pull=False, tag=f"{unit.address}:5000/from/here:2")
    unit.exec("docker rmi 127.0.0.1:5000/from/here:2 || true")
    done = unit.run("push", image="127.0.0.1:5000/from/here:2", tag="again:3")
    assert done.results["raw"] == f"pushed {unit.address}:5000/again:3"
    assert {"from/here", "again"} <= set(catalog(unit))


def test_push_copies_the_platforms_that_docker_does_not_have(unit, small):
    uploads = Uploads(f"http://{unit.address}:5000")
    unit.run("push", image=small, pull=False, tag="from/many:amd64")
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    with ask(unit, "from/many", "amd64", kind) as answer:
        data = answer.read()
    here = {"digest": digest_of(data), "size": len(data), "mediaType": kind}
    architecture = unit.exec("docker version -f {{.Server.Arch}}")
    index = uploads.index("from/many", "1", **{architecture: here, "other": uploads.image("from/many", None, b"other")})
    signature = uploads.signature("from/many", index)
    done = unit.run("push", image="127.0.0.1:5000/from/many:1", tag="many:2")
    assert done.results["raw"] == f"pushed {unit.address}:5000/many:2"
    with ask(unit, "many", "2", INDEX) as answer:
        assert digest_of(answer.read()) == index["digest"]
    with ask(unit, "many", signature, OCI) as answer:
        assert answer.status == 200
    assert "127.0.0.1:5000/from/many:1" in unit.exec("docker images --format {{.Repository}}:{{.Tag}}").split()


def test_push_follows_http_host(unit, small):
    unit.config(http_host="https://registry.example.com:8443/path/")
    try:
        done = unit.run("push", image=small, pull=False)
        assert done.results["raw"] == "pushed registry.example.com:8443/small:1"
    finally:
        unit.config(http_host=None)


def test_push_to_another_host_goes_there(unit, small):
    message = failure(unit, "push", image=small, pull=False, tag="localhost:1/small:1")
    assert message.startswith("Docker failed: localhost:1/small:1 cannot be pushed: ")


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"image": "not there:1"}, "image: 'not there:1' is not an image name. Use a name such as registry:2."),
        ({"image": ""}, "image: '' is not an image name. Use a name such as registry:2."),
        (
            {"image": "nowhere:1", "pull": False},
            "nowhere:1 is not on the machine. Run push with pull=true, or load the image there with `docker load`.",
        ),
        ({"image": "localhost:1/nowhere:1"}, "Docker failed: localhost:1/nowhere:1 cannot be pulled: "),
        (
            {"image": "registry:2", "pull": False, "tag": "UPPER"},
            "tag: 'UPPER' is not an image name. Use a name such as registry:2.",
        ),
        ({"image": "registry:2", "pull": False, "tag": "x@sha256:" + "0" * 64}, "tag: 'x@sha256:"),
    ],
)
def test_push_of_what_cannot_be_had_is_a_sentence(unit, params, sentence):
    assert failure(unit, "push", **params).startswith(sentence)


def test_images(unit):
    assert "registry" in unit.run("images").results["output"]
    short = unit.run("images", options="--no-trunc --quiet").results["output"].split()
    assert short and all(line.startswith("sha256:") for line in short)
    assert unit.run("images", options="--format '{{.Tag}}'", repository="registry:2").results["output"].split() == ["2"]
    assert unit.run("images", options="--quiet", repository="nothing").results.get("output", "") == ""


@pytest.mark.parametrize(
    ("action", "params", "sentence"),
    [
        ("images", {"options": "ubuntu"}, "'ubuntu' is not an option of docker images."),
        ("images", {"options": "--bananas"}, "unknown flag: --bananas"),
        ("images", {"repository": "--all"}, "repository: '--all' is not the name of an image."),
        ("images", {"options": "'"}, "cannot be split"),
        ("rmi", {"image": "nowhere:1"}, "nowhere:1"),
        ("rmi", {"image": " "}, "image: no image is named. Name the images to remove"),
        ("rmi", {"image": "a", "options": "-f registry:2"}, "'registry:2' is not an option of docker rmi."),
        ("rmi", {"image": "none:1; reboot", "options": ""}, "no such image: reboot"),
        ("stop", {"name": "nobody"}, "name: there is no container 'nobody' on the machine."),
        ("start", {"name": "nobody"}, "name: there is no container 'nobody' on the machine."),
    ],
)
def test_bad_parameters_are_a_sentence_and_change_nothing(unit, action, params, sentence):
    before = unit.containers(), unit.exec("docker images -q --no-trunc")
    assert sentence.lower() in failure(unit, action, **params).lower()
    assert (unit.containers(), unit.exec("docker images -q --no-trunc")) == before
    assert unit.answers()


def test_rmi_removes_several(unit, small):
    unit.exec("docker tag small:1 small:2 && docker tag small:1 small:3")
    output = unit.run("rmi", image="small:2  small:3", options="--no-prune").results["output"]
    assert "small:2" in output and "small:3" in output
    assert unit.exec("docker images -q small:1")


def test_long_output_is_cut_and_the_rest_is_in_a_file(unit):
    output = unit.run("images", options=f"--format {'x' * 80_000}-{{{{.ID}}}}").results["output"]
    assert len(output.encode()) < 70_000
    assert "cut; all" in output
    file = output.rstrip().rpartition(" ")[2]
    assert int(unit.exec(f"wc -c < {file}")) > 80_000
    assert unit.exec(f"stat -c %a {file}") == "600"


def test_stop_is_respected_until_start(unit):
    unit.run("stop")
    stopped = ("blocked", f"Stopped by the action stop. Run `juju run {unit.name} start` to start it.")
    assert unit.status() == stopped
    assert unit.containers() == []
    assert unit.open_ports == []
    assert unit.update_status() == stopped
    assert unit.config(registry_port=5066) == stopped
    unit.reboot()
    assert unit.status() == stopped
    assert not unit.answers() and not unit.answers(5066)
    assert (
        failure(unit, "push", image="registry:2", pull=False) == "The registry is stopped. Run the action start first."
    )
    unit.run("start")
    assert unit.status() == ("active", f"Ready at {unit.address}:5066 (http).")
    assert unit.config(registry_port=None)[0] == "active"


def test_stop_can_keep_the_container(unit):
    before = unit.container()["Id"]
    unit.run("stop", remove=False)
    assert unit.container()["State"]["Status"] == "exited"
    unit.run("clean-containers")
    assert unit.container()["Id"] == before, "cleaning leaves the registry's own container"
    unit.run("start", name="registry")
    assert unit.container()["Id"] == before
    assert unit.answers()


def test_stop_and_start_of_another_container(unit):
    unit.exec("docker run -d --name other --stop-signal SIGKILL -v /precious registry:2")
    volumes = unit.exec("docker volume ls -q")
    unit.run("stop", name="other", remove=False)
    assert unit.container("other")["State"]["Status"] == "exited"
    unit.run("start", name="other")
    assert unit.container("other")["State"]["Status"] == "running"
    unit.run("stop", name="other")
    assert unit.containers() == ["registry"]
    assert unit.exec("docker volume ls -q") == volumes, "what is in them is not ours"
    unit.exec(f"docker volume rm {volumes.replace(chr(10), ' ')}")
    assert unit.status()[0] == "active"


def test_clean_containers_and_images(unit, small):
    unit.exec("docker run --name done -v /precious registry:2 --version")
    volumes = unit.exec("docker volume ls -q")
    unit.exec("docker tag registry:2 small:1")
    orphan = unit.exec("cat /tmp/small.id")
    assert unit.run("clean-containers").results["output"].split() == ["done"]
    assert orphan in unit.run("clean-images").results["output"]
    assert unit.containers() == ["registry"]
    assert unit.exec("docker volume ls -q") == volumes, "what is in them is not ours"
    unit.exec(f"docker volume rm {volumes.replace(chr(10), ' ')}")
    assert unit.answers()
    unit.exec("docker rmi small:1")


def test_upgrade_docker_keeps_the_registry_serving(unit):
    before = unit.container()["State"]["StartedAt"]
    assert "docker.io " in unit.run("upgrade-docker").results["output"]
    assert unit.container()["State"]["StartedAt"] == before
    assert unit.answers()


def test_upgrade_docker_waits_for_another_apt(unit):
    unit.exec(
        'python3 -c "import fcntl, time; file = open(\\"/var/lib/apt/lists/lock\\", \\"w\\");'
        ' fcntl.lockf(file, fcntl.LOCK_EX); time.sleep(6)" > /dev/null 2>&1 &'
    )
    assert "docker.io " in unit.run("upgrade-docker").results["output"]


def test_debug_is_gone(unit):
    with pytest.raises((ValueError, jubilant.CLIError, jubilant.TaskError), match="debug"):
        unit.run("debug")
