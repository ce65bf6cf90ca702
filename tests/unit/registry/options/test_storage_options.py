"""Where the images are kept, and how."""

import dataclasses

import pytest
import yaml
from authority import ROOT
from registry.formats.relations import Bucket
from registry.options import options, s3, swift
from registry.plan import decision
from registry.release import configuration, container, filenames
from registry.release.image import Image
from registry.release.release import Release
from test_certificates import NOT_PEM
from test_options import CONFIG, DEFAULTS, UNREADABLE
from test_plan import facts

NOT_A_DURATION = "is not a duration. Use hours or minutes, for example 168h or 90m"
NO_SCHEME = "has no http or https scheme. Begin it with http:// or https://"


def asked(**changes):
    return options.Options.from_config({**DEFAULTS, **{k.replace("_", "-"): v for k, v in changes.items()}})


def section(**changes):
    return yaml.safe_load(configuration.config_yml(asked(**changes), "hush", 2))["storage"]


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("storage_cache", "redis", "'redis' is not supported. Use one of inmemory, disabled"),
        ("storage_cache", "", "'' is not supported. Use one of inmemory, disabled"),
        ("storage_purge_age", "168", f"'168' {NOT_A_DURATION}"),
        ("storage_purge_age", "0h", f"'0h' {NOT_A_DURATION}"),
        ("storage_purge_interval", "", f"'' {NOT_A_DURATION}"),
        ("storage_purge_interval", "-1h", f"'-1h' {NOT_A_DURATION}"),
    ],
)
def test_a_wrong_value_is_a_sentence(option, value, text):
    assert asked(**{option: value}).sentences == (f"{option.replace('_', '-')}: {text}.",)


def test_no_cache_is_no_section():
    assert "cache" not in section(storage_cache="disabled")


def test_purging_has_all_its_keys_or_the_registry_panics():
    keys = {"enabled", "age", "interval", "dryrun"}
    for changes, enabled in [({}, True), ({"storage_purge_age": ""}, False), ({"storage_read_only": True}, False)]:
        found = section(**changes)["maintenance"]["uploadpurging"]
        assert found.keys() == keys
        assert found["enabled"] is enabled
        assert isinstance(found["age"], str) and isinstance(found["interval"], str)


def sentences(**changes):
    return asked(**changes).sentences


BUCKET = {"storage_s3_bucket": "images", "storage_s3_region": "eu-west-1"}
NOT_A_CLASS = (
    "'cold' is not supported. Use one of STANDARD, REDUCED_REDUNDANCY, NONE, STANDARD_IA, ONEZONE_IA, "
    "INTELLIGENT_TIERING, OUTPOSTS, GLACIER_IR."
)
NEW_CLASS = "'GLACIER_IR' is not supported by registry 2. Use one of STANDARD, REDUCED_REDUNDANCY, NONE."
OLD_SIGNATURES = "Amazon S3 does not accept signatures of version 2, which false requests. Reset this option."
SWIFT = {
    "storage_swift_authurl": "http://swift:8080/auth/v1.0",
    "storage_swift_username": "me",
    "storage_swift_password": "pw-hush",
}


