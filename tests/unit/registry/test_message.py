"""What operators read: bounded, on one line, and without secrets, whatever is in which option."""

import subprocess
import time

import pytest
from registry.message import QUOTED, SENTENCE, STATUS, Message, redacted
from registry.options import options
from registry.plan import decision, report
from test_contract import CACHE, S3, SWIFT
from test_options import CONFIG, DEFAULTS
from test_plan import facts

PEM = subprocess.run(
    ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], capture_output=True, check=True
).stdout.decode()
BODY = "".join(PEM.splitlines()[1:-1])
WRONG = {
    "key": PEM,
    "key in one line": PEM.replace("\n", " "),
    "key with CRLF": PEM.replace("\n", "\r\n"),
    "key that is cut": PEM[:700],
    "base64": BODY,
    "base64 in lines": "\n".join(PEM.splitlines()[1:-1]),
    "aws key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "url": "https://me:hu/sh?p#w@h:1/@example.com:99999/path",
    "url with blanks": "https://me:hush hush@example.com\n/path",
    "url without scheme": "me:hush@example.com:5000",
    "user alone": "https://hush@example.com:x/",
    "query": "https://example.com:x/?X-Amz-Signature=hush&token=hush#access_token=hush",
    "users": "alice: hush\r\n'bob':\thush hush\n\"c\": hush",
    "users in braces": "{alice: hush, bob: hush}",
    "users in JSON": '{"alice": "hush", "bob": "hush"}',
    "hex": "hush9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "user and password": "alice:hush",
    "user and password with blanks": "alice:hush hush",
    "control": "a\x00\x07\x1b[31m\r\n\x85\u2028\u202eb",
    "surrogate": "a\ud800b",
    "long": "x" * 5_000,
    "slashes": "/" * 2_000,
    "long url": f"https://me:{'hush' * 1_000}@example.com",
    "at signs": "a:@" * 1_000,
    "words": "password=hush " * 100,
    "braces": "{0.__class__} {name!r} %s",
}
STRINGS = sorted(name for name, option in CONFIG.items() if option["type"] == "string")
BASES = {"storage-s3-": S3, "storage-swift-": SWIFT, "cache-": CACHE, "docker_runtime_": {"docker_runtime": "custom"}}
"""What the options of a theme need, to have any effect."""


def said(config):
    """The status, and all that is logged of it."""
    asked = options.Options.from_config({**DEFAULTS, **config}, read=lambda uri: {})
    planned = decision.decide(asked, facts())
    told = report.status(planned, report.Outcome(True, "10.0.0.1:5000", "https", ()), "docker-registry/0")
    return told.summary, *told.sentences


def secrets_of(value):
    """Parts of a wrong value that nobody may see."""
    lines = [line for line in value.splitlines() if len(line) > 60 and "-----" not in line and not len(set(line)) < 4]
    return {"hush", *(line[:20] for line in lines if line[:1] not in "hm{x"), *([BODY[:24]] if "MII" in value else [])}


@pytest.mark.parametrize("option", STRINGS)
def test_no_option_shows_a_secret(option):
    base = next((needed for prefix, needed in BASES.items() if option.startswith(prefix)), {})
    begin = time.process_time()
    for name, value in WRONG.items():
        summary, *sentences = said({**base, option: value})
        assert len(summary) <= STATUS, name
        for sentence in (summary, *sentences):
            assert sentence.isprintable(), (name, sentence[:2000])
            assert not {part for part in secrets_of(value) if part in sentence}, (name, sentence[:2000])
    assert time.process_time() - begin < 20


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Get https://me:pw@example.com/v2/: refused", "Get https://...@example.com/v2/: refused"),
        ('parse "https://me:p w@example.com": invalid', 'parse "https://...@example.com": invalid'),
        ("word 'https://me:pw'", "word 'https://...'"),
        (
            "GET http://a.example.com:5000: [::1]:80, http://[::1]:80/",
            "GET http://a.example.com:5000: [::1]:80, http://[::1]:80/",
        ),
        ("proxy me:pw@proxy:3128 failed", "proxy ...@proxy:3128 failed"),
        ("https://a.example.com/x?X-Amz-Signature=1&b=2: 403", "https://a.example.com/x?... 403"),
        ("mail ops@example.com", "mail ops@example.com"),
        ("pull example.com:5000/a@sha256:0123", "pull example.com:5000/a@sha256:0123"),
        (f"image https://example.com/a@sha256:{'0a' * 32}", f"image https://example.com/a@sha256:{'0a' * 32}"),
        ("map[accesskey:AKIA1 secretkey:hush password=x]", "map[accesskey:... secretkey:... password=...]"),
        ('{"password":"x","user":"me"}', '{"password":"...","user":"me"}'),
        ("Authorization: Bearer abcdefgh.ijk-l", "Authorization: Bearer ..."),
        (f"bad {PEM}here", "bad (PRIVATE KEY)\nhere"),
        (f"bad {BODY}", "bad ..."),
        ("secret:9m4e2mr0ui3e8a215n4g cannot be read", "secret:9m4e2mr0ui3e8a215n4g cannot be read"),
        ("Run `juju update-secret secret:x password=...`", "Run `juju update-secret secret:x password=...`"),
        ("/srv/Registry2/images/of/the/customers/and/others", "/srv/Registry2/images/of/the/customers/and/others"),
        ("Is it? Use a line `user: password`, or not", "Is it? Use a line `user: password`, or not"),
    ],
)
def test_secrets_leave_a_text(text, shown):
    assert redacted(text) == shown
    assert redacted(shown) == shown


