"""The certificate that the registry presents."""

import base64
import dataclasses
import json

import pytest
from authority import ALONE, ALONE_KEY, BETWEEN, KEY, LEAF, ROOT, certificate, key
from registry.formats import certificates
from registry.formats.relations import Certificate, Offer
from registry.options import options
from registry.options.tls import DEFAULT_PATHS, Tls
from registry.plan import certificate as tls
from registry.plan.certificate import File
from registry.plan.request import is_due
from registry.release import filenames
from test_certificates import NO_CERTIFICATE, NOT_PEM
from test_options import DEFAULTS

NOW = 1_800_000_000
CHAIN = LEAF + BETWEEN
TLS = {"tls-cert-blob": CHAIN, "tls-key-blob": KEY, "tls-ca-blob": ROOT}
CERT_PATH, KEY_PATH = DEFAULT_PATHS["cert"], DEFAULT_PATHS["key"]
NO_KEY = "the text contains no private key. Use PEM or base64 of PEM"
KEY_MISMATCH = "the key does not belong to the certificate. Use the key and certificate of one pair"
NO_ISSUER = (
    "{} was issued by {}, which is neither in the chain nor the CA. "
    "Append the certificate of {} (fullchain.pem in place of cert.pem), or check the CA"
)
OTHER_CA = "the chain leads to alone, which is not the configured CA. Use the CA of this certificate"
NOT_ISSUED_BY_CA = NO_ISSUER.format("leaf", "between", "between")
MISSING = "Copy it there, or set tls-{}-blob: TLS needs a certificate and its key"


def asked(**config):
    named = {f"tls-{name.replace('_', '-')}": value for name, value in config.items()}
    return Tls.from_config({**DEFAULTS, **named})


def choose(files, before=None, now=NOW, **config):
    found = {kind: value if isinstance(value, File) else File(value) for kind, value in files.items()}
    return tls.choose(asked(**config), found, before or {}, now)


def test_default_paths_without_files_ask_for_nothing():
    assert choose({}) == tls.Chosen()
    assert choose({"ca": "junk"}) == tls.Chosen(), "a CA alone asks for nothing"


def test_an_empty_path_turns_it_off_whatever_else_is_there():
    assert choose({"cert": ALONE, "key": ALONE_KEY}, cert_path="", key_blob=KEY) == tls.Chosen()


def test_files_of_the_operator_are_copied():
    chosen = choose({"cert": f"subject=x\n{CHAIN}", "key": KEY, "ca": ROOT})
    assert chosen.problems == {}
    assert chosen.copies == {
        "tls.crt": CHAIN,
        "tls.key": KEY,
        "tls-ca.crt": ROOT,
        "tls.json": json.dumps(DEFAULT_PATHS, sort_keys=True) + "\n",
    }


@pytest.mark.parametrize(
    "wrap",
    [str, lambda pem: base64.b64encode(pem.encode()).decode(), lambda pem: base64.encodebytes(pem.encode()).decode()],
)
def test_blobs_are_taken_as_pem_and_as_base64_with_lines_or_without(wrap):
    chosen = choose({}, cert_blob=wrap(CHAIN), key_blob=wrap(KEY), ca_blob=wrap(ROOT))
    assert chosen.problems == {}
    assert (chosen.copies["tls.crt"], chosen.copies["tls.key"]) == (CHAIN, KEY)
    assert asked(cert_blob=wrap(CHAIN), key_blob=wrap(KEY)).texts() == {CERT_PATH: CHAIN, KEY_PATH: KEY}


def test_a_self_signed_certificate_needs_no_ca():
    assert choose({"cert": ALONE, "key": ALONE_KEY}).problems == {}