def test_the_defaults_of_the_stores_are_those_of_the_options():
    for driver, kind in (("s3", s3.S3), ("swift", swift.Swift)):
        for field in dataclasses.fields(kind):
            if field.name == "ca":  # of the relation alone
                continue
            default = CONFIG[f"storage-{driver}-{field.name.replace('_', '-')}"].get("default") or field.default
            assert default == field.default, field.name


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"storage_s3_encrypt": True, "storage_s3_bucket": "b"},
            "storage-s3-region: not set, but required for S3. Set a value or reset all storage-s3-... options.",
        ),
        (
            {**BUCKET, "storage_s3_accesskey": "k"},
            "storage-s3-secretkey: not set, but storage-s3-accesskey is set. Set both or neither.",
        ),
        (
            {**BUCKET, "storage_s3_secretkey": "k"},
            "storage-s3-accesskey: not set, but storage-s3-secretkey is set. Set both or neither.",
        ),
        (
            {**BUCKET, "storage_s3_chunksize": 1},
            "storage-s3-chunksize: 1 is out of range. Use a number from 5242880 to 5368709120 bytes.",
        ),
        (
            {**BUCKET, "storage_s3_multipartcopymaxconcurrency": 0},
            "storage-s3-multipartcopymaxconcurrency: 0 is out of range. Use a number from 1 to 10000.",
        ),
        (
            {**BUCKET, "storage_s3_loglevel": "all"},
            "storage-s3-loglevel: 'all' is not supported. Use one of off, debug, debugwithsigning, debugwithhttpbody, "
            "debugwithrequestretries, debugwithrequesterrors, debugwitheventstreambody.",
        ),
        (
            {**BUCKET, "storage_s3_objectacl": "all"},
            "storage-s3-objectacl: 'all' is not supported. Use one of private, public-read, public-read-write, "
            "authenticated-read, aws-exec-read, bucket-owner-read, bucket-owner-full-control.",
        ),
        ({**BUCKET, "storage_s3_storageclass": "cold"}, f"storage-s3-storageclass: {NOT_A_CLASS}"),
        ({**BUCKET, "storage_s3_regionendpoint": "ftp://s3"}, f"storage-s3-regionendpoint: 'ftp://s3' {NO_SCHEME}."),
        (
            {**BUCKET, "storage_s3_skip_v4_auth": False},
            f"storage-s3-skip-v4-auth: {OLD_SIGNATURES}",
        ),
        (
            {**SWIFT, "storage_swift_username": ""},
            "storage-swift-username: not set, but required for Swift. "
            "Set a value or reset all storage-swift-... options.",
        ),
        ({**SWIFT, "storage_swift_authurl": "swift"}, f"storage-swift-authurl: 'swift' {NO_SCHEME}."),
        (
            {**SWIFT, "storage_swift_authurl": "http://keystone:5000"},
            "storage-swift-authurl: 'http://keystone:5000' contains none of v1, v2 and v3. "
            "Use the URL of a version, such as http://HOST:5000/v3.",
        ),
        (
            {**BUCKET, **SWIFT},
            "storage-s3-bucket, storage-swift-authurl: S3 and Swift are both configured. "
            "Reset all options of one of them.",
        ),
    ],
)
def test_half_a_store_is_a_sentence(changes, sentence):
    assert sentences(**changes) == (sentence,)


@pytest.mark.parametrize(
    ("url", "domain", "written"),
    [
        ("http://swift:8080/auth/v1.0", "", None),
        ("http://keystone:5000/v2.0", "", None),
        ("http://keystone:5000/v3", "", "Default"),
        ("http://keystone:5000/v3/", "acme", "acme"),
    ],
)
def test_keystone_version_3_always_gets_a_domain(url, domain, written):
    wanted = asked(**SWIFT | {"storage_swift_authurl": url, "storage_swift_domain": domain})
    assert wanted.storage.swift.parameters().get("domain") == written


def planned(version, **changes):
    return decision.decide(asked(**changes), facts(image=Image("registry:2", "sha256:one", version)))


def test_an_option_that_a_generation_does_not_support_is_a_sentence():
    assert planned("3.0.0", **SWIFT).problems == (
        "storage-swift-authurl: registry 3 does not support Swift. Use an image of 2.8, such as registry:2.",
    )
    assert planned("2.8.3", **SWIFT).problems == ()
    cold = {**BUCKET, "storage_s3_storageclass": "GLACIER_IR"}
    assert planned("2.8.3", **cold).problems == (f"storage-s3-storageclass: {NEW_CLASS}",)
    assert planned("3.0.0", **cold).problems == ()


def test_an_option_that_a_generation_does_not_know_is_ignored_with_a_warning():
    later = {**BUCKET, "storage_s3_accelerate": True, "storage_s3_forcepathstyle": True}
    old, new = planned("2.8.3", **later), planned("3.1.2", **later)
    assert old.warnings == (
        "storage-s3-accelerate, storage-s3-forcepathstyle: ignored, because registry 2.8.3 does not support it. "
        "Reset it or set another registry-image.",
    )
    assert old.release.config_yml == planned("2.8.3", **BUCKET).release.config_yml
    assert new.warnings == ()
    assert (
        planned("2.8.3", **later, storage_s3_regionendpoint="s3:9000").warnings[0].startswith("storage-s3-accelerate:")
    )


