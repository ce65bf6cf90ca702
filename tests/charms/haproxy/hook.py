#!/usr/bin/python3
"""Puts haproxy's configuration together from what websites say, by the rules of the haproxy charms."""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys

FILE = pathlib.Path("/etc/haproxy/haproxy.cfg")
CERTIFICATES = pathlib.Path("/var/lib/haproxy")
DEFAULT = CERTIFICATES / "default.pem"
JUJUS = {"egress-subnets", "ingress-address", "private-address"}
TOLD = {"hostname", "port", "services", "all_services", "private-address"}
SERVICE = {"service_name", "service_host", "service_port", "service_options", "servers", "crts"}
BOTH = ("mode tcp", "mode http", "option tcplog", "option httplog")
FRONT = ("acl", "bind", "capture", "default_backend", "http-request", "maxconn", "monitor", "redirect", "use_backend")
FRONT += ("timeout client", "rate-limit")
GLOBAL = """\
global
    maxconn 4096
    stats socket /run/haproxy/admin.sock mode 600 level admin
defaults
    timeout connect 5000
    timeout client 50000
    timeout server 50000
"""


def tool(*words, stdin=None):
    return subprocess.run(words, input=stdin, capture_output=True, text=True, check=True).stdout


def ask(*words):
    return json.loads(tool(*words, "--format=json") or "null")


def parsed(text):
    import yaml

    try:
        json.loads(text)
    except ValueError:
        return yaml.safe_load(text)
    raise ValueError("services is JSON, on which haproxy-operator falls down")


def services():
    """Return the services of all websites, merged as the charms do it."""
    found, bare = {}, []
    for relation in ask("relation-ids", "reverseproxy"):
        for unit in ask("relation-list", "-r", relation) or []:
            bag = ask("relation-get", "-r", relation, "-", unit)
            assert bag.keys() <= JUJUS | TOLD, f"{unit} says {sorted(bag.keys() - JUJUS - TOLD)}, which nobody knows"
            if "services" not in bag and "port" in bag:
                server = [f"{unit.replace('/', '-')}-{bag['port']}", bag["private-address"], int(bag["port"]), ""]
                bare.append((unit.partition("/")[0], server))
            for service in parsed(bag["services"]) if "services" in bag else []:
                assert service.keys() <= SERVICE, f"{sorted(service.keys() - SERVICE)} are keys that nobody knows"
                assert isinstance(service["service_port"], int)
                service["service_options"]  # the older charm has no default
                merged = found.setdefault(service["service_name"], {**service, "servers": []})
                merged["servers"] += [server for server in service["servers"] if server not in merged["servers"]]
    for name, server in bare:
        if name in found:
            found[name]["servers"].append(server)  # not looked after, and never a backup
    return [found[name] for name in sorted(found)]


def bind(service, port):
    if not service.get("crts"):
        return f"bind {service['service_host']}:{port}"
    folder = CERTIFICATES / service["service_name"]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    for number, crt in enumerate(service["crts"]):
        pem = DEFAULT.read_bytes() if crt == "DEFAULT" else base64.b64decode(crt, validate=True)
        (folder / f"{number}.pem").write_bytes(pem)
    return f"bind {service['service_host']}:{port} ssl crt {folder}"


def sections(service, port, name):
    """Return the lines of a frontend and its backend."""
    options = service["service_options"]
    front = [line for line in options if line.startswith((*FRONT, *BOTH))]
    back = [line for line in options if not line.startswith(FRONT)]
    servers = [f"server {name} {ip}:{server_port} {more}" for name, ip, server_port, more in service["servers"]]
    return [
        f"frontend haproxy-{port}",
        *(f"    {line}" for line in (bind(service, port), f"default_backend {name}", *front)),
        f"backend {name}",
        *(f"    {line}" for line in (*back, *servers)),
    ]


def passed_on(service, units):
    """Return the listener by which the first haproxy answers for all, and the service behind it at the next port."""
    name, port = service["service_name"], service["service_port"]
    lines = [f"listen {name}", f"    bind {service['service_host']}:{port}", "    mode tcp", "    option tcplog"]
    for number, (unit, address) in enumerate(units):
        backup = " backup" if number else ""
        lines.append(f"    server {unit.replace('/', '-')} {address}:{port + 1} check inter 1000{backup}")
    return [*lines, *sections(service, port + 1, f"{name}_be")]


def peers():
    """Return the units of haproxy by their number, each with its address."""
    own = os.environ["JUJU_UNIT_NAME"]
    found = [(own, tool("unit-get", "private-address").strip())]
    for relation in ask("relation-ids", "peer"):
        for unit in ask("relation-list", "-r", relation) or []:
            found.append((unit, ask("relation-get", "-r", relation, "-", unit)["ingress-address"]))
    return sorted(found, key=lambda one: int(one[0].rpartition("/")[2]))


def self_signed():
    """Make the certificate called DEFAULT, and tell the websites."""
    if not DEFAULT.exists():
        address = tool("unit-get", "private-address").strip()
        subject = ["-subj", "/CN=haproxy", "-addext", f"subjectAltName=IP:{address}", "-days", "30"]
        made = tool("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/stdout", *subject)
        DEFAULT.write_text(made)
    certificate = DEFAULT.read_text().partition("-----END PRIVATE KEY-----\n")[2]
    for relation in ask("relation-ids", "reverseproxy"):
        encoded = base64.b64encode(certificate.encode()).decode()
        tool("relation-set", "-r", relation, "--file", "-", stdin=json.dumps({"ssl_cert": encoded}))


def install():
    """Install Debian packages that are not there yet."""
    packages = pathlib.Path(os.environ["JUJU_CHARM_DIR"], "packages").read_text().split()
    if all(pathlib.Path(f"/var/lib/dpkg/info/{name}.list").exists() for name in packages):
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    subprocess.run(["apt-get", "update"], check=True, capture_output=True)
    subprocess.run(command, check=True, capture_output=True, env=environment)


def main():
    hook = pathlib.Path(sys.argv[0]).name
    if hook == "install":
        install()
    config = ask("config-get", "--all")
    if config["ssl_cert"] == "SELFSIGNED":
        self_signed()
    units = peers()
    lines = []
    for service in services():
        if len(units) > 1 and config["peering_mode"] == "active-passive":
            lines += passed_on(service, units)
        else:
            lines += sections(service, service["service_port"], service["service_name"])
    text = "\n".join([GLOBAL, *lines, ""])
    if text != FILE.read_text():
        draft = FILE.with_name("haproxy.draft")
        draft.write_text(text)
        subprocess.run(["haproxy", "-c", "-f", draft], check=True)  # or the hook fails, as theirs does
        draft.replace(FILE)
        subprocess.run(["systemctl", "reload-or-restart", "haproxy"], check=True)
    tool("status-set", "active", f"{len(lines)} lines")


if __name__ == "__main__":
    main()
