"""Chains as operators and CAs have them, made by openssl: what is served, trusted and asked for, and when."""

import dataclasses
import functools
import pathlib
import subprocess
import tempfile

HOST, ADDRESS = "registry.example.test", "192.0.2.10"
CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n"
KEYS_IDS = "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
NAMED = f"subjectAltName=DNS:{HOST},IP:{ADDRESS}\n"
SERVER = f"basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n{NAMED}"
P256, RSA1024 = ("EC", "ec_paramgen_curve:P-256"), ("RSA", "rsa_keygen_bits:1024")


@dataclasses.dataclass(frozen=True)
class Spec:
    """One certificate: by whom, for how long and with which extensions. *key_of*: it has the key of that one."""

    subject: str
    issuer: str = ""
    extensions: str = SERVER
    days: int = 3650
    key: tuple[str, ...] = P256
    digest: str = "sha256"
    key_of: str = ""


CERTIFICATES = {
    "root": Spec("Root", "", CA),
    "other-root": Spec("Other Root", "", CA),
    "root-again": Spec("Root", "", CA),  # the same name, another key
    "root-renewed": Spec("Root", "", CA, key_of="root"),
    "root-old": Spec("Root", "", CA, days=10, key_of="root"),
    "root-v3-no-ca": Spec("Plain Root", "", "subjectKeyIdentifier=hash\n"),
    "root-for-mail": Spec("Mail Root", "", CA + "extendedKeyUsage=emailProtection\n"),
    "root-sha1": Spec("SHA Root", "", CA, digest="sha1"),
    "between": Spec("Issuing", "root", CA),
    "between-old": Spec("Issuing", "root", CA, days=10, key_of="between"),
    "between-again": Spec("Issuing", "root", CA),
    "between-cross": Spec("Issuing", "other-root", CA, key_of="between"),
    "between-cross-old": Spec("Issuing", "other-root", CA, days=10, key_of="between"),
    "between-no-ca": Spec("No CA", "root", "basicConstraints=CA:FALSE\n"),
    "between-silent": Spec("Silent", "root", "subjectKeyIdentifier=hash\n"),
    "between-no-sign": Spec("No Sign", "root", "basicConstraints=critical,CA:TRUE\nkeyUsage=cRLSign\n"),
    "between-for-clients": Spec("Clients", "root", CA + "extendedKeyUsage=clientAuth\n"),
    "between-for-any": Spec("Any", "root", CA + "extendedKeyUsage=anyExtendedKeyUsage\n"),
    "between-sha1": Spec("SHA", "root", CA, digest="sha1"),
    "between-zero": Spec("Zero", "root", "basicConstraints=critical,CA:TRUE,pathlen:0\n"),
    "below-zero": Spec("Below", "between-zero", CA),
    "between-names": Spec("Names", "root", CA + "nameConstraints=critical,permitted;DNS:example.test\n"),
    "between-other-names": Spec("Others", "root", CA + "nameConstraints=critical,permitted;DNS:example.org\n"),
    "between-excluded": Spec("Excluded", "root", CA + "nameConstraints=excluded;DNS:example.test\n"),
    "between-net": Spec("Net", "root", CA + "nameConstraints=permitted;IP:192.0.2.0/255.255.255.0\n"),
    "between-other-net": Spec("Other Net", "root", CA + "nameConstraints=permitted;IP:10.0.0.0/255.0.0.0\n"),
    "between-dirname": Spec("Folder", "root", CA + "nameConstraints=critical,permitted;dirName:dir\n[dir]\nCN=x\n"),
    "between-policies": Spec("Policies", "root", CA + "policyConstraints=critical,requireExplicitPolicy:3\n"),
    "between-ed448": Spec("Ed448", "root", CA, key=("ED448",)),
    "between-brainpool": Spec("Brainpool", "root", CA, key=("EC", "ec_paramgen_curve:brainpoolP256r1")),
    "between-rsa": Spec("RSA", "root", CA, key=("RSA", "rsa_keygen_bits:2048")),
    "good": Spec(HOST, "between"),
    "direct": Spec(HOST, "root"),
    "of-rsa": Spec(HOST, "between-rsa"),
    "expired": Spec(HOST, "between", days=10),
    "cn-only": Spec(HOST, "between", "basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n"),
    "cn-address": Spec(ADDRESS, "between", SERVER.replace(f",IP:{ADDRESS}", "")),
    "wildcard": Spec(HOST, "between", "subjectAltName=DNS:*.example.test\n"),
    "wildcard-inside": Spec(HOST, "between", "subjectAltName=DNS:reg*.example.test\n"),
    "wildcard-high": Spec(HOST, "between", "subjectAltName=DNS:*.test\n"),
    "capitals": Spec(HOST, "between", "subjectAltName=DNS:Registry.EXAMPLE.test\n"),
    "dot": Spec(HOST, "between", f"subjectAltName=DNS:{HOST}.\n"),
    "address-mapped": Spec(HOST, "between", f"subjectAltName=IP:::ffff:{ADDRESS}\n"),
    "address-as-name": Spec(HOST, "between", f"subjectAltName=DNS:{HOST},DNS:{ADDRESS}\n"),
    "ipv6": Spec(HOST, "between", "subjectAltName=IP:2001:db8::1\n"),
    "underscore": Spec(HOST, "between", "subjectAltName=DNS:my_registry.example.test\n"),
    "mail-only": Spec(HOST, "between", "subjectAltName=email:a@example.test\n"),
    "for-clients": Spec(HOST, "between", f"extendedKeyUsage=clientAuth\n{NAMED}"),
    "for-both": Spec(HOST, "between", f"extendedKeyUsage=clientAuth,serverAuth\n{NAMED}"),
    "for-any": Spec(HOST, "between", f"extendedKeyUsage=anyExtendedKeyUsage\n{NAMED}"),
    "for-nothing-said": Spec(HOST, "between", NAMED),
    "for-signing": Spec(HOST, "between", f"keyUsage=keyCertSign\n{NAMED}"),
    "netscape-client": Spec(HOST, "between", f"nsCertType=client\n{NAMED}"),
    "leaf-ca": Spec(HOST, "between", CA + NAMED),
    "self-signed": Spec(HOST, "", NAMED),
    "self-signed-no-ca": Spec(HOST, "", SERVER),
    "self-signed-ca": Spec(HOST, "", CA + NAMED),
    "self-signed-for-clients": Spec(HOST, "", f"extendedKeyUsage=clientAuth\n{NAMED}"),
    "self-signed-sha1": Spec(HOST, "", NAMED, digest="sha1"),
    "must-staple": Spec(HOST, "between", f"{NAMED}1.3.6.1.5.5.7.1.24=critical,DER:30:03:02:01:05\n"),
    "unknown-critical": Spec(HOST, "between", f"{NAMED}1.2.3.4=critical,DER:05:00\n"),
    "unknown": Spec(HOST, "between", f"{NAMED}1.2.3.4=DER:05:00\n"),
    "sha1": Spec(HOST, "between", digest="sha1"),
    "sha224": Spec(HOST, "between", digest="sha224"),
    "sha512": Spec(HOST, "between-rsa", digest="sha512"),
    "rsa-1024": Spec(HOST, "between", key=RSA1024),
    "p384": Spec(HOST, "between", key=("EC", "ec_paramgen_curve:P-384")),
    "p521": Spec(HOST, "between", key=("EC", "ec_paramgen_curve:P-521")),
    "ed25519": Spec(HOST, "between", key=("ED25519",)),
    "ed448": Spec(HOST, "between", key=("ED448",)),
    "secp256k1": Spec(HOST, "between", key=("EC", "ec_paramgen_curve:secp256k1")),
    **{
        f"under-{issuer}": Spec(HOST, issuer)
        for issuer in (
            *("root-v3-no-ca", "root-for-mail", "root-sha1", "between-no-ca", "between-silent", "between-no-sign"),
            *("between-for-clients", "between-for-any", "between-sha1", "between-zero", "below-zero", "between-ed448"),
            *("between-names", "between-other-names", "between-excluded", "between-net", "between-other-net"),
            *("between-dirname", "between-policies", "between-brainpool"),
        )
    },
}


