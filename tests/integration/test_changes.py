"""An option changes: the registry does that, or it goes on as before and the status says why."""

import pytest
from unit import Watch


def test_another_port(unit):
    assert unit.config(registry_port=5055) == ("active", f"Ready at {unit.address}:5055 (http).")
    assert unit.answers(5055) and not unit.answers(5000)
    assert unit.open_ports == ["5055/tcp"]
    assert unit.config(registry_port=None) == ("active", f"Ready at {unit.address}:5000 (http).")
    assert unit.open_ports == ["5000/tcp"]


def test_another_name(unit):
    assert unit.config(registry_name="images")[0] == "active"
    assert unit.containers() == ["images"]
    assert unit.config(registry_name=None)[0] == "active"
    assert unit.containers() == ["registry"]


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("registry_port", 70000, "registry-port: 70000 is not a port. Use a number from 1 to 65535."),
        (
            "registry_port",
            22222,
            "registry-port: 22222 is in use by another program on this machine. Stop it or choose another port.",
        ),
        (
            "registry_name",
            "a b",
            "registry-name: 'a b' is not a container name. "
            "Use two or more letters, digits and _ . -, beginning with a letter or digit.",
        ),
        (
            "registry_name",
            "web",
            "registry-name: the container 'web' exists and was not created by this charm. "
            "Remove it or choose another name.",
        ),
        (
            "registry_image",
            "No Such",
            "registry-image: 'No Such' is not an image name. Use a name such as registry:2.",
        ),
        (
            "registry_image",
            "localhost:1/none:1",
            "registry-image: Docker cannot get the image (localhost:1/none:1 cannot be pulled: ",
        ),
        (
            "http_host",
            "registry.example.com",
            "http-host: 'registry.example.com' has no http or https scheme. Begin it with http:// or https://.",
        ),
    ],
)
def test_a_wrong_value_is_said_and_changes_nothing(unit, option, value, sentence):
    unit.exec(
        "docker create --name web registry:2 && systemd-run --unit squatter python3 -m http.server 22222 && sleep 1"
    )
    before = unit.container()["Id"]
    try:
        state, message = unit.config(**{option: value})
        assert state == "blocked"
        assert message.startswith(sentence)
        assert message.endswith(f"Still serving at {unit.address}:5000 (http).")
        assert unit.container()["Id"] == before
        assert unit.open_ports == ["5000/tcp"]
        unit.exec("docker kill registry")
        assert unit.update_status() == (state, message), "what was killed comes back although an option is wrong"
        assert unit.answers()
    finally:
        unit.exec("docker rm web && systemctl stop squatter")
        unit.config(**{option: None})


def test_the_first_problem_is_shown_and_all_are_logged(unit):
    _, message = unit.config(registry_port=0, registry_name="-", http_host="x")
    assert message.startswith("http-host: ")
    assert " (2 more problems: see juju debug-log.) Still serving at " in message
    log = unit.juju.cli("debug-log", "--replay", "--no-tail")
    places = [log.rindex(f"{option}: ") for option in ("http-host", "registry-name", "registry-port")]
    assert places == sorted(places)
    assert unit.config(registry_port=None, registry_name=None, http_host=None)[0] == "active"


def test_time_without_service_is_a_moment(unit):
    with Watch(unit.address, patience=0.1) as watch:
        unit.config(registry_name="images")
        unit.config(registry_name=None)
    assert watch.asked > 50
    assert watch.gap < 5, "a limit against hanging; the figure is for the benchmark"
    print(f"asked {watch.asked} times, {watch.failed} failed, longest gap {watch.gap:.2f} s")
