"""Hosts and URLs as Go, resolvers and Docker read them: what one of them refuses has a reason, the rest has none."""

import pytest
from registry.formats import addresses
from registry.images.reference import Reference

WRONG = [
    ("registry.example.com", "no http or https scheme"),
    ("https:/registry.example.com", "no http or https scheme"),
    ("//registry.example.com", "no http or https scheme"),
    ("https//registry.example.com", "no http or https scheme"),
    ("tcp://registry.example.com", "no http or https scheme"),
    ("https://", "has no host"),
    ("https:///path", "has no host"),
    ("https://:5000", "has no host"),
    ("https://r.example.com:0", "has no host, or its port is 0"),
    ("https://r.example.com:", "'' is not a port"),
    ("https://r.example.com:/v2", "'' is not a port"),
    ("https://[fd00::1]:", "'' is not a port"),
    ("https://r.example.com:65536", "Port out of range"),
    ("https://r.example.com:99999999999999999999", "Port out of range"),
    ("https://r.example.com:http", "invalid host or port"),
    ("https://r.example.com:-1", "invalid host or port"),
    ("https://r.example.com:\uff15\uff10", "invalid host or port"),
    ("https://r.example.com:50 00", "contains a blank"),
    (" https://r.example.com", "contains a blank"),
    ("https://r.example.com\n", "contains a blank"),
    ("https://r.example.com\r\n", "contains a blank"),
    ("https://r example.com", "contains a blank"),
    ("https://r.example.com, https://s.example.com", "contains a blank"),
    ("https://r.example.com/a b", "contains a blank"),
    ("https://r\u00a0.example.com", "contains a blank"),
    ("https://r\x00.example.com", "contains a blank"),
    ("https://r\t.example.com", "contains a blank"),
    ("https://r.example.com/%zz", "two hexadecimal digits"),
    ("https://r.example.com/100%?q", "two hexadecimal digits"),
    ("https://r.example.com/#%2", "two hexadecimal digits"),
    ("https://me%zz@r.example.com", "two hexadecimal digits"),
    ("https://m\u00fc@r.example.com", "that URLs cannot have"),
    ('https://me:hu"sh@r.example.com', "that URLs cannot have"),
    ("https://me:hu[sh@r.example.com", "that URLs cannot have"),
    ("https://r.example.com,s.example.com", "is not a host name"),
    ("https://r.example.com;s.example.com", "is not a host name"),
    ("https://r.example.com\\v2", "is not a host name"),
    ("https://r*.example.com", "is not a host name"),
    ("https://'r.example.com'", "is not a host name"),
    ("https://<host>:5000", "is not a host name"),
    ("https://${HOST}:5000", "is not a host name"),
    ("https://r%2eexample.com", "is not a host name"),
    ("https://r..example.com", "is not a host name"),
    ("https://.example.com", "is not a host name"),
    ("https://.", "is not a host name"),
    ("https://r.example.com..", "is not a host name"),
    ("https://-r.example.com", "is not a host name"),
    ("https://r-.example.com", "is not a host name"),
    (f"https://{'a' * 64}.example.com", "is not a host name"),
    (f"https://{'.'.join(['a' * 50] * 5)}.com", "is not a host name"),
    ("https://bücher.example.com", "other than ASCII"),
    ("https://例え.jp:5000", "other than ASCII"),
    ("https://r。example.com", "other than ASCII"),
    ("https://999.999.1.1", "is not a valid IPv4 address"),
    ("https://10.0.0.256:5000", "is not a valid IPv4 address"),
    ("https://10.0.0", "is not a valid IPv4 address"),
    ("https://10.0.0.1.1", "is not a valid IPv4 address"),
    ("https://010.0.0.1", "is not a valid IPv4 address"),
    ("https://0x7f.0x1", "is not a valid IPv4 address"),
    ("https://2130706433", "is not a valid IPv4 address"),
    ("https://r.example.123", "is not a valid IPv4 address"),
    ("https://10.0.0.1.:5000", "is not a valid IPv4 address"),
    ("https://fd00::1", "Put an IPv6 address in brackets"),
    ("https://fd00::1:5000", "Put an IPv6 address in brackets"),
    ("https://r:5000:5001", "Put an IPv6 address in brackets"),
    ("https://[fd00::1", "Put an IPv6 address in brackets"),
    ("https://[fd00::1%25eth0]:5000", "is not a host name or an IP address"),
    ("https://[fe80::1%eth0]", "is not a host name or an IP address"),
    ("https://[10.0.0.1]", "is not a host name or an IP address"),
    ("https://[r.example.com]", "is not a host name or an IP address"),
    ("https://[fd00::1]x:5000", "is not a host name or an IP address"),
    ("https://[fd00:::1]", "is not a host name or an IP address"),
    ("https://[fe80::1]:5000", "nobody can connect"),
    ("https://0.0.0.0:5000", "nobody can connect"),
    ("https://[::]:5000", "nobody can connect"),
    ("https://224.0.0.1", "nobody can connect"),
    ("https://255.255.255.255", "nobody can connect"),
]
NOT_FOR_IMAGES = [
    ("https://registry", "at Docker Hub"),
    ("http://registry/", "at Docker Hub"),
    ("https://Registry", "at Docker Hub"),
    ("https://docker.io", "is Docker Hub"),
    ("https://index.docker.io", "is Docker Hub"),
    ("https://localhost", "only clients on the same machine"),
    ("http://localhost:5000", "only clients on the same machine"),
    ("http://registry.localhost:5000", "only clients on the same machine"),
    ("http://127.0.0.1:5000", "only clients on the same machine"),
    ("http://127.8.8.8", "only clients on the same machine"),
    ("http://[::1]:5000", "only clients on the same machine"),
    ("https://my_registry:5000", "cannot be the host of an image name"),
    ("https://my_registry.example.com", "cannot be the host of an image name"),
    ("https://registry.example.com.", "cannot be the host of an image name"),
    ("https://registry.example.com.:5000", "cannot be the host of an image name"),
    ("https://[::ffff:10.0.0.1]:5000", "cannot be the host of an image name"),
]
RIGHT = [
    ("https://registry.example.com", "registry.example.com"),
    ("HTTPS://Registry.Example.COM", "Registry.Example.COM"),
    ("http://registry.example.com:80/", "registry.example.com:80"),
    ("https://registry:5000", "registry:5000"),
    ("https://10.0.0.1", "10.0.0.1"),
    ("https://10.0.0.1:5000", "10.0.0.1:5000"),
    ("https://[fd00::1]", "[fd00::1]"),
    ("https://[FD00::1]:65535", "[FD00::1]:65535"),
    ("https://xn--bcher-kva.example.com", "xn--bcher-kva.example.com"),
    ("https://a--b.1a.example.com", "a--b.1a.example.com"),
    ("https://5000.example.com", "5000.example.com"),
    (f"https://{'a' * 63}.example.com", f"{'a' * 63}.example.com"),
    ("https://registry.example.com/path?q=a@b#f", "registry.example.com"),
    ("https://registry.example.com/%7Epath?100%#%41", "registry.example.com"),
    ("https://me:p%40s!$&'()*+,;=~@registry.example.com", "registry.example.com"),
    ("https://me:pass:word@registry.example.com:5000", "registry.example.com:5000"),
]