@dataclasses.dataclass(frozen=True)
class Case:
    """What is served and trusted, by name, and what the client asks for, so many days after the issue."""

    served: tuple[str, ...]
    trusted: tuple[str, ...] = ("root",)
    host: str = HOST
    day: int = 1


def case(served, trusted="root", host=HOST, day=1):
    return Case(tuple(served.split()), tuple(trusted.split()), host, day)


CASES = {
    "a chain and its root": case("good between"),
    "the root is in the chain too": case("good between root"),
    "issued by the root itself": case("direct"),
    "by its address": case("good between", host=ADDRESS),
    "cert.pem in place of fullchain.pem": case("good"),
    "the intermediate certificates in another order": case("under-below-zero root between-zero below-zero"),
    "certificates that are not needed": case("good other-root between root-again"),
    "an expired one that is not needed": case("good between other-root between-cross-old", day=20),
    "the same one twice": case("good good between between"),
    "another root": case("good between", "other-root"),
    "a root of the same name": case("good between", "root-again"),
    "an old and a new root of the same name": case("good between", "root-again root"),
    "a new and an old root of the same name": case("good between", "root root-again"),
    "two intermediate certificates of the same name": case("good between-again between"),
    "the intermediate certificate is trusted": case("good", "between"),
    "the intermediate certificate is trusted and served": case("good between", "between"),
    "the certificate itself is trusted": case("good", "good"),
    "expired": case("expired between", day=20),
    "an expired intermediate certificate": case("good between-old", day=20),
    "an expired intermediate certificate and its successor": case("good between-old between", day=20),
    "an expired root": case("good between", "root-old", day=20),
    "an expired root and its successor": case("good between", "root-old root-renewed", day=20),
    "an expired root in the chain": case("good between root-old", "root-renewed", day=20),
    "not yet valid": case("good between", day=-5),
    "cross-signed": case("good between-cross", "other-root"),
    "cross-signed, both ways": case("good between-cross between", "root"),
    "cross-signed, one way expired": case("good between-cross-old between", "root other-root", day=20),
    "cross-signed, the only way expired": case("good between-cross-old", "root other-root", day=20),
    "a common name only": case("cn-only between"),
    "an address as common name": case("cn-address between", host=ADDRESS),
    "an address as host name": case("address-as-name between", host=ADDRESS),
    "another address": case("good between", host="192.0.2.11"),
    "another name": case("good between", host="registry.example.org"),
    "a name in capitals": case("capitals between"),
    "a name with a dot at its end": case("dot between"),
    "an IPv4 address as IPv6": case("address-mapped between", host=ADDRESS),
    "an asked name in capitals": case("good between", host=HOST.upper()),
    "a wildcard": case("wildcard between"),
    "a wildcard for two labels": case("wildcard between", host="a.b.example.test"),
    "a wildcard for its domain": case("wildcard between", host="example.test"),
    "a wildcard in a label": case("wildcard-inside between"),
    "a wildcard too high": case("wildcard-high between"),
    "IPv6": case("ipv6 between", host="2001:db8::1"),
    "an underscore": case("underscore between", host="my_registry.example.test"),
    "a mail address only": case("mail-only between"),
    "for clients only": case("for-clients between"),
    "for clients and servers": case("for-both between"),
    "for any purpose": case("for-any between"),
    "without a purpose": case("for-nothing-said between"),
    "key usage for signing only": case("for-signing between"),
    "Netscape type of clients": case("netscape-client between"),
    "a CA as server": case("leaf-ca between"),
    "self-signed": case("self-signed", "self-signed"),
    "self-signed, no CA": case("self-signed-no-ca", "self-signed-no-ca"),
    "self-signed, a CA": case("self-signed-ca", "self-signed-ca"),
    "self-signed, for clients": case("self-signed-for-clients", "self-signed-for-clients"),
    "self-signed with SHA-1": case("self-signed-sha1", "self-signed-sha1"),
    "self-signed, not trusted": case("self-signed", "root"),
    "must staple, critical": case("must-staple between"),
    "an unknown critical extension": case("unknown-critical between"),
    "an unknown extension": case("unknown between"),
    "SHA-1": case("sha1 between"),
    "SHA-224": case("sha224 between"),
    "SHA-512 by RSA": case("sha512 between-rsa"),
    "RSA of 1024 bits": case("rsa-1024 between"),
    "P-384": case("p384 between"),
    "P-521": case("p521 between"),
    "Ed25519": case("ed25519 between"),
    "Ed448": case("ed448 between"),
    "secp256k1": case("secp256k1 between"),
    "an unneeded certificate with a foreign curve": case("good between between-brainpool"),
    "an unneeded certificate with Ed448": case("good between between-ed448"),
    "a root that is not marked as CA": case("under-root-v3-no-ca", "root-v3-no-ca"),
    "a root for mail": case("under-root-for-mail", "root-for-mail"),
    "a root with SHA-1": case("under-root-sha1", "root-sha1"),
    "an intermediate certificate of a server": case("under-between-no-ca between-no-ca"),
    "a trusted intermediate certificate of a server": case("under-between-no-ca", "between-no-ca"),
    "an intermediate certificate that does not say it is a CA": case("under-between-silent between-silent"),
    "an intermediate certificate that may not sign": case("under-between-no-sign between-no-sign"),
    "an intermediate certificate for clients": case("under-between-for-clients between-for-clients"),
    "an intermediate certificate for any purpose": case("under-between-for-any between-for-any"),
    "an intermediate certificate with SHA-1": case("under-between-sha1 between-sha1"),
    "a trusted intermediate certificate with SHA-1": case("under-between-sha1", "between-sha1"),
    "an intermediate certificate with Ed448": case("under-between-ed448 between-ed448"),
    "an intermediate certificate with a foreign curve": case("under-between-brainpool between-brainpool"),
    "path length 0": case("under-between-zero between-zero"),
    "path length 0, exceeded": case("under-below-zero below-zero between-zero"),
    "path length 0, in a trusted one": case("under-below-zero below-zero", "between-zero"),
    "name constraints": case("under-between-names between-names"),
    "other name constraints": case("under-between-other-names between-other-names"),
    "excluded names": case("under-between-excluded between-excluded"),
    "a permitted network": case("under-between-net between-net"),
    "another permitted network": case("under-between-other-net between-other-net"),
    "name constraints of a directory": case("under-between-dirname between-dirname"),
}