@pytest.mark.parametrize(
    ("files", "problems"),
    [
        ({"cert": LEAF}, {"tls-key-path": f"there is no file {KEY_PATH}. {MISSING.format('key')}"}),
        ({"key": KEY}, {"tls-cert-path": f"there is no file {CERT_PATH}. {MISSING.format('cert')}"}),
        ({"cert": LEAF, "key": ALONE_KEY}, {"tls-key-path": KEY_MISMATCH}),
        ({"cert": "x y", "key": KEY}, {"tls-cert-path": f"{CERT_PATH}: {NOT_PEM}"}),
        (
            {"cert": KEY, "key": KEY},
            {"tls-cert-path": f"{CERT_PATH}: {NO_CERTIFICATE}"},
        ),
        (
            {"cert": LEAF, "key": LEAF},
            {"tls-key-path": f"{KEY_PATH}: {NO_KEY}"},
        ),
        ({"cert": LEAF, "key": File(error="/x is no file")}, {"tls-key-path": "/x is no file"}),
    ],
)
def test_half_or_wrong_files_are_a_clause_and_no_plain_registry(files, problems):
    chosen = choose(files)
    assert (chosen.problems, chosen.copies) == (problems, {})


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"cert": LEAF, "ca": ROOT}, NOT_ISSUED_BY_CA),
        ({"cert": ALONE, "ca": ROOT}, OTHER_CA),
    ],
)
def test_a_chain_that_does_not_lead_to_the_ca_is_a_problem(files, text):
    own = KEY if files["cert"] == LEAF else ALONE_KEY
    assert choose({**files, "key": own}).problems == {"tls-cert-path": text}


def test_a_key_with_a_passphrase_is_a_clause():
    encrypted = KEY.replace("EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY")
    assert "encrypted" in choose({"cert": LEAF, "key": encrypted}).problems["tls-key-path"]


def test_a_path_of_the_operators_own_without_a_file_is_a_clause():
    problems = choose({}, cert_path="/mine.crt").problems
    assert problems["tls-cert-path"] == f"there is no file /mine.crt. {MISSING.format('cert')}"


def test_what_vanished_stays_as_it_was_with_a_warning():
    before = choose({"cert": CHAIN, "key": KEY, "ca": ROOT}).copies
    chosen = choose({"key": KEY, "ca": ROOT}, before)
    assert (chosen.problems, chosen.copies) == ({}, before)
    assert chosen.warnings == (
        f"tls-cert-path: {CERT_PATH} no longer exists; its copy stays in use. Restore the file, or empty tls-cert-path "
        "to turn TLS off.",
    )
    assert choose({}, before).copies == before
    assert choose({}, before, cert_path="") == tls.Chosen()


def test_blobs_that_are_emptied_turn_it_off():
    before = choose({}, cert_blob=CHAIN, key_blob=KEY).copies
    assert choose({}, before) == tls.Chosen()
    assert "tls-cert-path" in choose({}, before, key_blob=KEY).problems, "one of two is half"


@pytest.mark.parametrize(
    ("days", "words"), [(-1, "is not valid before "), (3649, "expires on "), (3651, "expired on "), (300, None)]
)
def test_what_time_changes_is_a_warning(days, words):
    begin = certificates.parsed(LEAF)[0].begin
    chosen = choose({"cert": ALONE, "key": ALONE_KEY}, now=begin + days * 86400)
    assert chosen.problems == {}
    assert [words in warning for warning in chosen.warnings] == ([True] if words else [])


def test_an_expired_certificate_is_examined_like_others():
    old = certificate("old", days=1)
    assert choose({"cert": old, "key": key("old")}, now=NOW + 10**9).problems == {}


@pytest.mark.parametrize(
    ("config", "option", "text"),
    [
        (
            {"cert_path": "x.crt"},
            "tls-cert-path",
            f"'x.crt' is not the absolute path of a file. Use a path such as {CERT_PATH}",
        ),
        (
            {"key_path": "/x\n"},
            "tls-key-path",
            f"'/x\\n' is not the absolute path of a file. Use a path such as {KEY_PATH}",
        ),
        (
            {"key_path": "", "key_blob": KEY},
            "tls-key-path",
            f"not set, but tls-key-blob is written to this path. Set a path such as {KEY_PATH}, or reset tls-key-blob",
        ),
        ({"cert_blob": "junk!"}, "tls-cert-blob", NOT_PEM),
        ({"key_blob": "aGFsbG8="}, "tls-key-blob", NO_KEY),
        ({"client_ca_blob": "junk!"}, "tls-client-ca-blob", NOT_PEM),
        ({"minimum_version": "tls1.0"}, "tls-minimum-version", "'tls1.0' is not supported. Use one of tls1.2, tls1.3"),
    ],
)
def test_a_wrong_option_is_a_problem(config, option, text):
    problems = asked(**config).problems()
    assert {name: problem for name, problem in problems.items() if problem} == {option: text}


