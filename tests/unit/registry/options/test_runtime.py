"""The options for Docker: valid values, and the problem of others."""

import pytest
from registry.options import runtime
from registry.options.proxies import Proxies
from test_options import DEFAULTS

NO_PACKAGES = "the value does not name packages, as docker_runtime=custom requires. Set them, for example docker-ce"
NEITHER = "the value is neither JSON nor YAML. Fix the syntax"
NOT_A_MAPPING = 'the value is not a mapping. Use settings such as {"log-driver": "journald"}'
NOT_A_PROXY = "the value is not the URL of a proxy. Use a URL such as http://proxy.example.com:3128"
HAS_PASSWORD = (
    "the URL contains a password, which other programs on the machine could read. Use a proxy that requires none"
)


def wanted(**changes):
    return runtime.Runtime.from_config({**DEFAULTS, **{k.replace("__", "-"): v for k, v in changes.items()}})


def problems(**changes):
    return {option: text for option, text in wanted(**changes).problems().items() if text}


def custom(**changes):
    return {"docker_runtime": "custom", "docker_runtime_package": "docker-ce", **changes}


def test_the_defaults_accept_any_docker_with_the_predecessors_settings():
    assert problems() == {}
    assert wanted().settings() == runtime.DEFAULT_SETTINGS
    assert wanted().requested_packages() == ()
    assert wanted().origin("amd64", "jammy") is None


@pytest.mark.parametrize(
    ("changes", "option", "text"),
    [
        (
            {"docker_runtime": "nvidia"},
            "docker_runtime",
            "'nvidia' is not supported. Use one of auto, apt, upstream, custom",
        ),
        (custom(docker_runtime_package=""), "docker_runtime_package", NO_PACKAGES),
        (custom(docker_runtime_package="docker-"), "docker_runtime_package", NO_PACKAGES),
        (custom(docker_runtime_package="-o x"), "docker_runtime_package", NO_PACKAGES),
        (
            custom(docker_runtime_repo="https://x.example"),
            "docker_runtime_repo",
            "the value is not a line of sources.list. Use `deb https://HOST SUITE main`",
        ),
        (
            custom(docker_runtime_repo="deb https://x {SERIES} a"),
            "docker_runtime_repo",
            "the line contains an unknown placeholder. Use {ARCH} and {CODE} only",
        ),
        (
            custom(docker_runtime_key_url="key.asc"),
            "docker_runtime_key_url",
            "the value is not a URL. Begin it with http:// or https://",
        ),
        ({"daemon__opts": "{"}, "daemon-opts", "the value is neither JSON nor YAML (line 1). Fix the syntax"),
        ({"daemon__opts": "[a]"}, "daemon-opts", NOT_A_MAPPING),
        ({"daemon__opts": "yes: 1"}, "daemon-opts", NOT_A_MAPPING),
        ({"daemon__opts": "since: 2020-01-01"}, "daemon-opts", NEITHER),
        ({"daemon__opts": "a: &a [*a]"}, "daemon-opts", NEITHER),
        (
            {"docker__opts": "--label 'a"},
            "docker-opts",
            "the value cannot be split into arguments (No closing quotation). Use quotes as in a shell",
        ),
        (
            {"docker__opts": "debug"},
            "docker-opts",
            "'debug' is not an option of dockerd. Use options that begin with -",
        ),
        (
            {"docker__opts": "--label a\x07b"},
            "docker-opts",
            "the value contains control characters. Remove them",
        ),
        (
            {"docker__opts": "--log-opt max-size=1m", "daemon__opts": "log-opts: {max-file: '2'}"},
            "docker-opts",
            "--log-opt is in daemon-opts too. Set it in one of the two",
        ),
        ({"http_proxy": "ftp://proxy"}, "http_proxy", NOT_A_PROXY),
        ({"https_proxy": "http://a b"}, "https_proxy", NOT_A_PROXY),
        ({"https_proxy": 'http://a"'}, "https_proxy", NOT_A_PROXY),
        ({"https_proxy": "http://m\u00fc@proxy:1"}, "https_proxy", NOT_A_PROXY),
        ({"https_proxy": "http://me%@proxy:1"}, "https_proxy", NOT_A_PROXY),
        ({"http_proxy": "http://me:hush@proxy:1"}, "http_proxy", HAS_PASSWORD),
        ({"http_proxy": "me:hush@proxy"}, "http_proxy", HAS_PASSWORD),
        (
            {"no_proxy": "a;b"},
            "no_proxy",
            "the value is not a list of hosts, domains and networks. Separate them by commas",
        ),
        (
            {"extra_packages": "jq x-"},
            "extra_packages",
            "'x-' is not a package name. Use NAME or NAME=VERSION, separated by spaces",
        ),
    ],
)
def test_a_wrong_value_is_a_problem_that_shows_no_password(changes, option, text):
    assert problems(**changes) == {option: text}
    assert "hush" not in text


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
def test_a_setting_in_both_places_is_a_problem(flag, key):
    assert problems(docker__opts=f"--{flag}=a", daemon__opts=f'{{"{key}": true}}') == {
        "docker-opts": f"--{flag} is in daemon-opts too. Set it in one of the two"
    }


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
    assert options.requested() == {**runtime.DEFAULT_SETTINGS, "labels": ["a=b c"], "debug": True, "mtu": "1400"}


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
    assert origin.packages == options.requested_packages() == ("a", "b=1.*")


def test_custom_without_a_repository_uses_those_of_apt():
    assert wanted(**custom()).origin("amd64", "jammy") == runtime.Origin(("docker-ce",), None)


def test_the_distributions_docker_by_name():
    assert wanted(docker_runtime="apt").requested_packages() == ("docker.io",)
    assert wanted(docker_runtime="apt").origin("amd64", "jammy") is None


MODEL = {"JUJU_CHARM_HTTP_PROXY": "http://model:1", "JUJU_CHARM_HTTPS_PROXY": "", "JUJU_CHARM_NO_PROXY": "localhost"}


def test_the_models_proxies_are_used_where_the_option_is_empty():
    model = Proxies.of_model(MODEL)
    assert wanted().proxies.with_fallback(model) == Proxies("http://model:1", "", "localhost")
    ours = wanted(http_proxy="http://ours:1", no_proxy="a, .b ,10.0.0.0/8").proxies.with_fallback(model)
    assert ours.environment() == {"HTTP_PROXY": "http://ours:1", "NO_PROXY": "a,.b,10.0.0.0/8"}


def test_without_a_proxy_there_are_no_variables():
    assert Proxies("", "", "localhost").environment() == {}


def test_a_wrong_proxy_of_the_model_is_a_problem_and_not_used():
    model = Proxies.of_model({**MODEL, "JUJU_CHARM_HTTP_PROXY": "http://me:hush@model:1"})
    assert wanted().proxies.with_fallback(model).http == ""
    assert wanted().proxies.fallback_problems(model) == [("http_proxy", HAS_PASSWORD)]
    assert wanted(http_proxy="http://ours:1").proxies.fallback_problems(model) == []


@pytest.mark.parametrize(
    "url", ["proxy:3128", "http://[::1]:3128/", "socks5://me@proxy:1", "https://proxy.example.com"]
)
def test_a_valid_proxy_has_no_problem(url):
    assert problems(http_proxy=url) == {}
