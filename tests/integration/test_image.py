"""The registry's image: which one runs, when it changes, and what happens when it does not start."""


def attach(unit, archive):
    unit.juju.cli("attach-resource", unit.app, f"registry-image={archive}")
    unit.settle()
    return unit.status()


def test_an_image_that_does_not_start_is_said_and_the_old_one_serves_on(unit, archives):
    before = unit.container()["Id"]
    unit.load(archives.broken)
    state, message = unit.config(registry_image=archives.broken_name)
    assert state == "blocked"
    assert message.startswith("The registry does not start with this configuration: ")
    assert message.endswith(f"Still serving at {unit.address}:5000 (http).")
    assert unit.container()["Id"] == before
    assert unit.containers() == ["registry"]
    assert unit.config(registry_image=None)[0] == "active"
    assert unit.container()["Id"] == before


def test_an_image_that_is_no_registry_is_said(unit, archives):
    unit.load(archives.stranger)
    _, message = unit.config(registry_image=archives.stranger_name)
    assert message.startswith(
        f"registry-image: {archives.stranger_name} is not a registry: `--version` prints no version."
    )
    assert unit.answers()
    assert unit.config(registry_image=None)[0] == "active"


def test_a_moved_tag_waits_until_the_resource_is_attached(unit, archives):
    before = unit.container()["Image"]
    unit.load(archives.second)
    unit.update_status()
    assert unit.container()["Image"] == before, "a tag that moved on the machine moves nothing"
    assert attach(unit, archives.second)[0] == "active"
    second = unit.container()["Image"]
    assert second != before
    assert attach(unit, archives.registry)[0] == "active"
    assert unit.container()["Image"] == before


def test_an_oci_archive_is_taken_too(unit, archives):
    before = unit.container()["Image"]
    assert attach(unit, archives.oci)[0] == "active"
    assert unit.answers()
    assert attach(unit, archives.registry)[0] == "active"
    assert unit.container()["Image"] == before


def test_a_resource_that_is_no_image_is_said_and_the_old_one_serves_on(unit, archives, tmp_path):
    junk = tmp_path / "junk.tar"
    junk.write_text("no archive")
    state, message = attach(unit, junk)
    assert state == "blocked"
    assert message.startswith(
        "registry-image: the resource registry-image is not an archive of images (it cannot be read: "
    )
    assert unit.answers()
    assert attach(unit, archives.registry)[0] == "active"


def test_the_option_goes_before_a_resource_that_does_not_hold_it(unit, archives):
    unit.exec("docker tag registry:2 mirror.example.com/mine:7")
    before = unit.container()["Id"]
    assert unit.config(registry_image="mirror.example.com/mine:7")[0] == "active"
    assert unit.container()["Id"] == before, "it is the same image"
    assert unit.config(registry_image=None)[0] == "active"
