#!/usr/bin/python3
"""Makes Docker and containerd know the registry, by the rules of their charms; /usr/local/bin/pull uses both."""

import json
import os
import pathlib
import subprocess
import sys

KEYS = {"registry_netloc", "registry_url", "basic_user", "basic_password", "tls_ca"}
UNKNOWN = {"registry_unit"}  # passed over, but its change is one
JUJUS = {"egress-subnets", "ingress-address", "private-address"}
CA = pathlib.Path("/usr/local/share/ca-certificates/juju-docker-registry.crt")
KNOWN = pathlib.Path("/etc/registry.json")
SEEN = pathlib.Path("/var/lib/registry-seen.json")
DAEMON = pathlib.Path("/etc/docker/daemon.json")
PULL = pathlib.Path("/usr/local/bin/pull")
SCRIPT = """\
#!/bin/sh -e
# pull docker|ctr NAME
eval "$(python3 -c 'import json, shlex
for key, value in json.load(open("/etc/registry.json")).items(): print(f"{key}={shlex.quote(value or str())}")')"
case $1 in
docker) docker rmi -f "$registry_netloc/$2" >/dev/null 2>&1 || true; docker pull -q "$registry_netloc/$2" ;;
ctr) ctr image rm "$registry_netloc/$2" >/dev/null 2>&1 || true
    ctr image pull --snapshotter native ${basic_user:+--user "$basic_user:$basic_password"} "$registry_netloc/$2" ;;
esac
"""


def run(*words, stdin=None):
    environment = {**os.environ, "HOME": "/root"}  # where docker keeps logins
    done = subprocess.run(words, input=stdin, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return done.stdout


def ask(*words):
    return json.loads(run(*words, "--format=json") or "null")


def told():
    """Return what the registry says, and whether charms.reactive would wake the charm for it.

    That puts the units' data together key by key, the lowest name as a string first. A key or a unit that goes is no
    change to it.
    """
    bags = {}
    for relation in ask("relation-ids", "registry"):
        for unit in sorted(ask("relation-list", "-r", relation) or []):
            bag = ask("relation-get", "-r", relation, "-", unit)
            bags[unit] = {key: value for key, value in bag.items() if key not in JUJUS}
            assert bags[unit].keys() - UNKNOWN in (set(), KEYS), f"{unit} says {sorted(bags[unit])}"
    seen = json.loads(SEEN.read_text()) if SEEN.exists() else {}
    changed = any(seen.get(unit, {}).get(key) != value for unit, bag in bags.items() for key, value in bag.items())
    SEEN.write_text(json.dumps({**seen, **bags}))
    merged = {key: value for unit in sorted(bags, reverse=True) for key, value in bags[unit].items()}
    return {key: json.loads(value) for key, value in merged.items() if key in KEYS}, changed or not merged


def main():
    PULL.write_text(SCRIPT)
    PULL.chmod(0o755)
    known, woken = told()
    assert not known or known["registry_netloc"] is not None, "then it would never be cleaned up"
    if not woken or (known or None) == (json.loads(KNOWN.read_text()) if KNOWN.exists() else None):
        run("status-set", "active")
        return
    netloc = known["registry_netloc"] if known else ""
    if known and known["tls_ca"]:
        assert known["tls_ca"].startswith("-----BEGIN CERTIFICATE-----")
        CA.write_text(known["tls_ca"])
    else:
        CA.unlink(missing_ok=True)
    run("sed", "-i", "s/^[^#!]/!&/", "/etc/ca-certificates.conf")  # two seconds faster without the public ones
    run("update-ca-certificates", "--fresh")
    DAEMON.write_text(json.dumps({"insecure-registries": [netloc]} if known and not known["tls_ca"] else {}))
    run("systemctl", "reset-failed", "docker")  # systemd allows three restarts in a minute
    run("systemctl", "restart", "docker")
    if known and known["basic_user"] is not None and known["basic_password"] is not None:
        run("docker", "login", netloc, "-u", known["basic_user"], "--password-stdin", stdin=known["basic_password"])
    elif known:
        run("docker", "logout", netloc)
    KNOWN.write_text(json.dumps(known)) if known else KNOWN.unlink(missing_ok=True)
    run("status-set", "active", netloc)


if __name__ == "__main__":
    sys.exit(main())
