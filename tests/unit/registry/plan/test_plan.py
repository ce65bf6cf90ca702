"""What shall be, for options and facts."""

import dataclasses

import pytest
import yaml
from authority import ALONE, BETWEEN, KEY, LEAF, ROOT
from registry.formats import htpasswd, relations
from registry.formats.inspection import DIGEST_LABEL, Container
from registry.options import options
from registry.plan import decision, published, report, request
from registry.plan.facts import Facts
from registry.release.image import Image
from registry.release.release import Release
from test_authentication import TOKEN
from test_certificates import CERTIFICATE
from test_options import DEFAULTS

OWN = htpasswd.User("juju-docker-registry", "hush-own")
IMAGE = Image("registry:2", "sha256:one", "2.8.3")


PASSWORD = {"auth_basic_password": "pw-hush"}
OURS = "docker-registry/1"


def wanted(**changes):
    return options.Options.from_config({**DEFAULTS, **{k.replace("_", "-"): v for k, v in changes.items()}})


def facts(**changes):
    values = {
        "unit": "docker-registry/1",
        "hostname": "juju-1",
        "addresses": {"docker-registry": "10.0.0.1"},
        "http_secret": "hush",
        "image": IMAGE,
        "current": None,
        "stopped": False,
        "on_disk": False,
        "port_held": False,
        "debug_port_held": False,
        "container": None,
        "name_taken": False,
        "own": OWN,
        "users": "",
    }
    return Facts(**{**values, **changes})


def container(status):
    """The registry's container, in a state that Docker has a word for."""
    return Container("registry", status, 1, "sha256:one", {DIGEST_LABEL: "x"}, frozenset(), (), {}, {})


def good():
    return decision.decide(wanted(), facts()).release


def test_the_defaults_give_a_registry_at_port_5000_over_srv_registry():
    release = good()
    assert release.port == 5000
    assert release.container.name == "registry"
    assert release.container.image_id == "sha256:one"
    assert [str(mount) for mount in release.container.mounts] == ["/srv/registry:/var/lib/registry:rw"]
    assert release.http_secret == "hush"


def test_a_release_is_the_same_after_writing_and_reading():
    release = good()
    assert Release.from_files(release.files()) == release
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
    assert Release.from_files(release.files()).digest == release.digest


