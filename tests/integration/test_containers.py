"""Containers that are not the charm's, and a second unit on the machine."""

import pytest

COPIES = {"label": "--label docker-registry.digest=$(docker inspect -f {{range.Config.Labels}}{{.}}{{end}} registry)"}
PAIRS = ("candidate", "plain"), ("next", "label"), ("candidate", "commit")
BODY = "-v /keep --entrypoint sleep"


@pytest.fixture
def stranger(unit):
    """Makes a container of somebody else that runs, with a volume, from the registry's image or a copy of it."""
    image, made, empty = unit.container()["Image"], [], ""

    def create(name, how):
        if how == "commit":
            unit.exec("docker commit registry copy:1")
        source = "copy:1" if how == "commit" else image
        unit.exec(f"docker run -d --name {name} {COPIES.get(how, empty)} {BODY} {source} 1000")
        made.append(name)
        return unit.container(name)

    yield create
    for name in made:
        unit.exec(f"docker rm -fv {name}")


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        *(("next", "plain"), ("candidate", "label"), ("next", "commit")),
        *(pytest.param(*pair, marks=pytest.mark.soak) for pair in PAIRS),
    ],
)
def test_a_strangers_container_is_named_and_kept(unit, stranger, how, kind):
    before = stranger(f"registry-{kind}", how)
    assert unit.update_status()[0] == "active"
    state, message = unit.config(storage_delete="true")
    assert (state, message) == (
        "blocked",
        f"The container registry-{kind} was not created by this charm, and the charm needs its name. "
        f"Rename or remove it. Still serving at {unit.address}:5000 (http).",
    )
    assert unit.container(f"registry-{kind}") == before
    unit.exec(f"docker rename registry-{kind} mine")
    assert unit.update_status()[0] == "active"
    assert unit.container("mine")["State"]["StartedAt"] == before["State"]["StartedAt"]
    unit.exec(f"docker rename mine registry-{kind}")
    assert unit.config(storage_delete=None)[0] == "blocked"
    unit.exec(f"docker rm -fv registry-{kind}; true")
    assert unit.update_status()[0] == "active"


def test_stop_by_the_containers_id_is_stop(unit):
    unit.run("stop", name=unit.container()["Id"][:12])
    assert unit.update_status()[1].startswith("Stopped by the action stop.")
    unit.run("start")
    assert unit.answers()


def test_a_second_unit_on_the_machine_leaves_the_first_alone(unit, model, charm, archives):
    files = "cat /etc/docker/daemon.json /var/lib/docker-registry/*.json; find /etc/docker /etc/systemd/system -type f"
    before = unit.exec(files), unit.container()
    resources = {"registry-image": str(archives.registry)}
    model.deploy(charm, "second", to=unit.machine, resources=resources, config={"daemon-opts": "{debug: true}"})
    model.wait(lambda status: "second/0" in status.apps["second"].units, delay=0.1, successes=1)
    second = type(unit)(model, "second/0")
    second.settle()
    state, message = second.status()
    assert (state, message.partition(" and there")[0]) == (
        "blocked",
        f"The unit {unit.name} of this charm is on the same machine,",
    )
    model.remove_application("second")
    model.wait(lambda status: "second" not in status.apps, delay=0.1, successes=1)
    assert (unit.exec(files), unit.container()) == before
    assert unit.update_status()[0] == "active"
