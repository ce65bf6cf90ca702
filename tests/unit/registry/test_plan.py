"""What shall be, for options and facts."""

import dataclasses

from registry import options, plan
from registry.image import Image
from test_options import DEFAULTS

IMAGE = Image("registry:2", "sha256:one", "2.8.3")


def wanted(**changes):
    return options.Options.from_config({**DEFAULTS, **{k.replace("_", "-"): v for k, v in changes.items()}})


def facts(**changes):
    values = {
        "address": "10.0.0.1",
        "http_secret": "hush",
        "image": IMAGE,
        "applied": None,
        "stopped": False,
        "port_taken": False,
        "name_taken": False,
    }
    return plan.Facts(**{**values, **changes})


def good():
    return plan.plan(wanted(), facts()).release


def test_the_defaults_give_a_registry_at_port_5000_over_srv_registry():
    release = good()
    assert release.port == 5000
    assert release.container.name == "registry"
    assert release.container.image_id == "sha256:one"
    assert [str(mount) for mount in release.container.mounts] == ["/srv/registry:/var/lib/registry:rw"]
    assert release.http_secret == "hush"


def test_a_release_is_the_same_after_writing_and_reading():
    release = good()
    assert plan.Release.from_files(release.files()) == release
    # Literally: a charm that writes or digests a release of today in another way finds none in force after a refresh.
    assert (
        release.files()["container.json"]
        == """{
  "image_id": "sha256:one",
  "mounts": [
    {
      "source": "/srv/registry",
      "target": "/var/lib/registry"
    }
  ],
  "name": "registry",
  "ports": {
    "5000": 5000
  }
}
"""
    )
    assert plan.Release.from_files(release.files()).digest == release.digest


def test_the_digest_follows_everything():
    digests = {
        plan.plan(wanted(**change), facts(**fact)).release.digest
        for change, fact in [
            ({}, {}),
            ({"registry_port": 5001}, {}),
            ({"registry_name": "images"}, {}),
            ({}, {"http_secret": "other"}),
            ({}, {"image": dataclasses.replace(IMAGE, id="sha256:two")}),
        ]
    }
    assert len(digests) == 5


def test_another_name_for_the_same_image_changes_nothing():
    other = dataclasses.replace(IMAGE, reference="mirror/registry:2.8")
    assert plan.plan(wanted(registry_image="mirror/registry:2.8"), facts(image=other)).release == good()


def test_with_a_problem_the_last_applied_release_stays():
    before = good()
    for planned in (
        plan.plan(wanted(registry_port=0), facts(applied=before)),
        plan.plan(wanted(registry_port=6000), facts(applied=before, port_taken=True)),
        plan.plan(wanted(registry_name="web"), facts(applied=before, name_taken=True)),
        plan.plan(wanted(), facts(applied=before, image=None, trouble=("registry-image: x.",))),
    ):
        assert planned.release == before
        assert len(planned.problems) == 1
        assert planned.serve


def test_with_a_problem_from_the_start_nothing_is_applied():
    assert plan.plan(wanted(registry_port=0), facts()).release is None


def test_no_secret_is_printed():
    assert "hush" not in repr(facts(applied=good()))
    assert "hush" not in repr(plan.plan(wanted(), facts()))


def status(planned, **outcome):
    values = {"serving": True, "netloc": "10.0.0.1:5000", "trouble": ()}
    return plan.status(planned, plan.Outcome(**{**values, **outcome}), "docker-registry/0")


def test_status_when_all_is_well():
    assert status(plan.plan(wanted(), facts())) == ("active", "Ready at 10.0.0.1:5000 (http).")


def test_status_says_what_is_wrong_and_what_serves():
    planned = plan.plan(wanted(registry_port=0), facts(applied=good()))
    assert status(planned) == (
        "blocked",
        "registry-port: 0 is not a port, 1 to 65535. The last good configuration serves at 10.0.0.1:5000.",
    )
    assert status(planned, serving=False, trouble=("It is dead.",)) == (
        "blocked",
        "registry-port: 0 is not a port, 1 to 65535. It is dead.",
    )


def test_status_while_stopped_says_how_to_go_on():
    state, message = status(plan.plan(wanted(), facts(stopped=True)), serving=False)
    assert state == "blocked"
    assert message == "Stopped by the action stop; `juju run docker-registry/0 start` starts it again."
