"""The list of exceptions as Go reads it: the expectations are those of the tests of golang.org/x/net/http/httpproxy."""

import pytest
from registry.formats import no_proxy
from registry.options.proxies import Proxies

LIST = (
    "foobar.com, .barbaz.net, *.wildcard.io, 192.168.1.1, 192.168.1.2:81, 192.168.1.3:80, 10.0.0.0/30, "
    "2001:db8::52:0:1, [2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80, 2002:db8:a::45/64"
)


@pytest.mark.parametrize(
    ("host", "uses_proxy"),
    [
        ("localhost", False),
        ("127.0.0.1", False),
        ("127.0.0.2", False),
        ("[::1]", False),
        ("[::2]", True),
        ("192.168.1.1", False),
        ("192.168.1.2", True),
        ("192.168.1.3", False),
        ("192.168.1.4", True),
        ("10.0.0.2", False),
        ("[2001:db8::52:0:1]", False),
        ("[2001:db8::52:0:2]", True),
        ("[2001:db8::52:0:3]", False),
        ("[2002:db8:a::123]", False),
        ("[fe80::424b:c8be:1643:a1b6]", True),
        ("barbaz.net", True),
        ("www.barbaz.net", False),
        ("foobar.com", False),
        ("www.foobar.com", False),
        ("WWW.FooBar.com", False),
        ("foofoobar.com", True),
        ("baz.com", True),
        ("localhost.net", True),
        ("local.localhost", True),
        ("barbarbaz.net", True),
        ("wildcard.io", True),
        ("nested.wildcard.io", False),
        ("awildcard.io", True),
        ("[::ffff:10.0.0.2]", False),
    ],
)
def test_hosts(host, uses_proxy):
    for text in (LIST, LIST.upper()):
        proxies = {"HTTP_PROXY": "http://proxy", "NO_PROXY": text}
        assert no_proxy.proxy_for(f"http://{host}/x", proxies) == ("http://proxy" if uses_proxy else None)
        assert no_proxy.proxy_for(f"http://{host}:80/x", proxies) == ("http://proxy" if uses_proxy else None)
    assert no_proxy.proxy_for(f"http://{host}/", {"HTTP_PROXY": "http://proxy", "NO_PROXY": "a, *"}) is None


@pytest.mark.parametrize(
    ("exceptions", "url", "proxy"),
    [
        ("", "http://example.com", "one"),
        ("", "https://example.com", "two"),
        ("", "ftp://example.com", None),
        ("example.com", "http://example.com/", None),
        (".example.com", "http://example.com/", "one"),
        ("ample.com", "http://example.com/", "one"),
        ("example.com", "http://foo.example.com/", None),
        ("example.com:443", "https://foo.example.com/", None),
        ("example.com:443", "http://foo.example.com/", "one"),
        ("example.com:80", "http://foo.example.com:8080/", "one"),
        (".示例.com", "http://www.示例.com", None),
        ("xn--fsq092h.com", "http://www.示例.com", None),
        ("示例.com", "http://www.xn--fsq092h.com", None),
        ("example.com", "http://[1000::%25.example.com]:123", "one"),
        (":1", "http://example.com", "one"),
        ("[", "http://example.com", "one"),
        ("10.0.0.0/33,10.0.0.256,10.", "http://10.0.0.1", "one"),
        ("0.0.0.0/0", "http://10.0.0.1", None),
        ("0.0.0.0/0", "http://example.com", "one"),
        ("::ffff:10.0.0.1", "http://10.0.0.1", None),
    ],
)
def test_urls(exceptions, url, proxy):
    assert no_proxy.proxy_for(url, {"HTTP_PROXY": "one", "HTTPS_PROXY": "two", "NO_PROXY": exceptions}) == proxy


@pytest.mark.parametrize(
    ("exceptions", "is_valid"),
    [
        ("", True),
        ("*", True),
        ("a, b,,\tc d\n", True),
        (LIST, True),
        ("[::1],::1,a_b.example.com.,示例.com,10.0.0.1/8", False),
        ("::1,a_b.example.com.,示例.com,10.0.0.1/8", True),
        ("https://example.com", False),
        ("example.com/path", False),
        ("example.com:http", False),
        ("10.0.0.0/33", False),
        ("10.0.0.0/255.0.0.0", False),
        ("10.0.*", False),
        ("10.0.", False),
        ("10.0", False),
        (".10", False),
        ("10.0.0.256", False),
        ("example.com:080", False),
        ("example.com:٨٠", False),
        ("example.com:", True),
        ("10.in-addr.arpa,a1.b2", True),
        ("*example.com", False),
        (":80", False),
        ("user@example.com", False),
        ("a;b", False),
    ],
)
def test_what_go_would_ignore_is_refused(exceptions, is_valid):
    assert (Proxies("http://proxy", "", exceptions).problems()["no_proxy"] is None) == is_valid


def test_blanks_separate_as_commas_do():
    assert Proxies("one", "", " a  b,c ").environment()["NO_PROXY"] == "a,b,c"
