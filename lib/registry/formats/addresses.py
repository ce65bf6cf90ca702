"""Where servers are reached: hosts, ports and URLs.

Three programs read such a value. Go's net/url parses it, the resolver looks up its host, and Docker reads the host of
an image name; each has a narrower idea of a host than the one before. A value that one of them reads otherwise, or not
at all, is a problem here.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from registry.message import Message, Text

NOT_A_URL = Message("{url!r} is not a URL ({error})", "Use http://HOST:PORT or https://HOST:PORT")
"""The URL cannot be parsed: its host is malformed, or its port is no number from 0 to 65535."""
BAD_ESCAPE = Message("{url!r} has a % that is not followed by two hexadecimal digits", "Write a single % as %25")
"""Clients read what follows a % as the code of a character, and reject the URL where it is none."""
BAD_USER = Message("the user or password in the URL contains a character that URLs cannot have", "Write it as %XX")
"""A character of the part in front of @ must be written as its code. The value is not shown, which may be secret."""
NO_SCHEME = Message("{url!r} has no http or https scheme", "Begin it with http:// or https://")
"""The URL does not begin with http:// or https://, so clients cannot tell whether the server uses TLS."""
NO_HOST = Message("{url!r} has no host, or its port is 0", "Use http://HOST:PORT or https://HOST:PORT")
"""The URL does not contain a host and port to connect to."""
HAS_BLANK = Message("{url!r} contains a blank, a line break or another control character", "Remove it")
"""The value was usually copied or read from a file with a line break at its end, or is a list of several URLs."""
NOT_ASCII = Message("the host {host!r} contains characters other than ASCII", "Use the form that begins with xn--")
"""Docker and many other clients look up internationalized domain names in their ASCII form only."""
NOT_A_HOST = Message("{host!r} is not a host name or an IP address", "Use one host: letters, digits, dots and hyphens")
"""No client can look up the host: a character or a label is not allowed in host names, or it is a list of hosts."""
NOT_AN_ADDRESS = Message("{host!r} is not a valid IPv4 address", "Use four numbers from 0 to 255, or a host name")
"""The host ends in a number, so it is no name, and it is no address either: no client can look it up."""
NO_BRACKETS = Message("{host!r} is not a host", "Put an IPv6 address in brackets, for example http://[fd00::1]:5000")
"""There are several colons, so it is unknown where the host ends and the port begins."""
UNREACHABLE = Message("nobody can connect to {host!r}", "Use an address or a name of the server")
"""The address is unspecified (0.0.0.0), of a group of hosts, or valid on one network link only (fe80::)."""
BAD_PORT = Message("{port!r} is not a port", "Use a number from 1 to 65535, or leave out the colon")
"""There is a colon after the host, and no port number after it."""
DOCKER_HUB = Message(
    "clients look for images of {host!r} at Docker Hub",
    "Use a name with a dot, or add the port, for example {host}:{port}",
)
"""Docker takes the first part of an image name for a host only if it has a dot or a port, or is localhost."""
IS_HUB = Message("{host!r} is Docker Hub", "Use the host of this registry")
"""The name belongs to Docker Hub, so clients would never ask this registry."""
LOOPBACK = Message("only clients on the same machine can connect to {host!r}", "Use an address or a name of the server")
"""Each client takes the host for itself: localhost, 127.0.0.1 and the like."""
NOT_FOR_IMAGES = Message("{host!r} cannot be the host of an image name", "Use letters, digits, hyphens and single dots")
"""Docker's grammar of image names allows no underscore in a host, no dot at its end, and no mixed IPv6 address."""

HUB = ("docker.io", "index.docker.io")
"""Hosts that are Docker Hub to Docker, whatever DNS says."""
PORTS = {"http": 80, "https": 443}

# What resolvers look up: https://www.rfc-editor.org/rfc/rfc1123#section-2.1, and underscores, which they allow.
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\.?\Z){_LABEL}(?:\.{_LABEL})*\.?", re.ASCII)
_USER = re.compile(r"[A-Za-z0-9._:~!$&'()*+,;=%@-]*")
"""Of https://pkg.go.dev/net/url#Parse: validUserinfo."""
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9a-fA-F]*)\.?")
"""A host that ends in a number is an address or nothing: https://url.spec.whatwg.org/#ends-in-a-number-checker"""

# Of https://pkg.go.dev/github.com/distribution/reference: domainAndPort.
_PART = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOCKER = re.compile(rf"(?:{_PART}(?:\.{_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")


def bracketed(host: str) -> str:
    """Return *host* as URLs have it: an IPv6 address in brackets, everything else unchanged."""
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        return host


def netloc(http_host: str | None, address: str, port: int) -> str:
    """Return ``host[:port]`` at which clients reach the registry.

    That of the URL *http_host* if there is one, without user, path and slash; else *address* and *port*.
    """
    if http_host:
        return urlsplit(http_host).netloc.rpartition("@")[2]
    return f"{bracketed(address)}:{port}"


def scheme(url: str) -> str:
    """Return the scheme of a valid *url*."""
    return urlsplit(url).scheme


