"""Every option with blanks around its value, and emptied: what was meant, or a sentence, and never something else."""

import pytest
from registry.options.nagios import Naming
from registry.options.options import Options
from registry.options.values import PASSWORDS, SECURING
from test_contract import CHANGES, RUNTIME, S3, USER
from test_options import CONFIG, DEFAULTS

TEXTS = {name for name, option in CONFIG.items() if option["type"] == "string"}
VALUES = {
    **{option: (base, value) for option, (base, value) in CHANGES.items() if value and isinstance(value, str)},
    **{option: (base, base[option]) for option, (base, value) in CHANGES.items() if value == "" and option in base},
    "daemon-opts": ({}, '{"mtu": 1400}'),
    "docker-opts": ({}, "--mtu 1400"),
    "docker_runtime": ({}, "apt"),
    "docker_runtime_key_url": ({"docker_runtime": "custom", "docker_runtime_package": "x1"}, "https://x.example/key"),
    "docker_runtime_package": ({"docker_runtime": "custom"}, "docker.io"),
    "docker_runtime_repo": ({"docker_runtime": "custom", "docker_runtime_package": "x1"}, "deb https://x jammy main"),
    "extra_packages": ({}, "jq"),
    "gc-schedule": ({}, "Sun 03:00"),
    "http_proxy": ({}, "http://proxy:3128"),
    "https_proxy": ({}, "HTTP://me%40x@Proxy:3128"),
    "install_keys": ({"install_sources": "deb https://x jammy main"}, '"0x12345678"'),
    "install_sources": ({}, "ppa:a/b"),
    "nagios_context": ({}, "prod"),
    "nagios_servicegroups": ({}, "a, b"),
    "no_proxy": ({}, "10.0.0.0/8"),
    "package_status": ({}, "hold"),
    "prune-policy": ({}, "keep=10"),
    "prune-protect": ({}, "*:latest"),
    "prune-schedule": ({"prune-policy": "keep=10"}, "02:00"),
    "registry-image": ({}, "registry:3"),
    "storage-minimum-free": ({}, "5%"),
    "storage-purge-age": ({}, "1h"),
    "storage-s3-accesskey": ({**S3, "storage-s3-secretkey": "s"}, "key"),
    "storage-s3-secretkey": ({**S3, "storage-s3-accesskey": "k"}, "key"),
    "tls-ca-path": ({}, "/x/ca.crt"),
    "tls-cert-path": ({}, "/x/registry.crt"),
    "tls-key-path": ({}, "/x/registry.key"),
}
"""Option of type string: the others that it needs, and a valid value."""

NEEDS_A_VALUE = {
    *("registry-image", "registry-name", "storage-cache", "log-level", "log-format", "log-driver"),
    *("log-max-size", "storage-purge-interval", "website-tls"),
    *("auth-basic-user", "docker_runtime_package", "storage-s3-accesskey", "storage-s3-secretkey"),
}
"""Options that the earlier charm, or Docker and the registry below it, refused when empty; new ones; and those that
others in the table need: for example a password without its user, which left the registry open."""


def read(config):
    return Options.from_config({**DEFAULTS, **config})


def test_every_option_of_type_string_is_in_the_table():
    assert VALUES.keys() == TEXTS
    assert VALUES.keys() >= RUNTIME


@pytest.mark.parametrize("option", sorted(TEXTS))
def test_blanks_around_a_value_are_no_part_of_it(option):
    base, value = VALUES[option]
    plain = read({**base, option: value})
    assert plain.sentences == ()
    around = ["{}\n", "{}\r\n", "\n{}", "\ufeff{}\r\n", "\u200b{}\u2060"] + (
        [] if option in PASSWORDS else [" {} ", "\t{}\n", "\u00a0{}"]
    )
    for one in around:
        assert read({**base, option: one.format(value)}) == plain


@pytest.mark.parametrize("option", sorted(TEXTS))
def test_an_emptied_option_is_no_veto_where_it_never_was(option):
    base, _ = VALUES[option]
    alone = {} if option in base else base
    for value in ("", None, *([] if option.startswith(SECURING) else ["\n"])):
        read_back = read({**alone, option: value})
        about = [line for line in read_back.sentences if option in line.partition(": ")[0].split(", ")]
        assert bool(about) == (option in NEEDS_A_VALUE), about
        assert read_back == read({**alone, option: ""})


BLANKS = ("\n", "\r\n", " ", "\t \n", "\u00a0", "\ufeff", "\ufeff \u200b\n\ufeff", "\u2028\u3000")


def test_nothing_but_blanks_turns_nothing_off_that_keeps_people_out():
    for option in sorted(name for name in TEXTS if name.startswith(SECURING)):
        base, _ = VALUES[option]
        for value in BLANKS:
            read_back = read({**base, option: value})
            blank = f"{option}: the value consists of blanks only. Set one, or reset the option."
            assert blank in read_back.sentences, (option, value)


def test_a_secret_of_blanks_is_none():
    texts = {}
    for option, content in (
        *(("auth-basic-password", {"password": blank}) for blank in BLANKS[:5]),
        *(("tls-key-blob", {"blob": blank}) for blank in BLANKS[:5]),
        *(("auth-basic-users", one) for one in ({}, {"me": " "}, {"me": "\n"}, {" ": "pw"})),
    ):
        config = {**DEFAULTS, option: "secret:1"}
        texts.setdefault(option, set()).update(Options.from_config(config, lambda uri, value=content: value).problems)
    assert texts == {option: {option} for option in texts}


@pytest.mark.parametrize("uri", [" secret:1", "secret:1\n", "\tsecret:1 "])
def test_blanks_around_the_uri_of_a_secret_do_not_make_it_a_password(uri):
    config = {**DEFAULTS, **USER, "auth-basic-password": uri}
    assert Options.from_config(config, lambda asked: {"only": f"of {asked}"}).authentication.password == "of secret:1"


@pytest.mark.parametrize(("context", "host", "groups"), [("", "app-0", ""), ("prod", "prod-app-0", "prod")])
def test_without_a_context_the_unit_is_named_as_nrpe_names_it(context, host, groups):
    naming = Naming(context, "")
    assert (naming.host("app/0", None), naming.groups) == (host, groups)
    assert not any(naming.problems().values())
