"""Docker as the operator wants it: what is taken, and the clause for what is not."""

import pytest
from registry.options import runtime
from registry.options.proxies import Proxies
from test_options import DEFAULTS


def wanted(**changes):
    return runtime.Runtime.from_config({**DEFAULTS, **{k.replace("__", "-"): v for k, v in changes.items()}})


def problems(**changes):
    return {option: clause for option, clause in wanted(**changes).problems().items() if clause}


def custom(**changes):
    return {"docker_runtime": "custom", "docker_runtime_package": "docker-ce", **changes}


def test_the_defaults_ask_for_any_docker_with_the_predecessors_settings():
    assert problems() == {}
    assert wanted().settings() == runtime.DEFAULT_SETTINGS
    assert wanted().wanted_packages() == ()
    assert wanted().origin("amd64", "jammy") is None


@pytest.mark.parametrize(
    ("changes", "option", "clause"),
    [
        ({"docker_runtime": "nvidia"}, "docker_runtime", "'nvidia' is not one of auto, apt, upstream, custom"),
        (custom(docker_runtime_package=""), "docker_runtime_package", "names no package"),
        (custom(docker_runtime_package="docker-"), "docker_runtime_package", "names no package"),
        (custom(docker_runtime_package="-o x"), "docker_runtime_package", "names no package"),
        (custom(docker_runtime_repo="https://x.example"), "docker_runtime_repo", "is not a line of sources.list"),
        (custom(docker_runtime_repo="deb https://x {SERIES} a"), "docker_runtime_repo", "other than {ARCH} and {CODE}"),
        (custom(docker_runtime_key_url="key.asc"), "docker_runtime_key_url", "is not a URL"),
        ({"daemon__opts": "{"}, "daemon-opts", "is neither JSON nor YAML (line 1)"),
        ({"daemon__opts": "[a]"}, "daemon-opts", "is not a mapping"),
        ({"daemon__opts": "yes: 1"}, "daemon-opts", "is not a mapping"),
        ({"daemon__opts": "since: 2020-01-01"}, "daemon-opts", "is neither JSON nor YAML"),
        ({"daemon__opts": "a: &a [*a]"}, "daemon-opts", "is neither JSON nor YAML"),
        ({"docker__opts": "--label 'a"}, "docker-opts", "cannot be split"),
        ({"docker__opts": "debug"}, "docker-opts", "'debug' is not an option of dockerd"),
        ({"docker__opts": "--label a\x07b"}, "docker-opts", "has control characters"),
        ({"docker__opts": "--log-opt max-size=1m"}, "docker-opts", "--log-opt is in daemon-opts too"),
        ({"http_proxy": "ftp://proxy"}, "http_proxy", "is not the URL of a proxy"),
        ({"https_proxy": "http://a b"}, "https_proxy", "is not the URL of a proxy"),
        ({"https_proxy": 'http://a"'}, "https_proxy", "is not the URL of a proxy"),
        ({"http_proxy": "http://me:hush@proxy:1"}, "http_proxy", "has a password"),
        ({"http_proxy": "me:hush@proxy"}, "http_proxy", "has a password"),
        ({"no_proxy": "a;b"}, "no_proxy", "is not a list of hosts"),
        ({"extra_packages": "jq x-"}, "extra_packages", "'x-' is not the name of a package"),
    ],
)
def test_a_wrong_value_is_a_clause_that_shows_no_password(changes, option, clause):
    found = problems(**changes)
    assert list(found) == [option]
    assert clause in found[option]
    assert "hush" not in found[option]


@pytest.mark.parametrize(
    ("flag", "key"),
    [
        ("insecure-registry", "insecure-registries"),
        ("label", "labels"),
        ("debug", "debug"),
        ("add-runtime", "runtimes"),
        ("live-restore", "live-restore"),
    ],
)
def test_what_is_said_in_both_places_is_found(flag, key):
    assert (
        "is in daemon-opts too"
        in problems(docker__opts=f"--{flag}=a", daemon__opts=f'{{"{key}": true}}')["docker-opts"]
    )


