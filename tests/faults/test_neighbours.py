"""Two on one machine: what else is there is named in the status, and not touched."""

import pytest
from unit import Unit

SERVING = 3
BODY = "-v /keep --entrypoint sleep registry:2 1000"


def neighbour(unit, name):
    """What must stay as it is of a container."""
    found = unit.container(name)
    return found["Id"], found["State"]["StartedAt"], found["Mounts"], found["HostConfig"]


def files(unit):
    return unit.exec(
        "cat /etc/docker/daemon.json /var/lib/docker-registry/*.json; find /etc/docker /etc/systemd/system -type f"
    )


@pytest.mark.parametrize("app", ["docker-registry", "second"])
def test_another_unit_on_the_machine_is_refused(unit, fault, model, charm, archives, app):
    name = "another unit of the application" if app == unit.app else "another application of this charm"
    with fault.row(f"{name} on the machine", longest=SERVING) as said:
        before = files(unit), unit.container()
        if app == unit.app:
            model.add_unit(app, to=unit.machine)
        else:
            model.deploy(charm, app, to=unit.machine, resources={"registry-image": str(archives.registry)})
        (second,) = model.status().apps[app].units.keys() - {unit.name}
        second = Unit(model, second)
        second.settle()
        said(second.status(), "blocked", "of this charm is on the same machine, and there can be one registry on a")
        assert (files(unit), unit.container()) == before
        if app == unit.app:
            model.remove_unit(second.name)
            model.wait(lambda status: len(status.apps[app].units) == 1, delay=0.1, successes=1)
        else:
            model.remove_application(app)
            model.wait(lambda status: app not in status.apps, delay=0.1, successes=1)
        unit.settle()
        assert (files(unit), unit.container()) == before


OTHERS = {
    "a container of others named registry": (f"--name registry {BODY}", "registry", "registry"),
    "a container of others with the port": (
        "--name theirs -p 5000:5000 --entrypoint sleep registry:2 1000",
        "theirs",
        "5000",
    ),
    "a container of others named registry-next": (f"--name registry-next {BODY}", "registry-next", "registry-next"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_container_of_others_is_named_and_kept(unit, fault, name):
    """It came while the registry's own was gone."""
    options, theirs, words = OTHERS[name]
    with fault.row(name, longest=120) as said:
        unit.exec(f"docker rm -f registry; docker run -d {options}")
        before = neighbour(unit, theirs)
        status = unit.update_status()
        print(status)
        said(status, "blocked", words)
        assert neighbour(unit, theirs) == before
        unit.exec(f"docker rm -fv {theirs}")
        unit.update_status()
