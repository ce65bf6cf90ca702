#!/usr/bin/python3
"""Gives out certificates over the relation; every hook does all of it, and what is given out already stays."""

import hashlib
import json
import os
import pathlib
import subprocess

COPIED = ["-copy_extensions", "copyall"]
FOLDER = pathlib.Path("/var/lib/authority")
JUJUS = {"egress-subnets", "ingress-address", "private-address"}
TOLD = {"unit_name", "common_name", "sans", "certificate_name", "certificate_signing_requests"}
REFUSED = {"code": 101, "name": "ip_not_allowed", "message": "IP addresses are not allowed."}


def tool(*words, stdin=None):
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=True)
    return done.stdout


def ask(*words):
    return json.loads(tool(*words, "--format=json") or "null")


def tell(relation, settings, *where):
    tool("relation-set", "-r", relation, *where, "--file", "-", stdin=json.dumps(settings))


def openssl(*words):
    subprocess.run(["openssl", *words], cwd=FOLDER, check=True, capture_output=True)


def new_key(name):
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")


def authority(name, by=None):
    """Return the certificate of the CA called name, made at the first time."""
    if not (FOLDER / f"{name}.crt").exists():
        new_key(name)
        (FOLDER / "ca.ext").write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n")
        openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", "ca.csr")
        sign = ["-CA", f"{by}.crt", "-CAkey", f"{by}.key", "-CAcreateserial"] if by else ["-signkey", f"{name}.key"]
        openssl("x509", "-req", "-in", "ca.csr", *sign, "-days", "365", "-extfile", "ca.ext", "-out", f"{name}.crt")
    return (FOLDER / f"{name}.crt").read_text()


def issue(csr, signer, days, extensions):
    (FOLDER / "asked.csr").write_text(csr)
    openssl("req", "-in", "asked.csr", "-noout", "-verify")
    sign = ["-CA", f"{signer}.crt", "-CAkey", f"{signer}.key", "-CAcreateserial", "-days", str(days)]
    openssl("x509", "-req", "-in", "asked.csr", *sign, *extensions, "-out", "asked.crt")
    return (FOLDER / "asked.crt").read_text()


def kept(key, make):
    """Return what make gave for this key at the first time."""
    file = FOLDER / f"{hashlib.sha256(json.dumps(key).encode()).hexdigest()}.json"
    if not file.exists():
        file.write_text(json.dumps(make()))
    return json.loads(file.read_text())


def said(relation, unit):
    """Return what a unit says, which is nothing that nobody knows."""
    bag = ask("relation-get", "-r", relation, "-", unit)
    assert bag.keys() <= TOLD | JUJUS, f"{unit} says {sorted(bag.keys() - TOLD - JUJUS)}"
    return bag


def classic(relation, unit, config, signer, root):
    """Answer as easyrsa and vault do: key and certificate, in this unit's databag."""
    asked = said(relation, unit)
    name, common_name = asked.get("unit_name"), asked.get("common_name")
    if not (name and common_name) or config["answer"] == "nothing":
        return
    names = json.loads(asked["sans"])
    # easyrsa makes a file's name and a command of these.
    assert not any(mark in word for word in (common_name, *names) for mark in "/ '\"")
    answer = {"ca": authority(signer) if config["issuer"] else root, "client.cert": root, "client.key": "unused"}
    if config["intermediate"]:
        answer["chain"] = authority(signer)
    if config["answer"] == "all":
        key = [config["issue"], signer, name, common_name, sorted(set(names))]
        answer.update(kept(key, lambda: made(name, common_name, names, signer, config["days"])))
    tell(relation, answer)


def made(name, common_name, names, signer, days):
    new_key("server")
    openssl("req", "-new", "-key", "server.key", "-subj", f"/CN={common_name}", "-out", "server.csr")
    kinds = ",".join(f"{'IP' if word[-1].isdigit() and word.count('.') == 3 else 'DNS'}:{word}" for word in names)
    usage = "extendedKeyUsage=clientAuth,serverAuth"
    (FOLDER / "server.ext").write_text(f"basicConstraints=CA:FALSE\nsubjectAltName={kinds}\n{usage}\n")
    certificate = issue((FOLDER / "server.csr").read_text(), signer, days, ["-extfile", "server.ext"])
    return {f"{name}.server.cert": certificate, f"{name}.server.key": (FOLDER / "server.key").read_text()}


def requests(relation, units, config, signer, root):
    """Answer as self-signed-certificates does: in the application's databag, for all requests that are there."""
    answers, refused, revoked = [], [], FOLDER / "revoked.json"
    for unit in units:
        asked = json.loads(said(relation, unit).get("certificate_signing_requests", "[]"))
        if not all(entry.keys() == {"certificate_signing_request", "ca"} for entry in asked):
            continue  # the schema fails for the whole databag
        for entry in asked:
            csr = entry["certificate_signing_request"]
            if config["answer"] == "refused":
                refused.append({"csr": csr, "error": REFUSED})
                continue
            key = [config["issue"], signer, csr]
            certificate = kept(key, lambda csr=csr: issue(csr, signer, config["days"], COPIED))
            chain = [certificate, *([authority(signer)] if config["intermediate"] else []), root]
            answer = {"ca": root, "certificate_signing_request": csr, "certificate": certificate, "chain": chain}
            answers.append(answer)
    if config["revoke"]:
        if not revoked.exists():
            revoked.write_text(json.dumps([answer["certificate_signing_request"] for answer in answers]))
        gone = json.loads(revoked.read_text())
        answers = [{**one, "revoked": one["certificate_signing_request"] in gone} for one in answers]
    given = json.dumps(answers if config["answer"] == "all" else [])
    tell(relation, {"certificates": given, "request_errors": json.dumps(refused)}, "--app")


def main():
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    config = ask("config-get", "--all")
    name = f"root-{config['root']}"
    root = authority(name)
    signer = f"{name}-between" if config["intermediate"] else name
    authority(signer, name)
    for relation in ask("relation-ids", "certificates"):
        units = ask("relation-list", "-r", relation) or []
        if config["dialect"] == "requests":
            requests(relation, units, config, signer, root)
            continue
        for unit in units:
            classic(relation, unit, config, signer, root)
    tool("status-set", "active", f"{config['dialect']}, {config['answer']}")


if __name__ == "__main__":
    os.umask(0o077)
    main()