def test_no_secret_is_in_the_text_of_a_runtime():
    secrets = {"daemon__opts": '{"hush": 1}', "docker__opts": "--hush", "http_proxy": "http://a:hush@b"}
    assert "hush" not in str(wanted(**secrets, docker_runtime_repo="deb https://a:hush@b c d", install_keys="hush"))


def test_settings_in_json_and_in_yaml():
    assert wanted(daemon__opts='{"debug": true}').settings() == {"debug": True}
    assert wanted(daemon__opts="debug: true\ndns: [1.1.1.1]").settings() == {"debug": True, "dns": ["1.1.1.1"]}
    assert wanted(daemon__opts=" ").settings() == {}


def test_arguments_are_split_as_a_shell_does():
    options = wanted(docker__opts="--label 'a=b c' -D --mtu=1400")
    assert options.arguments() == ["--label", "a=b c", "-D", "--mtu=1400"]
    assert options.flags() == ["label", "mtu"]


def test_upstream_is_dockers_own_repository_with_its_key():
    origin = wanted(docker_runtime="upstream").origin("arm64", "noble")
    assert origin.packages == ("docker-ce", "docker-ce-cli", "containerd.io")
    assert origin.source.line == "deb [arch=arm64] https://download.docker.com/linux/ubuntu noble stable"
    assert origin.source.key_url == "https://download.docker.com/linux/ubuntu/gpg"


def test_custom_fills_the_placeholders():
    repo = {"docker_runtime_repo": "deb [arch={ARCH}] https://x.example/{CODE} {CODE} a", "docker_runtime_key_url": ""}
    options = wanted(**custom(**repo, docker_runtime_package="a b=1.*"))
    assert options.problems()["docker_runtime_repo"] is None
    origin = options.origin("arm64", "noble")
    assert origin.source.line == "deb [arch=arm64] https://x.example/noble noble a"
    assert origin.source.key is None
    assert origin.packages == options.wanted_packages() == ("a", "b=1.*")


def test_custom_without_a_repository_takes_what_apt_knows():
    assert wanted(**custom()).origin("amd64", "jammy") == runtime.Origin(("docker-ce",), None)


def test_the_distributions_docker_by_name():
    assert wanted(docker_runtime="apt").wanted_packages() == ("docker.io",)
    assert wanted(docker_runtime="apt").origin("amd64", "jammy") is None


MODEL = {"JUJU_CHARM_HTTP_PROXY": "http://model:1", "JUJU_CHARM_HTTPS_PROXY": "", "JUJU_CHARM_NO_PROXY": "localhost"}


def test_the_models_proxies_count_where_the_option_is_empty():
    model = Proxies.of_model(MODEL)
    assert wanted().proxies.with_fallback(model) == Proxies("http://model:1", "", "localhost")
    ours = wanted(http_proxy="http://ours:1", no_proxy="a, .b ,10.0.0.0/8").proxies.with_fallback(model)
    assert ours.environment() == {"HTTP_PROXY": "http://ours:1", "NO_PROXY": "a,.b,10.0.0.0/8"}


def test_without_a_proxy_there_is_nothing_to_say():
    assert Proxies("", "", "localhost").environment() == {}


def test_a_wrong_proxy_of_the_model_is_told_and_not_used():
    model = Proxies.of_model({**MODEL, "JUJU_CHARM_HTTP_PROXY": "http://me:hush@model:1"})
    assert wanted().proxies.with_fallback(model).http == ""
    ((name, clause),) = wanted().proxies.wrong_beside(model)
    assert name == "http_proxy"
    assert "has a password" in clause
    assert wanted(http_proxy="http://ours:1").proxies.wrong_beside(model) == []


@pytest.mark.parametrize(
    "url", ["proxy:3128", "http://[::1]:3128/", "socks5://me@proxy:1", "https://proxy.example.com"]
)
def test_a_right_proxy_is_taken(url):
    assert problems(http_proxy=url) == {}
