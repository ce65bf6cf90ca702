"""While one option is wrong, or something is waited for, everything else is applied, and nothing is opened by half."""

import dataclasses
import functools

import pytest
import yaml
from authority import ALONE, ALONE_KEY, ROOT
from registry.formats.relations import Bucket, Offer
from registry.message import Sentence
from registry.options.options import Options
from registry.plan import decision
from registry.release import parts
from registry.release.image import Image
from registry.release.parts import Part
from test_authentication import TOKEN
from test_contract import BY_FACTS, CHANGES, S3
from test_options import CONFIG, DEFAULTS
from test_plan import IMAGE, container, facts
from test_tls import TLS

USERS = {"auth-basic-users": "a: one\nb: two"}
JUNK = dict.fromkeys(TLS, "")
CLIENT_CA = {"tls-client-ca-blob": ROOT}


def options(config, bucket=None):
    return Options.from_config({**DEFAULTS, **config}).with_bucket(bucket)


@functools.cache
def _deployed(*config):
    planned = decision.decide(options(dict(config)), facts())
    assert planned.problems == ()
    return planned


def applied(config):
    return _deployed(*config.items()).release


@pytest.fixture(autouse=True)
def parsed_by_libyaml(monkeypatch):
    """Half of a decision's time is PyYAML in Python."""
    monkeypatch.setattr(yaml, "SafeLoader", yaml.CSafeLoader)
    monkeypatch.setattr(yaml, "SafeDumper", yaml.CSafeDumper)


def config(release):
    return yaml.safe_load(release.config_yml)


def decide(config, before, bucket=None, **changes):
    users = _deployed(*before.items()).users or ""
    known = facts(**{"current": applied(before), "users": users, "container": container("running"), **changes})
    return decision.decide(options(config, bucket), known)


BEFORE = {**TLS, **S3, "storage-delete": True}
"""What runs: open to everybody, encrypted, with its images in a bucket."""

HINDRANCES = {
    "CA that does not answer": (JUNK, {"offer": Offer(("registry",), None)}, {Part.CERTIFICATE}),
    "CA that refuses": (JUNK, {"offer": Offer(("registry",), None, "no")}, {Part.CERTIFICATE}),
    "bucket": (dict.fromkeys(S3, ""), {"bucket": Bucket()}, {Part.DATA}),
    "image": ({}, {"image": None, "errors": (Sentence("registry-image: no route."),)}, {Part.IMAGE}),
    "port in use": ({"registry-port": 6000}, {"port_held": True}, {Part.PORTS}),
    "name in use": ({"registry-name": "web"}, {"name_taken": True}, {Part.NAME}),
    "unsupported": ({"storage-s3-accelerate": True, "storage-s3-region": ""}, {}, {Part.DATA}),
    **{
        f"{option}={value!r}": ({option: value}, {}, held)
        for option, value, held in (
            ("auth-basic-bcrypt-cost", 99, {Part.AUTHENTICATION}),
            ("storage-purge-age", "soon", {Part.DATA}),
            ("cache-remoteurl", "x", {Part.DATA}),
            ("container-cpu-limit", "many", {Part.LIMITS}),
            ("container-memory-limit", "much", {Part.LIMITS}),
            ("debug-address", "here", {Part.PORTS}),
            ("debug-port", 0, {Part.PORTS}),
            ("drain-timeout", -1, {Part.DRAIN}),
            ("http-host", "x", set()),
            ("http_proxy", "x y", {Part.DATA}),
            ("log-level", "loud", {Part.LOG}),
            ("log-format", "xml", {Part.LOG}),
            ("log-max-size", "much", {Part.LIMITS}),
            ("nagios_context", "a b", set()),
            ("registry-http-proxy", "x y", {Part.DATA}),
            ("registry-image", "X y", {Part.IMAGE}),
            ("registry-name", "/", {Part.NAME}),
            ("registry-port", 0, {Part.PORTS}),
            ("storage-cache", "some", {Part.DATA}),
            ("storage-purge-age", "old", {Part.DATA}),
            ("storage-s3-chunksize", 1, {Part.DATA}),
            ("storage-s3-secretkey", "only", {Part.DATA}),
            ("tls-ca-blob", "junk!", {Part.CERTIFICATE}),
            ("tls-cert-blob", "junk!", {Part.CERTIFICATE}),
            ("tls-cert-path", "x", {Part.CERTIFICATE}),
            ("tls-client-ca-blob", "junk!", {Part.CLIENT_CA}),
            ("tls-key-blob", ALONE_KEY, {Part.CERTIFICATE}),
            ("tls-minimum-version", "ssl3", {Part.MINIMUM_TLS}),
            ("website-check-fall", 0, set()),
            ("website-tls", "x", {Part.CLIENT_CA}),
        )
    },
}
"""What is wrong or waited for: options, facts, and the parts that it holds."""