def ignored(url: str) -> str:
    """Return the parts of a valid *url* that are neither scheme nor host nor port, as words; empty without any."""
    parts = urlsplit(url)
    present = {
        "user": "@" in parts.netloc,
        "path": bool(parts.path.strip("/")),
        "query": bool(parts.query),
        "fragment": bool(parts.fragment),
    }
    return ", ".join(name for name, there in present.items() if there)


def own_netlocs(http_host: str | None, here: Iterable[str], port: int) -> frozenset[str]:
    """Return every ``host[:port]`` at which this unit's registry is reached, to distinguish it from other hosts.

    *here* are the unit's addresses and those of proxies in front of it.
    """
    hosts = [*here, "127.0.0.1", "localhost"]
    return frozenset({netloc(http_host, hosts[0], port).lower(), *(netloc(None, host, port) for host in hosts)})


def hostname(url: str) -> str | None:
    """Return the host of *url*, without port and brackets, or None where it has none."""
    return None if url_problem(url) else urlsplit(url).hostname


def split(netloc: str) -> tuple[str, str | None]:
    """Return host and port of ``host[:port]``; the port is None without a colon.

    >>> split("[fd00::1]:5000")
    ('[fd00::1]', '5000')
    """
    end = netloc.rfind("]") + 1
    host, colon, port = netloc[end:].partition(":")
    return netloc[:end] + host, port if colon else None


def covers(ports: str, port: int) -> bool:
    """Tell whether a *port* of TCP is one of Juju's open *ports*, for example ``5000/tcp`` or ``5000-5010/tcp``."""
    match = re.fullmatch(r"([0-9]+)(?:-([0-9]+))?/tcp", ports.lower())
    return match is not None and int(match[1]) <= port <= int(match[2] or match[1])


def url_problem(url: str) -> Text | None:
    """Return what is wrong with *url* as the address of an HTTP server, or None."""
    begin, separator, rest = url.partition("://")
    if re.search(r"[\s\x00-\x20\x7f-\x9f]", url):
        return HAS_BLANK(url=url)
    if not separator or begin.lower() not in PORTS:
        return NO_SCHEME(url=url)
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    where = authority.rpartition("@")[2]
    host, port = split(where)
    if not host or (port and not port.strip("0")):
        return NO_HOST(url=url)
    if port and ":" not in port and not _is_port(port):
        is_number = re.fullmatch(r"[0-9]+", port)
        return NOT_A_URL(url=url, error="Port out of range 0-65535" if is_number else "invalid host or port")
    problem = netloc_problem(where) or _escape_problem(url, authority.rpartition("@")[0])
    # A password with a slash in it makes the URL end before its host: what is named would be a part of the password.
    return NOT_A_URL(url=url, error="invalid host or port") if problem and "@" in rest[len(authority) :] else problem


def _escape_problem(url: str, user: str) -> Text | None:
    if not _USER.fullmatch(user):
        return BAD_USER()
    before, _, fragment = url.partition("#")
    # Only a query is not decoded before it is used.
    parts = (before.partition("?")[0], fragment)
    return BAD_ESCAPE(url=url) if any(re.search("%(?![0-9a-fA-F]{2})", part) for part in parts) else None


def netloc_problem(netloc: str) -> Text | None:
    """Return what is wrong with ``host[:port]`` as the place of any server, or None."""
    host, port = split(netloc)
    if port is not None and ":" in port:
        return NO_BRACKETS(host=netloc)
    if port is not None and not _is_port(port):
        return BAD_PORT(port=port)
    if not host.isascii():
        return NOT_ASCII(host=host)
    if host.startswith("[") and host.endswith("]"):
        return _address_problem(host, host[1:-1], 6)
    if _NUMBER.fullmatch(host):
        return _address_problem(host, host, 4)
    return None if _NAME.fullmatch(host) else NOT_A_HOST(host=host)


def _is_port(port: str) -> bool:
    return bool(re.fullmatch(r"0*[1-9][0-9]{0,4}", port)) and int(port) <= 65535


def _address_problem(host: str, text: str, version: int) -> Text | None:
    try:
        # A zone is a network interface of one machine; the same link-local address is elsewhere on another one.
        address = ipaddress.ip_address(text if "%" not in text else "")
    except ValueError:
        address = None
    if address is None or address.version != version:
        return NOT_AN_ADDRESS(host=host) if version == 4 else NOT_A_HOST(host=host)
    unreachable = address.is_unspecified or address.is_multicast or text == "255.255.255.255"
    return UNREACHABLE(host=host) if unreachable or (version == 6 and address.is_link_local) else None


def registry_problem(url: str) -> Text | None:
    """Return what is wrong with *url* as that of a registry, whose host is a part of the names of its images."""
    problem = url_problem(url)
    if problem:
        return problem
    place = netloc(url, "", 0)
    host, port = split(place)
    if place in HUB:
        return IS_HUB(host=host)
    if _is_loopback(host):
        return LOOPBACK(host=host)
    if not (port or "." in host or host.startswith("[")):
        return DOCKER_HUB(host=host, port=PORTS[scheme(url)])
    return None if _DOCKER.fullmatch(place) else NOT_FOR_IMAGES(host=host)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
