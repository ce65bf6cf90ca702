"""What shall be, for options and facts."""

import dataclasses

from registry import options, plan, relations
from registry.image import Image
from test_options import DEFAULTS

IMAGE = Image("registry:2", "sha256:one", "2.8.3")


def wanted(**changes):
    return options.Options.from_config({**DEFAULTS, **{k.replace("_", "-"): v for k, v in changes.items()}})


def facts(**changes):
    values = {
        "unit": "docker-registry/1",
        "hostname": "juju-1",
        "addresses": {"docker-registry": "10.0.0.1"},
        "http_secret": "hush",
        "image": IMAGE,
        "applied": None,
        "stopped": False,
        "port_held": False,
        "state": None,
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
        plan.plan(wanted(registry_port=6000), facts(applied=before, port_held=True, state="running")),
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


def peer(number, **changes):
    values = {"unit": f"docker-registry/{number}", "address": f"10.0.0.{number}", "port": 5000, "scheme": "http"}
    return relations.Peer(**{**values, **changes})


def test_every_unit_tells_clients_of_the_unit_with_the_lowest_number():
    others = (peer(2), peer(10), peer(3, address="10.0.0.33"))
    seen_by_10 = plan.shared(wanted(), facts(unit="docker-registry/10", peers=(peer(2), peer(3))), good())
    seen_by_2 = plan.shared(
        wanted(), facts(unit="docker-registry/2", addresses={"docker-registry": "10.0.0.2"}, peers=others[1:]), good()
    )
    assert (
        seen_by_2.access == seen_by_10.access == relations.Access("10.0.0.2:5000", "http://10.0.0.2:5000", *[None] * 3)
    )
    assert "backup" not in seen_by_2.services
    assert seen_by_10.services.rstrip().endswith("backup]")


def test_a_peer_of_the_predecessor_answers_at_the_port_of_all():
    old = peer(0, port=None, scheme=None)
    assert plan.shared(wanted(), facts(peers=(old,)), good()).access.netloc == "10.0.0.0:5000"


def test_an_address_of_ipv6_is_bracketed_in_urls_and_nowhere_else():
    told = plan.shared(wanted(), facts(addresses={"docker-registry": "fd00::1"}), good())
    assert told.access.netloc == "[fd00::1]:5000"
    assert told.access.url == "http://[fd00::1]:5000"
    assert told.peer == relations.Peer("docker-registry/1", "fd00::1", 5000, "http")
    assert "fd00::1, 5000" in told.services.replace("'", "")


def test_clients_go_to_http_host():
    assert (
        plan.shared(wanted(http_host="https://reg.example.com/x"), facts(), good()).access.netloc == "reg.example.com"
    )


def test_clients_keep_what_they_know_while_http_host_is_wrong():
    assert plan.shared(wanted(http_host="reg.example.com"), facts(), good()).access is None


def test_a_certificate_bears_every_name_of_the_unit():
    there = {"docker-registry": "10.0.0.1", "cert-provider": "10.1.0.1"}
    known = facts(addresses=there, proxies=("10.0.0.99",))
    names = plan.certificate_names(wanted(http_host="https://reg.example.com:5000"), known)
    assert names == ("10.1.0.1", "10.0.0.1", "juju-1", "reg.example.com", "10.0.0.99")


def test_the_text_of_the_facts_shows_no_secret():
    certificate = relations.Certificate("CA", "", "CERT", "KEY-HUSH")
    text = repr(facts(applied=good(), certificate=certificate))
    assert "hush" not in text.lower()
