"""A registry that is a pull-through cache."""

import pytest
import yaml
from deploying import assert_settled, deploy, release
from fakes import FakeEngine
from registry.deployment.health import NotServing
from registry.options import options
from registry.plan import decision
from registry.release import configuration
from registry.release.image import Image
from test_options import DEFAULTS
from test_plan import facts

HUB = {"cache_remoteurl": "https://registry-1.docker.io"}


def asked(**changes):
    return options.Options.from_config({**DEFAULTS, **{k.replace("_", "-"): v for k, v in changes.items()}})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"cache_remoteurl": "docker.io"},
            "cache-remoteurl: 'docker.io' has no http or https scheme. Begin it with http:// or https://.",
        ),
        (
            {"cache_remoteurl": "https://hub/library"},
            "cache-remoteurl: 'https://hub/library' has a path. "
            "Use the registry alone, for example https://registry-1.docker.io.",
        ),
        (
            {"cache_remoteurl": "https://me:pw@hub"},
            "cache-remoteurl: the URL contains a user. Use cache-username and cache-password instead.",
        ),
        (
            {"cache_remoteurl": "https://me:pw@hub:x"},
            "cache-remoteurl: the value is not the URL of a registry. Use a URL such as https://registry-1.docker.io.",
        ),
        ({**HUB, "cache_username": "me"}, "cache-password: not set, but cache-username is set. Set both or neither."),
        ({**HUB, "cache_password": "pw"}, "cache-username: not set, but cache-password is set. Set both or neither."),
        (
            {**HUB, "cache_ttl": "168"},
            "cache-ttl: '168' is not a duration. Use hours or minutes, for example 168h or 90m.",
        ),
        (
            {**HUB, "storage_read_only": True},
            "storage-read-only: a cache stores the images that it serves. Reset this option or cache-remoteurl.",
        ),
    ],
)
def test_a_wrong_value_is_a_sentence(changes, sentence):
    assert asked(**changes).sentences == (sentence,)
    assert "pw" not in sentence


def test_a_cache_deletes_and_remembers_nothing_of_layers():
    section = yaml.safe_load(configuration.config_yml(asked(**HUB), "hush", 2))["storage"]
    assert section["delete"] == {"enabled": True}
    assert "cache" not in section


def test_only_registry_3_takes_a_ttl():
    wanted = asked(**HUB, cache_ttl="0")
    old = decision.decide(wanted, facts())
    assert old.warnings == (
        "cache-ttl: ignored, because registry 2.8.3 does not support it. Reset it or set another registry-image.",
        "registry-image: registry 2.8.3 has faults that concern this registry: CVE-2026-85747, CVE-2026-33540. "
        "Set an image of 3.1.2 or newer. The action advisories shows what they are.",
    )
    assert "ttl" not in yaml.safe_load(old.release.config_yml)["proxy"]
    new = decision.decide(wanted, facts(image=Image("registry:3", "sha256:three", "3.1.2")))
    assert (new.warnings, yaml.safe_load(new.release.config_yml)["proxy"]["ttl"]) == ((), "0")


CACHE = {"cache-remoteurl": "http://up:5000"}


def test_a_cache_is_switched_plainly_while_its_upstream_answers(store):
    docker, before, wanted = FakeEngine(), release(), release(**CACHE)
    deploy(docker, store, before)
    with pytest.raises(
        NotServing, match=r"^The upstream registry in cache-remoteurl is unreachable \(connection failed\)"
    ):
        deploy(docker, store, wanted)
    assert_settled(docker, store, before)
    docker.upstreams.add("up")
    deploy(docker, store, wanted)
    assert_settled(docker, store, wanted)
    assert not [call for call in docker.writes() if call[:2] == ("start", "registry-candidate")]


def test_a_cache_that_serves_is_not_replaced_while_its_upstream_is_away(store):
    docker, wanted = FakeEngine(), release(**CACHE)
    docker.upstreams.add("up")
    deploy(docker, store, wanted)
    docker.upstreams.clear()
    assert deploy(docker, store, wanted) == []
    docker.containers["registry"]["body"]["HostConfig"]["Memory"] = 5
    with pytest.raises(NotServing, match="is unreachable"):
        deploy(docker, store, wanted)
    assert docker.serving(5000) == wanted.digest
    docker.stop("registry")
    deploy(docker, store, wanted)
    assert_settled(docker, store, wanted)


def test_a_cache_that_ends_again_and_again_is_explained_and_replaced(store):
    docker, before, wanted = FakeEngine(), release(), release(**CACHE)
    docker.upstreams.add("up")
    deploy(docker, store, wanted)
    docker.upstreams.clear()
    docker.broken.add("sha256:one")
    docker.stop("registry")
    for sentence in ("The upstream registry in cache-remoteurl is unreachable", "The registry does not start"):
        with pytest.raises(NotServing, match=f"^{sentence}"):
            deploy(docker, store, wanted)
        docker.upstreams.add("up")
    docker.broken.clear()
    docker.containers["registry"]["status"] = "restarting"
    deploy(docker, store, before)
    assert_settled(docker, store, before)


def test_a_cache_that_is_open_is_taken_back(store):
    docker, before = FakeEngine(open={"sha256:open"}), release()
    docker.upstreams.add("up")
    deploy(docker, store, before)
    with pytest.raises(NotServing, match="returned 200 instead of 401"):
        deploy(docker, store, release("sha256:open", **CACHE, **{"auth-basic-password": "pw"}))
    assert_settled(docker, store, before)