def test_the_path_style_of_an_endpoint_is_the_same_for_both_generations():
    endpoint = asked(**BUCKET, storage_s3_regionendpoint="http://s3:9000").storage.s3
    assert "forcepathstyle" not in endpoint.parameters(2)
    assert endpoint.parameters(3)["forcepathstyle"] is True


UNSET = "no effect, because {0} is not set. Change {0} or reset this."
KEYS = {"storage_s3_accesskey": "k", "storage_s3_secretkey": "s"}


@pytest.mark.parametrize("half", [{**KEYS}, {**SWIFT, "storage_swift_authurl": ""}, {"storage_s3_region": "eu-west-1"}])
def test_a_store_that_loses_half_of_its_options_is_not_given_up_for_an_empty_disk(half):
    whole = {**BUCKET, **KEYS} if "storage_s3_bucket" not in half and "storage_swift_username" not in half else SWIFT
    before = planned("2.8.3", **whole).release
    after = decision.decide(asked(**half), facts(current=before))
    assert after.release == before
    assert [line.partition(": not set, but required")[0] for line in after.problems] in (
        ["storage-s3-bucket"],
        ["storage-swift-authurl"],
    )
    assert not decision.decide(asked(), facts(current=before)).release.is_shared, "all of them are reset"
    assert not decision.decide(asked(**half), facts(current=before, on_disk=True)).release.is_shared


def test_half_of_a_store_beside_the_relation_is_a_sentence():
    assert related(storage_s3_region="eu-west-1").problems == (
        "storage-s3-bucket: not set, but required for S3. Set a value or reset all storage-s3-... options.",
    )


def test_signatures_are_of_version_4_by_default():
    assert "v4auth" not in asked(**BUCKET).storage.s3.parameters(2)
    old = asked(**BUCKET, storage_s3_regionendpoint="http://s3:9000", storage_s3_skip_v4_auth=False)
    assert old.storage.s3.parameters(2)["v4auth"] is False


def test_with_an_object_store_the_container_has_nothing_of_the_machine_but_its_configuration():
    release = planned("2.8.3", **BUCKET).release
    assert release.container.mounts == ()
    assert container.create_body(release.container, "/x", "x")["HostConfig"]["CapAdd"] == []
    on_disk = planned("2.8.3").release
    assert container.create_body(on_disk.container, "/x", "x")["HostConfig"]["CapAdd"] == ["DAC_OVERRIDE"]


def test_keys_of_a_store_may_be_in_one_secret_and_are_never_shown():
    config = {**BUCKET, "storage_s3_accesskey": "secret:1", "storage_s3_secretkey": "secret:1"}
    config = {**DEFAULTS, **{k.replace("_", "-"): v for k, v in config.items()}}
    found = options.Options.from_config(config, lambda uri: {"accesskey": "hush-a", "secretkey": "hush-s"})
    assert (found.storage.s3.accesskey, found.storage.s3.secretkey) == ("hush-a", "hush-s")
    assert "hush" not in repr(found) + repr(asked(**SWIFT))


def test_registry_3_sends_no_traces():
    assert planned("3.0.0").release.container.environment == {"OTEL_TRACES_EXPORTER": "none"}
    assert planned("2.8.3").release.container.environment == {}


GIVEN = Bucket(
    bucket="given",
    accesskey="ak",
    secretkey="hush",
    endpoint="https://s3.local",
    path="/images",
    storageclass="STANDARD",
    signature="4",
    ca=ROOT,
)


def related(given=GIVEN, current=None, on_disk=False, **changes):
    """The plan with the relation s3-credentials."""
    return decision.decide(asked(**changes).with_bucket(given), facts(current=current, on_disk=on_disk))


