"""Every option: what is taken, and the sentence for what is not."""

import pathlib

import pytest
import yaml
from registry import options
from test_certificates import CERTIFICATE

CONFIG = yaml.safe_load((pathlib.Path(__file__).parents[3] / "config.yaml").read_text())["options"]
DEFAULTS = {name: option.get("default") for name, option in CONFIG.items()}


def problems(**changes):
    return options.problems(
        options.Options.from_config({**DEFAULTS, **{k.replace("_", "-"): v for k, v in changes.items()}})
    )


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


TOKEN = {
    "auth_token_issuer": "auth.example.com",
    "auth_token_realm": "https://auth.example.com/token",
    "auth_token_root_certs": CERTIFICATE,
    "auth_token_service": "registry",
}


def test_all_four_options_of_tokens_are_taken():
    assert problems(**TOKEN) == ()


@pytest.mark.parametrize("number", range(1, 15))
def test_some_options_of_tokens_name_the_others(number):
    given = {option: value for bit, (option, value) in enumerate(TOKEN.items()) if number >> bit & 1}
    missing = [option.replace("_", "-") for option in TOKEN if option not in given]
    assert problems(**given) == (
        f"{', '.join(missing)}: not set; tokens need all four of these options, or none of them.",
    )


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("auth_token_realm", "auth.example.com", "has no scheme; write http://... or https://..."),
        ("auth_token_realm", "https://auth.example.com/\n", "has a character that cannot be printed"),
        ("auth_token_issuer", "a\nb", "has a character that cannot be printed"),
        ("auth_token_service", "a\x00", "has a character that cannot be printed"),
        ("auth_token_root_certs", "/etc/ssl/certs.pem", "this is neither PEM nor base64 of it"),
        ("auth_token_root_certs", "aGFsbG8=", "there is no certificate in it"),
    ],
)
def test_a_wrong_option_of_tokens_is_a_sentence(option, value, sentence):
    (found,) = problems(**{**TOKEN, option: value})
    assert found.startswith(option.replace("_", "-") + ": ")
    assert sentence in found


@pytest.mark.parametrize(
    ("user", "password", "sentences"),
    [
        ("admin", "", ()),
        ("", "", ()),
        ("me", "", ("auth-basic-password: not set, while auth-basic-user is 'me'; set both.",)),
        ("", "pw", ("auth-basic-user: not set, while auth-basic-password is; set both.",)),
        ("me", "pw", ()),
    ],
)
def test_a_user_and_a_password_come_together(user, password, sentences):
    assert problems(auth_basic_user=user, auth_basic_password=password) == sentences


def test_a_wrong_user_is_a_sentence():
    (found,) = problems(auth_basic_user="a:b", auth_basic_password="pw")
    assert found.startswith("auth-basic-user: 'a:b' is not the name of a user (no colon, ")


def test_both_kinds_of_authentication_are_refused():
    (found,) = problems(**TOKEN, auth_basic_password="pw")
    assert found == (
        "auth-basic-password: set together with auth-token-...; the registry takes one kind of authentication, "
        "so reset one of them."
    )


def test_no_secret_is_printed_or_said():
    wrong = {"auth_basic_user": "a:b", "auth_basic_password": "hush" * 20}
    assert "hush" not in str(problems(**wrong))
    config = {**DEFAULTS, **{k.replace("_", "-"): v for k, v in wrong.items()}}
    assert "hush" not in repr(options.Options.from_config(config))