EFFECTS = {
    "users": (USERS, Part.AUTHENTICATION, lambda one: one.authentication == "htpasswd"),
    "tokens": (TOKEN, Part.AUTHENTICATION, lambda one: one.authentication == "token"),
    "client CA": (CLIENT_CA, Part.CLIENT_CA, lambda one: one.asks_for_certificates),
    "read-only": ({"storage-read-only": True}, None, lambda one: one.is_read_only),
    "no deletion": (
        {"storage-delete": False},
        None,
        lambda one: not config(one)["storage"]["delete"]["enabled"],
    ),
    "certificate": (
        {"tls-cert-blob": ALONE, "tls-key-blob": ALONE_KEY, "tls-ca-blob": ""},
        Part.CERTIFICATE,
        lambda one: one.certificate == ALONE,
    ),
    "TLS 1.3": (
        {"tls-minimum-version": "tls1.3"},
        Part.MINIMUM_TLS,
        lambda one: config(one)["http"]["tls"]["minimumtls"] == "tls1.3",
    ),
    "log": ({"log-level": "debug"}, Part.LOG, lambda one: config(one)["log"]["level"] == "debug"),
    "memory": ({"container-memory-limit": "1g"}, Part.LIMITS, lambda one: one.container.memory == 1 << 30),
    "port": ({"registry-port": 6001}, Part.PORTS, lambda one: one.port == 6001),
    "name": ({"registry-name": "images"}, Part.NAME, lambda one: one.container.name == "images"),
    "drain": ({"drain-timeout": 7}, Part.DRAIN, lambda one: one.drain_seconds == 7),
}
"""What is changed at the same time: options, the part that it is in, and how it is seen. Some are never held."""


def test_nothing_is_seen_of_a_change_before_it():
    assert not [effect for effect, (_, _, is_seen) in EFFECTS.items() if is_seen(applied(BEFORE))]


@pytest.mark.parametrize("hindrance", HINDRANCES)
def test_what_can_change_is_applied_and_what_cannot_is_said(hindrance):
    wrong, around, held = HINDRANCES[hindrance]
    number = list(HINDRANCES).index(hindrance)
    for effect, (change, part, is_seen) in EFFECTS.items():
        # All that it holds, and every fourth of the others, each beside a fourth of the hindrances.
        number += part not in held
        if not wrong.keys() & change.keys() and (part in held or number % 4 == 0):  # one option cannot be both
            check_effect(effect, wrong, around, held, change, part, is_seen)


def check_effect(effect, wrong, around, held, change, part, is_seen):
    planned = decide({**BEFORE, **change, **wrong}, BEFORE, **around)
    assert planned.problems or planned.waiting
    assert is_seen(planned.release) == (part not in held), effect


@pytest.mark.parametrize("hindrance", HINDRANCES)
def test_what_is_held_is_as_it_was_and_settles(hindrance):
    wrong, around, _ = HINDRANCES[hindrance]
    planned = decide({**BEFORE, **wrong}, BEFORE, **around)
    assert planned.release.files() == applied(BEFORE).files()
    assert planned.outdated == ()


@pytest.mark.parametrize("hindrance", HINDRANCES)
def test_nothing_is_applied_to_a_new_unit(hindrance):
    wrong, around, held = HINDRANCES[hindrance]
    assert (
        not held
        or decide({**BEFORE, **wrong}, BEFORE, **{**around, "current": None, "container": None}).release is None
    )


CLOSED = {
    "users": (
        USERS,
        {"auth-basic-users": ""},
        lambda one: one.authentication == "htpasswd",
        "Authentication is",
        Part.AUTHENTICATION,
    ),
    "tokens": (
        TOKEN,
        dict.fromkeys(TOKEN, ""),
        lambda one: one.authentication == "token",
        "Authentication is",
        Part.AUTHENTICATION,
    ),
    "client CA": (
        CLIENT_CA,
        {"tls-client-ca-blob": ""},
        lambda one: one.asks_for_certificates,
        "Client certificates are",
        Part.CLIENT_CA,
    ),
    "TLS": ({}, {"tls-cert-path": ""}, lambda one: one.scheme == "https", "TLS is", Part.CERTIFICATE),
    "read-only": (
        {"storage-read-only": True},
        {"storage-read-only": False},
        lambda one: one.is_read_only,
        None,
        Part.DATA,
    ),
}


