"""The verdict on each chain is that of a real client of Go, which verdicts.json has: see verdicts.py."""

import json
import pathlib
import time

import pytest
from chain_cases import CASES, certificate, key
from registry.formats import certificates
from registry.plan import validity

GO = json.loads((pathlib.Path(__file__).parent / "verdicts.json").read_text())
SUBJECTS = {"cert": "tls-cert-blob", "ca": "tls-ca-blob"}


def problems(case):
    """What the charm says of a case."""
    now = time.time() + case.day * 86400
    served, trusted = ("".join(map(certificate, names)) for names in (case.served, case.trusted))
    try:
        examined = certificates.examine(served, key(case.served[0]), trusted, now)
    except certificates.BadCertificates as error:
        return [error.text]
    names = validity.name_warnings(SUBJECTS["cert"], examined.leaf, [case.host])
    return [*names, *validity.validity_warnings(SUBJECTS, examined, now, has_ca=True)]


def test_the_verdicts_are_those_of_the_cases():
    assert list(GO) == list(CASES)


def test_the_page_for_operators_has_the_same_table():
    page = (pathlib.Path(__file__).parents[4] / "docs/reference/certificates.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    assert rows[1:] == [[name, "rejected" if GO[name] else "accepted"] for name in CASES]


def test_what_go_accepts_is_accepted_and_what_it_rejects_is_said():
    # One test, so that one process makes the certificates that the cases share.
    said = {name: problems(case) for name, case in CASES.items()}
    assert not [(name, said[name], GO[name]) for name in CASES if bool(said[name]) != bool(GO[name])]


@pytest.mark.parametrize("other", ["expired", "rsa-1024", "of-rsa"])
@pytest.mark.parametrize("own", ["good", "rsa-1024"])
def test_a_key_of_another_certificate_is_named_as_that_whatever_its_kind(own, other):
    if own == other:
        return
    with pytest.raises(certificates.BadKey) as raised:
        certificates.examine(certificate(own), key(other), None)
    assert raised.value.text == certificates.KEY_MISMATCH()


def test_the_certificate_of_the_key_comes_first_whatever_the_kind_of_the_others():
    examined = certificates.examine(
        certificate("between") + certificate("rsa-1024"), key("rsa-1024"), certificate("root")
    )
    assert examined.served == certificate("rsa-1024") + certificate("between")