@functools.cache
def folder():
    return tempfile.TemporaryDirectory()


def _path(name):
    return pathlib.Path(folder().name, name)


def _openssl(*words):
    subprocess.run(["openssl", *words], cwd=folder().name, check=True, capture_output=True)


@functools.cache
def key(name):
    owner = CERTIFICATES[name].key_of or name
    certificate(owner)
    return _path(f"{owner}.key").read_text()


@functools.cache
def certificate(name):
    """Make a certificate, and a key for it unless it has another's, by one call of openssl: there are a hundred."""
    spec = CERTIFICATES[name]
    if spec.key_of:
        certificate(spec.key_of)
        keys = ["-key", f"{spec.key_of}.key"]
    else:
        algorithm, *options = spec.key
        keys = ["-newkey", algorithm, *(f"-pkeyopt={one}" for one in options), "-nodes", "-keyout", f"{name}.key"]
    by = []
    if spec.issuer:
        certificate(spec.issuer)
        by = ["-CA", f"{spec.issuer}.crt", "-CAkey", f"{CERTIFICATES[spec.issuer].key_of or spec.issuer}.key"]
    _path("settings").write_text(
        f"[req]\ndistinguished_name=subject\nx509_extensions=extensions\n[subject]\n[extensions]\n{spec.extensions}"
    )
    words = ["-config", "settings", "-subj", f"/CN={spec.subject}", "-days", str(spec.days), f"-{spec.digest}"]
    _openssl("req", "-x509", "-new", *words, *keys, *by, "-out", f"{name}.crt")
    return _path(f"{name}.crt").read_text()