@pytest.mark.parametrize(
    "text",
    ["/", "//", "//a:", "a: ", "\n \t", "@", "a:@", "#a=", "?", "-----BEGIN A-----", "token=", "Ab1", "\n", "a b "],
)
def test_the_time_of_a_long_text_grows_as_its_length(text):
    def seconds(size):
        begin = time.process_time()
        Message("{a} {a!r}")(a=text * (size // len(text)))
        return time.process_time() - begin

    # 16 times as long: 16 times as much where the time is linear, 256 times where it is not.
    assert seconds(1 << 16) < 64 * max(seconds(1 << 12), 0.001)


def test_a_quoted_value_is_cut():
    quote = Message("{value!r} is wrong")
    assert quote(value="x" * QUOTED) == f"'{'x' * QUOTED}' is wrong"
    assert quote(value="x" * (QUOTED + 1)) == f"'{'x' * QUOTED}...' is wrong"
    assert quote(value="{value}") == "'{value}' is wrong"
    assert Message("{error}")(error="a\n\n  b\x00") == "a   b"


def test_a_quoted_value_shows_what_an_ordinary_one_is_and_nothing_of_a_key():
    quote = Message("{value!r}")
    shown = (
        *(
            "2gb",
            "1.5g",
            "half",
            "registry:2",
            "Registry:2.8.1",
            "localhost:5000",
            "fd00::1",
            "[::1]:80",
            "--log-driver",
        ),
        *("my-registry-for-the-production-team", "MyRegistryForProductionTeam", "storageaccount01images02"),
        *("kubernetes-1-28-registry-v2-cluster3", "https://s3.eu-central-1.amazonaws.com", "alice", "alice:..."),
        *("docker.io/Library/Ubuntu:22.04", "deb https://x jammy main", "secret:9m4e2mr0ui3e8a215n4g", "12:30"),
    )
    for value in shown:
        assert quote(value=value) == f"'{value}'"
    hidden = (
        *("9f86d081884c7d659a2feaa0c55ad015", "JBSWY3DPEHPK3PXP", "dXNlcjpwYXNzd29yZDEyMzQ=", "AKIAIOSFODNN7EXAMPLE"),
        *("550E8400-e29b-41d4-a716-446655440000", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "$apr1$abc", "a $6$b"),
        *("qzjxkvbwpmtrsdflghnc", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "eyJhbGciOiJIUzI1NiJ9.e30.x"),
    )
    for value in hidden:
        assert quote(value=value) == "'...'", value
    for value in ("alice:hunter2", "alice:hunter2 more", "alice:22222222", "alice:a/b:c", "alice:2x,b:c"):
        assert quote(value=value) in ("'alice:...'",), value


def test_a_long_error_leaves_room_for_what_still_serves():
    error = Message("Docker failed: {error}")(error="x" * 10**6)
    planned = decision.decide(options.Options.from_config(DEFAULTS), facts())
    told = report.status(planned, report.Outcome(True, "10.0.0.1:5000", "https", (error, error)), "docker-registry/0")
    assert len(told.summary) < SENTENCE + 200
    assert told.summary.endswith("Still serving at 10.0.0.1:5000 (https).")