def test_clients_have_to_show_a_certificate_of_that_ca_or_the_charms_own():
    wanted = asked(client_ca_blob=base64.b64encode(ROOT.encode()).decode())
    files = {"cert": File(LEAF), "key": File(KEY)}
    assert tls.choose(wanted, files, {}, NOW, ALONE).copies[filenames.CLIENT_CA] == ROOT + ALONE
    assert filenames.CLIENT_CA not in choose(files).copies


def test_clients_are_not_let_in_without_a_certificate_because_tls_is_missing():
    assert choose({}, client_ca_blob=ROOT).problems == {
        "tls-client-ca-blob": "TLS is off, so clients cannot present certificates. "
        "Set tls-cert-blob and tls-key-blob, or copy the files to their paths"
    }
    unreadable = choose({"cert": LEAF, "key": KEY}, client_ca_blob="junk!")
    assert "client-ca.crt" not in unreadable.copies, "which of them clients need is for the plan to decide"


GIVEN = Certificate(ROOT, BETWEEN, LEAF, KEY)


def offered(certificate=GIVEN, names=("leaf",), before=None, files=None, now=NOW, **config):
    there = {kind: File(text) for kind, text in (files or {}).items()}
    return tls.choose(asked(**config), there, before or {}, now, "", Offer(names, certificate))


def test_what_a_ca_gives_is_presented_with_its_chain():
    assert offered() == tls.Chosen(
        {
            "tls.crt": LEAF + BETWEEN,
            "tls.key": KEY,
            "tls-ca.crt": ROOT,
            "tls.json": '{"ca": "cert-provider", "cert": "cert-provider", "key": "cert-provider"}\n',
        }
    )
    assert offered(dataclasses.replace(GIVEN, chain=LEAF + BETWEEN + ROOT)).copies["tls.crt"] == LEAF + BETWEEN
    assert offered(Certificate(ALONE, "", ALONE, ALONE_KEY), ("alone",)).copies["tls.crt"] == ALONE


def test_a_certificate_that_the_ca_has_yet_to_give_is_waited_for():
    assert offered(None) == tls.Chosen(
        waiting="Waiting for the CA of cert-provider to send a certificate. Check the CA if this takes minutes."
    )
    before = offered().copies
    chosen = offered(None, before=before)
    assert (chosen.copies, chosen.waiting) == (before, None)
    assert chosen.warnings == ("cert-provider: waiting for a new certificate. The previous one stays in use.",)


def test_the_certificate_of_a_relation_that_is_gone_goes_with_it():
    assert choose({}, offered().copies) == tls.Chosen()


@pytest.mark.parametrize(
    ("given", "clause"),
    [
        (Certificate(ROOT, "", LEAF, KEY), NOT_ISSUED_BY_CA),
        (Certificate(ROOT, BETWEEN, LEAF, ALONE_KEY), KEY_MISMATCH),
        (Certificate(ROOT, "", "junk", KEY), NOT_PEM),
        (Certificate("", "", LEAF, KEY), NO_CERTIFICATE),
    ],
)
def test_what_a_ca_gives_is_looked_at(given, clause):
    chosen = offered(given)
    assert (chosen.copies, chosen.problems) == ({}, {}), "other options are not to wait for the CA"
    assert chosen.waiting.startswith(f"cert-provider: {clause}")
    assert chosen.waiting.endswith(
        ". Waiting for the CA of cert-provider to send a certificate. Check the CA if this takes minutes."
    )
    before = offered().copies
    chosen = offered(given, before=before)
    assert (chosen.copies, chosen.problems, chosen.waiting) == (before, {}, None)
    assert chosen.warnings[0].startswith(f"cert-provider: {clause}")
    assert chosen.warnings[0].endswith(". The previous certificate stays in use.")


@pytest.mark.parametrize("chain", [BETWEEN, BETWEEN + ROOT, LEAF + BETWEEN + ROOT, ""])
def test_what_a_ca_calls_its_own_may_be_a_certificate_between(chain):
    chosen = offered(Certificate(BETWEEN, chain, LEAF, KEY), ("leaf",))
    assert (chosen.problems, chosen.warnings, chosen.waiting) == ({}, (), None)
    assert chosen.copies["tls.crt"] == LEAF + BETWEEN
    assert chosen.copies["tls-ca.crt"] == BETWEEN + (ROOT if ROOT in chain else "")