@pytest.mark.parametrize(("url", "reason"), WRONG)
def test_no_client_can_use_it(url, reason):
    assert reason in addresses.url_problem(url)
    assert addresses.registry_problem(url) == addresses.url_problem(url)
    assert addresses.hostname(url) is None


@pytest.mark.parametrize(("url", "reason"), NOT_FOR_IMAGES)
def test_it_is_a_server_and_no_registry_of_docker(url, reason):
    assert addresses.url_problem(url) is None
    assert reason in addresses.registry_problem(url)


@pytest.mark.parametrize(("url", "netloc"), RIGHT)
def test_it_is_the_host_of_an_image_name(url, netloc):
    assert addresses.registry_problem(url) is None
    assert addresses.netloc(url, "10.0.0.1", 5000) == netloc
    assert Reference.parse(f"{netloc}/x:1").host == netloc


@pytest.mark.parametrize(
    "url",
    [
        "https://me:hush@r_:0",
        "https://me:hush/@r.example.com",
        "https://me:hush#1@r.example.com",
        "https://me:hu sh@r.example.com",
        "https://me:hush:::/@r.example.com",
        "me:hush@r.example.com",
        "https://me:hush@r,s",
        "https://me:hush%@r.example.com",
        'https://me:hush"@r.example.com',
        "https://me:hush|@r.example.com/%zz",
    ],
)
def test_no_reason_shows_a_password(url):
    assert "hu" not in addresses.url_problem(url)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://r.example.com", ""),
        ("https://r.example.com/", ""),
        ("https://r.example.com:5000/v2", "path"),
        ("https://me@r.example.com/?a", "user, query"),
        ("https://r.example.com#x", "fragment"),
    ],
)
def test_what_a_registrys_url_has_besides_its_place(url, parts):
    assert addresses.ignored(url) == parts


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        ("5000/tcp", True),
        ("4000-6000/tcp", True),
        ("5000/udp", False),
        ("5001/tcp", False),
        ("icmp", False),
        ("", False),
    ],
)
def test_open_ports(ports, expected):
    assert addresses.covers(ports, 5000) is expected