def test_the_digest_follows_everything():
    digests = {
        decision.decide(wanted(**change), facts(**fact)).release.digest
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
    assert decision.decide(wanted(registry_image="mirror/registry:2.8"), facts(image=other)).release == good()


def test_with_a_problem_the_last_applied_release_stays():
    before = good()
    for planned in (
        decision.decide(wanted(registry_port=0), facts(current=before)),
        decision.decide(
            wanted(registry_port=6000), facts(current=before, port_held=True, container=container("running"))
        ),
        decision.decide(wanted(registry_name="web"), facts(current=before, name_taken=True)),
        decision.decide(wanted(), facts(current=before, image=None, errors=("registry-image: x.",))),
    ):
        assert planned.release == before
        assert len(planned.problems) == 1
        assert planned.serve


def test_with_a_problem_from_the_start_nothing_is_applied():
    assert decision.decide(wanted(registry_port=0), facts()).release is None


def test_no_secret_is_printed():
    assert "hush" not in repr(facts(current=good()))
    assert "hush" not in repr(decision.decide(wanted(**PASSWORD), facts()))


def status(planned, **outcome):
    values = {"serving": True, "netloc": "10.0.0.1:5000", "scheme": "http", "errors": ()}
    said = report.status(planned, report.Outcome(**{**values, **outcome}), "docker-registry/0")
    return said.state, said.summary


def test_status_when_all_is_well():
    assert status(decision.decide(wanted(), facts())) == ("active", "Ready at 10.0.0.1:5000 (http).")


def test_nothing_is_active_without_an_address():
    said = status(decision.decide(wanted(), facts()), serving=False, netloc="", scheme="")
    assert said == ("blocked", f"{report.UNKNOWN()}.")


def test_status_says_what_is_wrong_and_what_serves():
    planned = decision.decide(wanted(registry_port=0), facts(current=good()))
    assert status(planned) == (
        "blocked",
        "registry-port: 0 is not a port. Use a number from 1 to 65535. Still serving at 10.0.0.1:5000 (http).",
    )
    assert status(planned, serving=False, errors=("It is dead.",)) == (
        "blocked",
        "registry-port: 0 is not a port. Use a number from 1 to 65535. (1 more problem: see juju debug-log.)",
    )


def test_the_status_counts_what_it_does_not_show_and_the_report_has_all():
    planned = decision.decide(wanted(registry_port=0, log_level="loud"), facts(current=good(), peers=(peer(0),)))
    said = report.status(planned, report.Outcome(True, "10.0.0.1:5000", "https", ()), "docker-registry/0")
    assert said.summary == (
        f"{planned.problems[0]} (1 more problem and 1 more warning: see juju debug-log.) "
        "Still serving at 10.0.0.1:5000 (https)."
    )
    assert said.faults == (*planned.problems, *planned.warnings)
    assert said.sentences == (*planned.problems, "Still serving at 10.0.0.1:5000 (https).", *planned.warnings)


def test_status_while_stopped_says_how_to_go_on():
    state, message = status(decision.decide(wanted(), facts(stopped=True)), serving=False)
    assert state == "blocked"
    assert message == "Stopped by the action stop. Run `juju run docker-registry/0 start` to start it."


def peer(number, **changes):
    values = {"unit": f"docker-registry/{number}", "address": f"10.0.0.{number}", "port": 5000, "scheme": "http"}
    return relations.Peer(**{**values, **changes})


def test_every_unit_tells_clients_of_the_unit_with_the_lowest_number():
    others = (peer(2), peer(10), peer(3, address="10.0.0.33"))
    seen_by_10 = published.published(wanted(), facts(unit="docker-registry/10", peers=others[::2]), good())
    seen_by_2 = published.published(
        wanted(), facts(unit="docker-registry/2", addresses={"docker-registry": "10.0.0.2"}, peers=others[1:]), good()
    )
    assert (
        seen_by_2.access
        == seen_by_10.access
        == relations.Access("10.0.0.2:5000", "http://10.0.0.2:5000", *[None] * 3, "docker-registry/10")
    )
    assert "backup" not in seen_by_2.services
    assert seen_by_10.services.rstrip().endswith("backup]")


def test_a_peer_of_the_predecessor_answers_at_the_port_of_all():
    old = peer(0, port=None, scheme=None)
    assert published.published(wanted(), facts(peers=(old,)), good()).access.netloc == "10.0.0.0:5000"


def test_an_address_of_ipv6_is_bracketed_in_urls_and_nowhere_else():
    told = published.published(wanted(), facts(addresses={"docker-registry": "fd00::1"}), good())
    assert told.access.netloc == "[fd00::1]:5000"
    assert told.access.url == "http://[fd00::1]:5000"
    assert told.peer == relations.Peer("docker-registry/1", "fd00::1", 5000, "http")
    assert "fd00::1, 5000" in told.services.replace("'", "")


def test_clients_go_to_http_host():
    assert (
        published.published(wanted(http_host="https://reg.example.com/x"), facts(), good()).access.netloc
        == "reg.example.com"
    )


PROXIES = (relations.Proxy("10.0.8.8", ALONE), relations.Proxy("10.0.8.9"))


def access(facts, **config):
    """What clients are told of the registry that comes of the options."""
    asked = wanted(**config)
    return published.published(asked, facts, decision.decide(asked, facts).release).access


def test_clients_go_to_the_proxy_with_its_port_whichever_unit_they_ask():
    behind = facts(peers=(peer(0),), proxies=PROXIES)
    assert access(behind, registry_port=443).netloc == "10.0.8.8:443"
    alone = access(facts(unit="docker-registry/0", proxies=PROXIES), registry_port=443)
    assert alone == access(behind, registry_port=443)
    assert access(behind, http_host="http://reg.example.com").netloc == "reg.example.com"


def test_clients_of_a_proxy_that_ends_tls_trust_whom_it_shows():
    behind = facts(proxies=PROXIES)
    assert access(behind) == relations.Access("10.0.8.8:5000", "http://10.0.8.8:5000", None, None, None, OURS)
    assert access(behind, website_tls="terminate").ca == ALONE
    assert access(behind, website_tls="terminate").url == "https://10.0.8.8:5000"
    encrypted = {"tls_cert_blob": LEAF + BETWEEN, "tls_key_blob": KEY, "tls_ca_blob": ROOT}
    assert access(behind, website_tls="terminate", **encrypted).ca == ROOT
    assert access(behind, **encrypted) == relations.Access(
        "10.0.8.8:5000", "https://10.0.8.8:5000", None, None, ROOT, OURS
    )


def test_the_status_says_where_clients_go():
    for config, there, place in (
        ({}, {"proxies": PROXIES}, ("10.0.8.8:5000", "http, proxied")),
        ({"website_tls": "terminate"}, {"proxies": PROXIES}, ("10.0.8.8:5000", "https, proxied")),
        ({"http_host": "http://reg.example.com"}, {}, ("reg.example.com", "http")),
        ({"http_host": "wrong"}, {}, ("10.0.0.1:5000", "http")),
        ({}, {"peers": (peer(0),)}, ("10.0.0.1:5000", "http")),
    ):
        assert published.place(wanted(**config), facts(**there), good()) == place


ENCRYPTED = {"tls_cert_blob": LEAF + BETWEEN, "tls_key_blob": KEY, "tls_ca_blob": ROOT}
BEHIND = {"http_host": "https://reg.example.com:8443"}
"""TLS that ends at a load balancer nobody here knows."""


@pytest.mark.parametrize(
    ("config", "there", "url", "ca"),
    [
        (BEHIND, {}, "https://reg.example.com:8443", None),
        ({**BEHIND, "tls_ca_blob": ALONE}, {}, "https://reg.example.com:8443", ALONE),
        ({**BEHIND, "tls_ca_blob": ALONE}, {"proxies": PROXIES[1:]}, "https://reg.example.com:8443", ALONE),
        ({**BEHIND, "website_tls": "terminate"}, {"proxies": PROXIES}, "https://reg.example.com:8443", ALONE),
        ({**BEHIND, **ENCRYPTED}, {}, "https://reg.example.com:8443", ROOT),
        ({**BEHIND, "tls_ca_blob": ALONE}, {"offer": True}, "https://reg.example.com:8443", ALONE + ROOT),
        ({"tls_ca_blob": ALONE}, {"offer": True}, "https://10.0.0.1:5000", ROOT),
        ({"tls_ca_blob": ALONE}, {}, "http://10.0.0.1:5000", None),
        ({"http_host": "http://reg.example.com"}, {}, "http://reg.example.com", None),
        ({"http_host": "http://reg.example.com", **ENCRYPTED}, {}, "http://reg.example.com", None),
        ({"http_host": "HTTPS://Reg.example.com/v2/"}, {}, "https://Reg.example.com", None),
        (
            {"http_host": "http://reg.example.com", "website_tls": "terminate"},
            {"proxies": PROXIES},
            "http://reg.example.com",
            None,
        ),
    ],
)
def test_clients_and_the_status_use_the_scheme_of_http_host(config, there, url, ca):
    there = {**there, "offer": relations.Offer(("leaf",), GIVEN)} if "offer" in there else there
    told = access(facts(**there), **config)
    assert (told.url, told.ca) == (url, ca)
    asked = wanted(**config)
    netloc, scheme = published.place(asked, facts(**there), decision.decide(asked, facts(**there)).release)
    assert (scheme.partition(",")[0], netloc) == tuple(url.split("://"))


@pytest.mark.parametrize(
    ("config", "clients", "said"),
    [
        (BEHIND, True, ()),
        ({**BEHIND, "tls_ca_blob": ALONE}, True, ()),
        ({}, True, ("Clients that run containerd",)),
        ({"http_host": "http://reg.example.com"}, True, ("Clients that run containerd",)),
        ({"http_host": "http://reg.example.com"}, False, ()),
        ({"http_host": "http://reg.example.com", **ENCRYPTED}, True, ("http-host: clients are told to use plain",)),
        ({"http_host": "https://reg.example.com/registry"}, True, ("http-host: the path of the URL is ignored.",)),
        ({"http_host": "https://me@reg.example.com/?x=1"}, False, ("http-host: the user, query of the URL is",)),
        ({"tls_ca_blob": ALONE}, False, ("tls-ca-blob: ignored, because clients use no TLS.",)),
        ({"http_host": "https://reg", "tls_ca_blob": ALONE}, False, ("tls-ca-blob: ignored",)),
    ],
)
def test_what_an_operator_should_know_of_http_host(config, clients, said):
    warnings = decision.decide(wanted(**config), facts(clients=clients)).warnings
    warnings = [warning for warning in warnings if "not valid before" not in warning]  # of the test's date
    assert len(warnings) == len(said)
    assert all(one.startswith(start) for one, start in zip(warnings, said, strict=True))


def test_a_ca_that_cannot_be_read_takes_no_ca_from_clients():
    asked = wanted(**BEHIND, tls_ca_blob="x")
    assert published.published(asked, facts(), good()).access is None


def test_the_registrys_own_ca_has_no_client_show_a_certificate():
    encrypted = {"tls_cert_blob": LEAF + BETWEEN, "tls_key_blob": KEY, "tls_ca_blob": ROOT}
    by_options = decision.decide(wanted(**encrypted), facts()).release
    by_relation = decision.decide(wanted(), facts(offer=relations.Offer(("leaf",), GIVEN))).release
    for release in (by_options, by_relation):
        assert release.ca == ROOT
        assert "clientcas" not in yaml.safe_load(release.config_yml)["http"]["tls"]
        assert not release.asks_for_certificates


def test_all_units_are_active_where_they_share_their_storage():
    s3 = {"storage_s3_bucket": "images", "storage_s3_region": "eu-west-1"}
    many = facts(peers=(peer(0),))
    shared = decision.decide(wanted(**s3), many)
    assert "backup" not in published.published(wanted(**s3), many, shared.release).services
    assert shared.warnings == ()
    alone = decision.decide(wanted(), many)
    assert published.published(wanted(), many, alone.release).services.rstrip().endswith("backup]")
    assert alone.warnings == (
        "Each unit keeps its images on its own disk, so an image pushed to one is missing on the others. "
        "Set storage-s3-... or storage-swift-..., or remove the other units.",
    )


def test_clients_that_cannot_pull_by_plain_http_are_a_warning():
    said = (
        "Clients that run containerd cannot pull over plain HTTP. Relate a CA to cert-provider, or set tls-cert-blob."
    )
    assert decision.decide(wanted(), facts(clients=True)).warnings == (said,)
    encrypted = {"tls_cert_blob": LEAF + BETWEEN, "tls_key_blob": KEY}
    assert said not in decision.decide(wanted(**encrypted), facts(clients=True)).warnings
    assert decision.decide(wanted(website_tls="terminate"), facts(clients=True, proxies=PROXIES)).warnings == ()


def test_clients_keep_what_they_know_while_http_host_is_wrong():
    assert published.published(wanted(http_host="reg.example.com"), facts(), good()).access is None


def test_a_certificate_bears_every_name_of_the_unit():
    there = {"docker-registry": "10.0.0.1", "cert-provider": "10.1.0.1"}
    names = request.certificate_names("https://reg.example.com:5000/x/", there, "juju-1", ("10.0.0.99", "10.0.0.1"))
    assert names == ("10.1.0.1", "10.0.0.1", "juju-1", "reg.example.com", "10.0.0.99")
    assert request.certificate_names("wrong", {"docker-registry": "fd00::1"}, "a b", ()) == ("fd00::1",)


GIVEN = relations.Certificate(ROOT, BETWEEN, LEAF, KEY)


def test_what_shall_have_tls_does_not_begin_in_the_clear():
    planned = decision.decide(wanted(), facts(offer=relations.Offer(("leaf",), None)))
    assert planned.release is None
    assert status(planned, serving=False) == (
        "waiting",
        "Waiting for the CA of cert-provider to send a certificate. Check the CA if this takes minutes.",
    )


def test_what_serves_in_the_clear_goes_on_while_a_certificate_is_waited_for():
    planned = decision.decide(wanted(), facts(current=good(), offer=relations.Offer(("leaf",), None)))
    assert planned.release == good()
    assert status(planned) == (
        "waiting",
        "Waiting for the CA of cert-provider to send a certificate. Check the CA if this takes minutes. "
        "Still serving at 10.0.0.1:5000 (http).",
    )


def test_the_certificate_of_the_relation_is_presented_with_its_chain_and_goes_with_it():
    release = decision.decide(wanted(), facts(offer=relations.Offer(("leaf",), GIVEN))).release
    assert (release.scheme, release.certificate, release.ca) == ("https", LEAF + BETWEEN, ROOT)
    assert release.has_certificate_of_relation
    assert Release.from_files(release.files()) == release
    assert decision.decide(wanted(), facts(current=release)).release == good()


def test_the_text_of_the_facts_shows_no_secret():
    certificate = relations.Certificate("CA", "", "CERT", "KEY-HUSH")
    text = repr(facts(current=good(), offer=relations.Offer((), certificate)))
    assert "hush" not in text.lower()


def names(text):
    return [line.partition(":")[0] for line in text.splitlines()]


def test_users_are_a_file_beside_the_release_which_knows_none_of_them():
    one = decision.decide(wanted(**PASSWORD), facts())
    two = decision.decide(wanted(auth_basic_users="me: other"), facts())
    assert one.release == two.release
    assert "/etc/docker/registry/auth:/auth:ro" in map(str, one.release.container.mounts)
    assert names(one.users) == ["juju-docker-registry", "admin"]
    assert names(two.users) == ["juju-docker-registry", "me"]


def test_users_stay_as_they_are_until_one_changes():
    before = decision.decide(wanted(**PASSWORD), facts()).users
    assert decision.decide(wanted(**PASSWORD), facts(users=before)).users == before
    costly = decision.decide(wanted(**PASSWORD, auth_basic_bcrypt_cost=4), facts(users=before)).users
    assert [line.split("$")[2] for line in costly.splitlines()] == ["04", "04"]


def test_users_are_applied_although_another_option_is_wrong():
    before = decision.decide(wanted(**PASSWORD), facts())
    later = decision.decide(
        wanted(**PASSWORD, auth_basic_users="me: x", registry_port=0), facts(current=before.release, users=before.users)
    )
    assert later.release == before.release
    assert names(later.users) == ["juju-docker-registry", "admin", "me"]


def test_wrong_users_leave_those_from_before_and_whoever_is_lost_stays_out():
    before = decision.decide(wanted(**PASSWORD), facts())
    bad = wanted(auth_basic_users="me")
    assert decision.decide(bad, facts(current=before.release, users=before.users)).users is None
    assert names(decision.decide(bad, facts(current=before.release)).users) == ["juju-docker-registry"]


def test_users_are_written_for_a_registry_that_asks_them():
    planned = decision.decide(wanted(**PASSWORD, registry_port=0), facts(current=good()))
    assert planned.release.authentication == "htpasswd"
    assert "admin:" in planned.users
    assert decision.decide(wanted(), facts(current=good())).users is None


def test_tokens_bring_the_certificates_of_their_server_along():
    token = {option.replace("-", "_"): value for option, value in TOKEN.items()}
    release = decision.decide(wanted(**token), facts()).release
    assert release.authentication == "token"
    assert release.files()["token-ca.pem"] == CERTIFICATE
    assert Release.from_files(release.files()) == release


def test_what_runs_beside_lets_in_the_charm_alone_over_the_same_data():
    for asked in (PASSWORD, {option.replace("-", "_"): value for option, value in TOKEN.items()}):
        release = decision.decide(wanted(**asked), facts()).release
        beside = release.loopback(OWN)
        assert beside.authentication == "htpasswd"
        assert beside.container.name == "registry-loopback"
        assert [str(mount) for mount in beside.container.mounts] == ["/srv/registry:/var/lib/registry:rw"]
        assert yaml.safe_load(beside.config_yml)["auth"]["htpasswd"]["path"] == "/etc/docker/registry/htpasswd"
        assert names(beside.files()["htpasswd"]) == ["juju-docker-registry"]
        assert beside.http_secret == release.http_secret


def test_clients_are_given_the_first_user():
    release = decision.decide(wanted(**PASSWORD), facts()).release
    access = published.published(wanted(**PASSWORD), facts(), release).access
    assert (access.user, access.password) == ("admin", "pw-hush")
    access = published.published(wanted(auth_basic_users="me: x"), facts(), release).access
    assert (access.user, access.password) == (None, None)


def test_clients_keep_what_they_know_until_the_registry_asks_what_was_wanted():
    closed = decision.decide(wanted(**PASSWORD), facts()).release
    assert published.published(wanted(**PASSWORD), facts(), good()).access is None
    assert published.published(wanted(), facts(), closed).access is None
    assert published.published(wanted(auth_basic_users="me"), facts(), closed).access is None


def test_clients_without_credentials_are_a_warning_where_there_are_clients():
    users = wanted(auth_basic_users="me: x")
    assert status(decision.decide(users, facts())) == ("active", "Ready at 10.0.0.1:5000 (http).")
    said = "Clients over the relation docker-registry get no credentials. Set auth-basic-password, and auth-basic-user "
    warnings = decision.decide(users, facts(clients=True)).warnings
    assert warnings[0] == f"{said}with it."
    assert status(decision.decide(users, facts(clients=True))) == (
        "active",
        f"Ready at 10.0.0.1:5000 (http). {warnings[0]} (1 more warning: see juju debug-log.)",
    )
    assert warnings[0] not in decision.decide(wanted(**PASSWORD), facts(clients=True)).warnings


def told(unit, *peers, **changes):
    """What the unit tells clients while these are its peers."""
    there = facts(unit=unit, peers=tuple(relations.Peer(peer, "10.0.0.9", 5000, "http") for peer in peers), **changes)
    return published.published(wanted(), there, good())


def test_every_unit_names_the_one_whose_word_counts_with_clients():
    # They compare names as strings.
    names = [f"docker-registry/{number}" for number in (2, 10, 9)]
    found = {told(name, *(other for other in names if other != name)).access.unit for name in names}
    assert found == {"docker-registry/10"}
    assert told("docker-registry/2").access.unit == "docker-registry/2"


def test_while_the_primary_speaks_otherwise_clients_are_told_nothing_new():
    peers = (relations.Peer("docker-registry/0", "10.0.0.9", 5000, "https"),)
    assert published.published(wanted(), facts(peers=peers), good()).access is None
    unsaid = (relations.Peer("docker-registry/0", "10.0.0.9", None, None),)
    assert published.published(wanted(), facts(peers=unsaid), good()).access.netloc == "10.0.0.9:5000"


def test_an_idle_hook_verifies_no_password():
    asked = {**PASSWORD, "auth_basic_users": "me: two", "auth_basic_bcrypt_cost": 4}
    first = decision.decide(wanted(**asked), facts(verdicts=htpasswd.Verdicts(b"key")))
    assert len(first.verdicts.digests) == 3
    again = decision.decide(wanted(**asked), facts(current=first.release, users=first.users, verdicts=first.verdicts))
    assert (again.users, again.verdicts) == (first.users, first.verdicts)
    wrong = decision.decide(
        wanted(**{**asked, "auth_basic_users": "x"}),
        facts(current=first.release, users=first.users, verdicts=first.verdicts),
    )
    assert (wrong.users, wrong.verdicts) == (None, first.verdicts)


@pytest.mark.parametrize(
    ("published", "address", "bound"),
    [("", "10.0.0.1", {}), ("127.0.0.1", "10.0.0.1", {"5000": "0.0.0.0"}), ("::1", "fd00::1", {"5000": "::"})],
)
def test_clients_reach_the_port_where_docker_publishes_for_the_machine_only(published, address, bound):
    known = facts(published_address=published, addresses={"docker-registry": address})
    assert decision.decide(wanted(), known).release.container.addresses == bound


@pytest.mark.parametrize(
    ("options", "is_new"),
    [
        ({"daemon-opts": "dns: [1.1.1.1]"}, True),
        ({"docker-opts": "--default-ulimit nofile=9:9"}, True),
        ({"daemon-opts": "{log-driver: journald, mtu: 1400}"}, False),
    ],
)
def test_a_container_is_created_again_for_settings_that_it_takes_over_then_only(options, is_new):
    assert (decision.decide(wanted(**options), facts()).release != good()) is is_new