def test_what_the_ca_refuses_is_said_in_its_words():
    def refused_with(before):
        return tls.choose(asked(), {}, before, NOW, "", Offer(("leaf",), None, "no addresses here."))

    refused = "cert-provider: the CA refused the certificate request: no addresses here. Fix it at the CA."
    waiting = "Waiting for the CA of cert-provider to send a certificate. Check the CA if this takes minutes."
    assert refused_with({}).waiting == f"{refused} {waiting}"
    before = offered().copies
    assert refused_with(before).warnings == (f"{refused} The previous certificate stays in use.",)


def test_a_path_of_the_operators_without_a_file_is_no_wish_where_there_is_a_ca():
    paths = {"cert_path": "/x/c.crt", "key_path": "/x/c.key"}
    assert offered(**paths).copies["tls.crt"] == LEAF + BETWEEN
    assert "tls-cert-path" in choose({}, **paths).problems


def test_a_name_that_the_certificate_lacks_is_a_warning():
    said = "the certificate is not valid for 10.0.0.5, so clients reject it there."
    given = tls.choose(asked(), {}, {}, NOW, "", Offer(("leaf", "10.0.0.5"), GIVEN), names=["10.0.0.5"])
    assert given.warnings == (f"cert-provider: {said} Have the CA reissue it.",)
    assert offered(names=("leaf", "10.0.0.5")).warnings == (), "nobody is told of the other names"
    files = {kind: File(text) for kind, text in {"cert": CHAIN, "key": KEY, "ca": ROOT}.items()}
    chosen = tls.choose(asked(), files, {}, NOW, names=["10.0.0.5"])
    assert chosen.warnings == (f"tls-cert-path: {said} Set http-host to a name it has, or reissue it.",)
    assert tls.choose(asked(), files, {}, NOW, names=["leaf"]).warnings == ()


def test_options_take_precedence_over_the_relation_with_a_warning():
    chosen = offered(cert_blob=ALONE, key_blob=ALONE_KEY)
    assert chosen.copies["tls.crt"] == ALONE
    assert chosen.warnings == (
        "cert-provider: the options tls-... take precedence over its certificate. Reset them or remove the relation.",
    )


def test_clients_show_certificates_to_a_registry_with_the_relations_too():
    assert offered(client_ca_blob=ROOT).copies[filenames.CLIENT_CA] == ROOT
    assert offered(None, client_ca_blob=ROOT).waiting
    assert "tls-client-ca-blob" in choose({}, client_ca_blob=ROOT).problems
    assert offered(client_ca_blob=ROOT, cert_path="").copies[filenames.CLIENT_CA] == ROOT


def test_a_new_certificate_is_due_in_the_last_third():
    (validity,) = certificates.parsed(LEAF)
    third = (validity.end - validity.begin) / 3
    assert not is_due(GIVEN, validity.begin, validity.end - third - 1)
    assert is_due(GIVEN, validity.begin, validity.end - third + 1)
    assert not is_due(GIVEN, validity.end - third, validity.end - 1), "one was asked for lately"
    assert is_due(GIVEN, validity.end + third, validity.end - 1), "by a clock that was ahead"
    assert not is_due(Certificate("", "", "junk", ""), 0, validity.end)


def test_files_that_the_predecessor_wrote_for_the_relation_are_the_relations():
    files = {"cert": File(LEAF), "key": File(KEY)}
    offer = Offer((), GIVEN)
    assert tls.are_relations(asked(), files, offer, False)
    assert tls.are_relations(asked(), {"cert": File(ALONE)}, offer, True)
    assert not tls.are_relations(asked(), {"cert": File(ALONE)}, offer, False)
    assert not tls.are_relations(asked(), files, Offer((), None), True)
    assert not tls.are_relations(asked(cert_blob=LEAF, key_blob=KEY), files, offer, True)
    assert not tls.are_relations(asked(), {}, offer, True)


def test_wrong_blobs_are_not_written():
    assert asked(cert_blob="junk!", key_blob=KEY).texts() == {KEY_PATH: KEY}
    assert asked(cert_blob=CHAIN, key_blob=KEY, cert_path="").texts() == {}


def test_no_key_is_printed():
    wanted = options.Options.from_config({**DEFAULTS, **TLS})
    line = KEY.splitlines()[1]
    assert line not in repr(wanted) + repr(choose({"cert": LEAF, "key": KEY})) + repr(File(KEY))
