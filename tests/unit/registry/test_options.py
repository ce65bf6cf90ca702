"""Every option: what is taken, and the sentence for what is not."""

import pathlib

import pytest
import yaml
from registry.options import options, secrets
from registry.options.secrets import SecretError

CONFIG = yaml.safe_load((pathlib.Path(__file__).parents[3] / "config.yaml").read_text())["options"]
DEFAULTS = {name: option.get("default") for name, option in CONFIG.items()}


def problems(**changes):
    named = {k.replace("_", "-"): v for k, v in changes.items()}
    return options.Options.from_config({**DEFAULTS, **named}).sentences


def test_the_defaults_are_right():
    assert problems() == ()
    assert options.Options.from_config(DEFAULTS).registry_image == options.DEFAULT_IMAGE


def test_every_option_of_the_charm_is_read():
    read = []

    class Config(dict):
        def __getitem__(self, key):
            read.append(key)
            return super().__getitem__(key)

    options.Options.from_config(Config(DEFAULTS))
    assert set(read) == set(DEFAULTS)


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("auth_basic_password", "x" * 73, "the password has 73 bytes; bcrypt takes 72 at most"),
        ("auth_basic_password", "hush\n", "the password has a control character in it, a line's end maybe"),
        ("http_host", "registry.example.com", "has no scheme; write http://... or https://..."),
        ("http_host", "https:/registry", "has no scheme"),
        ("http_host", "ftp://registry", "has no scheme"),
        ("http_host", "https://", "names no host"),
        ("http_host", "https://r:0", "names no host and port"),
        ("http_host", "https://r:99999", "is not a URL"),
        ("registry_image", "", "'' is not the name of an image, such as registry:2"),
        ("registry_image", "Registry:2", "is not the name of an image"),
        ("registry_image", "registry:2 --privileged", "is not the name of an image"),
        ("registry_image", "registry@sha256:12", "is not the name of an image"),
        ("registry_name", "", "'' is not the name of a container"),
        ("registry_name", "-rf", "is not the name of a container"),
        ("registry_name", "a b", "is not the name of a container"),
        ("registry_port", 0, "0 is not a port, 1 to 65535"),
        ("registry_port", 65536, "65536 is not a port"),
        ("registry_port", -1, "-1 is not a port"),
    ],
)
def test_a_wrong_value_is_a_sentence_with_the_option_in_front(option, value, sentence):
    (found,) = problems(**{option: value})
    assert found.startswith(option.replace("_", "-") + ": ")
    assert sentence in found
    assert found.endswith(".")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("auth_basic_password", "s3cret"),
        ("auth_basic_user", ""),
        ("http_host", "https://registry.example.com/"),
        ("http_host", "http://[::1]:5000/path"),
        ("registry_image", "registry:3"),
        ("registry_image", "mirror:5000/a/b"),
        ("registry_image", "ghcr.io/x/registry@sha256:" + "0" * 64),
        ("registry_name", "registry-2"),
        ("registry_port", 65535),
    ],
)
def test_a_right_value_is_taken(option, value):
    assert problems(**{option: value}) == ()


def test_all_problems_are_told_at_once_sorted():
    found = problems(registry_port=0, http_host="x", registry_name="")
    assert [line.partition(":")[0] for line in found] == ["http-host", "registry-name", "registry-port"]


def reveal(secrets, **changes):
    """Options whose secrets are read from *secrets*."""

    def read(uri):
        if uri not in secrets:
            raise SecretError(f"{uri} cannot be read")
        return secrets[uri]

    return options.Options.from_config({**DEFAULTS, **{k.replace("_", "-"): v for k, v in changes.items()}}, read)


@pytest.mark.parametrize("content", [{"password": "hush", "other": "x"}, {"only": "hush"}])
def test_a_password_may_be_in_a_secret(content):
    found = reveal({"secret:1": content}, auth_basic_password="secret:1")
    assert found.authentication.password == "hush"
    assert found.sentences == ()


def test_users_may_be_in_a_secret():
    found = reveal({"secret:1": {"me": "12", "you": "a: b\n"}}, auth_basic_users="secret:1")
    assert yaml.safe_load(found.authentication.users) == {"me": "12", "you": "a: b\n"}


@pytest.mark.parametrize("content", [{}, {"a": "1", "b": "2"}, {"password": ""}])
def test_a_secret_without_one_password_is_a_sentence(content):
    found = reveal({"secret:1": content}, auth_basic_password="secret:1")
    assert found.sentences == ("auth-basic-password: secret:1 has no key `password`, and not one key alone.",)


@pytest.mark.parametrize("option", ["auth-basic-password", *secrets.MAPS])
def test_a_secret_that_cannot_be_read_is_a_sentence_and_no_password(option):
    found = reveal({}, **{option: "secret:1"})
    assert found.sentences == (f"{option}: secret:1 cannot be read.",)
    if option.startswith("auth-"):
        assert found.authentication.kind == "htpasswd", "whatever is wrong with a secret leaves nothing open"
