"""Headers WWW-Authenticate of registries."""

from registry.formats.challenges import Challenge, parse

HUB = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"'
CASES = {
    "": (),
    'Basic realm="Registry Realm"': (Challenge("basic", "Registry Realm"),),
    "Basic": (Challenge("basic"),),
    HUB: (Challenge("bearer", "https://auth.docker.io/token", "registry.docker.io", "repository:a/b:pull,push"),),
    'bearer realm = "https://a/t" , error="invalid_token", Basic realm=x': (
        Challenge("bearer", "https://a/t"),
        Challenge("basic", "x"),
    ),
    r'Bearer realm="a\"b"': (Challenge("bearer", 'a"b'),),
    "Negotiate, Basic realm=x": (Challenge("negotiate"), Challenge("basic", "x")),
}


def test_challenges():
    for header, expected in CASES.items():
        assert parse(header) == expected, header