@pytest.mark.parametrize("hindrance", HINDRANCES)
def test_half_a_change_opens_nothing(hindrance):
    """Passwords given up for client certificates whose CA is misspelt, for example, would leave nobody asked."""
    for opening in CLOSED.values():
        check_opening(*HINDRANCES[hindrance], *opening)


def check_opening(wrong, around, held, closed, change, is_closed, words, part):
    before = {**BEFORE, **closed}
    if wrong.keys() & (change.keys() | closed.keys()):
        return
    planned = decide({**before, **change, **wrong}, before, **around)
    is_access = planned.problems and held & parts.ACCESS
    stays = part in held if words is None else is_access
    if not planned.waiting:
        assert is_closed(planned.release) == bool(stays)
    if stays and words and part not in held:
        assert any(warning.startswith(words) for warning in planned.warnings)


@pytest.mark.parametrize("before", [USERS, TOKEN], ids=["users", "tokens"])
@pytest.mark.parametrize("offer", [Offer(("registry",), None), Offer(("registry",), None, "no")], ids=["silent", "no"])
def test_passwords_stay_until_client_certificates_can_be_asked_for(before, offer):
    """Without a certificate of its own, a registry asks clients for none: nobody would be kept out."""
    planned = decide(CLIENT_CA, before, offer=offer)
    assert planned.waiting
    assert planned.release.authentication == applied(before).authentication
    assert planned.warnings[-1].startswith("Authentication is still required")
    assert decide({}, before, offer=offer).release.authentication is None, "without them, it was meant so"


def test_a_new_image_of_another_generation_waits_for_the_storage():
    three = Image("registry:3", "sha256:three", "3.0.0")
    held = decide({**BEFORE, "storage-cache": "some"}, BEFORE, image=three)
    assert held.release == applied(BEFORE)
    two = dataclasses.replace(IMAGE, id="sha256:two")
    assert decide({**BEFORE, "storage-cache": "some"}, BEFORE, image=two).release.container.image_id == "sha256:two"


def test_a_cache_does_not_become_read_only_by_half():
    cache = {"cache-remoteurl": "https://registry-1.docker.io"}
    planned = decide({**S3, "storage-s3-region": "", "storage-read-only": True}, cache)
    assert planned.release == applied(cache)


@pytest.mark.parametrize("option", sorted(CHANGES.keys() & CONFIG.keys() - BY_FACTS.keys()))
def test_an_option_changes_the_parts_that_it_is_said_to_make(option):
    base, value = CHANGES[option]
    config = {**base, option: value}
    if any(decision.decide(options(one), facts()).problems for one in (base, config)):
        return
    before, after = (parts._fields(applied(one)) for one in (base, config))
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    certificate = {path for path in changed if path[0] == "others" and path not in parts.OWNERS}
    certificate |= {path for path in changed if path[:3] == ("config", "http", "tls") and path not in parts.OWNERS}
    made = {parts.OWNERS[path] for path in changed - certificate} | ({Part.CERTIFICATE} if certificate else set())
    if option != "tls-cert-path":  # without TLS, the other parts of it go too
        assert made <= parts.parts_of(option)


def test_a_value_of_blanks_opens_nothing_and_holds_nothing_else_back():
    for before in (USERS, TOKEN, {**TLS, **CLIENT_CA}, {"auth-basic-user": "me", "auth-basic-password": "pw"}):
        closed = applied(before)
        for option in before:
            planned = decide({**before, option: " \n", "storage-delete": True}, before)
            blank = f"{option}: the value consists of blanks only. Set one, or reset the option."
            assert blank in planned.problems
            assert (planned.release.authentication, planned.release.scheme) == (closed.authentication, closed.scheme)
            assert planned.release.asks_for_certificates == closed.asks_for_certificates
            assert planned.users in (None, _deployed(*before.items()).users)
            assert config(planned.release)["storage"]["delete"]["enabled"]


def test_more_cpus_than_the_machine_has_hold_nothing_else_back():
    for limit, cpus, is_wrong in (("2.5", 2, True), ("2", 2, False), ("0.5", 1, False), ("64", 0, False)):
        planned = decide({**USERS, "container-cpu-limit": limit}, {}, cpus=cpus)
        assert planned.release.authentication == "htpasswd"
        assert bool(planned.problems) is is_wrong
        assert bool(planned.release.container.nano_cpus) is not is_wrong
    said = decide({"container-cpu-limit": "2.5"}, {}, cpus=2).problems
    assert said == ("container-cpu-limit: the machine has 2 CPUs, and Docker accepts no higher limit. Use 2 or less.",)