def test_a_relation_gives_bucket_keys_and_whom_to_trust():
    planned = related(storage_s3_chunksize=6 * 1024**2)
    assert planned.problems == planned.warnings == ()
    config = yaml.safe_load(planned.release.config_yml)
    assert config["storage"]["s3"] == {
        "accesskey": "ak",
        "bucket": "given",
        "chunksize": 6 * 1024**2,
        "region": "us-east-1",
        "regionendpoint": "https://s3.local",
        "rootdirectory": "/images",
        "secretkey": "hush",
    }
    assert planned.release.others[filenames.TRUSTED_CA] == ROOT
    assert planned.release.container.environment["SSL_CERT_FILE"] == "/etc/docker/registry/store-ca.pem"
    assert planned.release.is_shared and planned.release.has_bucket_of_relation
    assert Release.from_files(planned.release.files()) == planned.release
    assert "hush" not in repr(GIVEN)


def test_a_relation_without_a_ca_leaves_the_images_own():
    release = related(dataclasses.replace(GIVEN, ca="", signature="2", region="eu")).release
    assert release.container.environment == {}
    assert filenames.TRUSTED_CA not in release.others
    assert "v4auth: false" in release.config_yml and 'region: "eu"' in release.config_yml


BUCKET_AWAITED = "Waiting for s3-credentials to send a bucket and its keys. Check the integrator if this takes minutes."


@pytest.mark.parametrize("missing", ["bucket", "accesskey", "secretkey"])
def test_what_shall_have_a_bucket_does_not_begin_on_the_disk(missing):
    half = dataclasses.replace(GIVEN, **{missing: ""})
    planned = related(half, storage_s3_chunksize=6 * 1024**2)
    assert (planned.problems, planned.release, planned.waiting) == ((), None, (BUCKET_AWAITED,))
    before = decision.decide(asked(), facts()).release
    planned = related(half, current=before, log_level="debug")
    assert 'level: "debug"' in planned.release.config_yml, "another option counts meanwhile"
    assert (planned.release.is_shared, planned.waiting) == (False, (BUCKET_AWAITED,))


def test_options_take_precedence_over_the_relation_with_a_warning():
    for changes in (BUCKET, SWIFT):
        planned = related(**changes)
        assert not planned.release.has_bucket_of_relation
        assert planned.release.config_yml == decision.decide(asked(**changes), facts()).release.config_yml
        assert planned.warnings == (
            "s3-credentials: the options storage-... take precedence over its bucket. "
            "Reset them or remove the relation.",
        )


@pytest.mark.parametrize("given", [None, Bucket(), dataclasses.replace(GIVEN, secretkey="")])
def test_images_do_not_vanish_with_the_relation(given):
    before = related().release
    planned = related(given, current=before)
    assert planned.release == before
    assert planned.problems == (
        "s3-credentials: the relation provides no bucket any more. Relate the integrator again, set storage-s3-..., "
        "or run `juju run docker-registry/1 start` to serve from the unit's disk.",
    )
    assert not related(None, current=before, on_disk=True).release.is_shared
    assert related(None, current=before, **SWIFT).release.swift
    assert related(dataclasses.replace(GIVEN, bucket="next"), current=before).problems == ()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"endpoint": "ftp://x"}, f"s3-credentials (endpoint): 'ftp://x' {NO_SCHEME}."),
        ({"storageclass": "cold"}, f"s3-credentials (storage-class): {NOT_A_CLASS}"),
        ({"storageclass": "GLACIER_IR"}, f"s3-credentials (storage-class): {NEW_CLASS}"),
        ({"ca": "junk"}, f"s3-credentials (tls-ca-chain): {NOT_PEM}."),
        ({"endpoint": "", "signature": "2"}, f"s3-credentials (s3-api-version): {OLD_SIGNATURES}"),
        ({"error": UNREADABLE(uri="secret:x"), "secretkey": ""}, "s3-credentials: secret:x cannot be read. Grant it."),
    ],
)
def test_a_wrong_value_of_the_relation_is_a_sentence_with_its_own_key(change, sentence):
    assert related(dataclasses.replace(GIVEN, **change)).problems == (sentence,)
