#!/usr/bin/python3
"""Leaves what the charm before this one leaves: files, its key-value store, its container, databags, Docker's settings.

The image registry:2 has to be on the machine; until it is, nothing is done.
"""

import base64
import json
import os
import pathlib
import secrets
import sqlite3
import subprocess

FOLDER = pathlib.Path("/etc/docker/registry")
UNIT_FILE = pathlib.Path("/lib/systemd/system/docker.service")
DOCKER_UNIT = """\
[Unit]
Description=Docker Application Container Engine
Documentation=https://docs.docker.com
After=network.target docker.socket
Requires=docker.socket

[Service]
Type=notify
EnvironmentFile=-/etc/default/docker
ExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS
ExecReload=/bin/kill -s HUP $MAINPID
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TimeoutStartSec=0
Delegate=yes
KillMode=process

[Install]
WantedBy=multi-user.target
"""
BCRYPT = """$_ = <STDIN>; chomp; print crypt($_, q($2y$05$abcdefghijklmnopqrstuu))"""


def run(*words, stdin=None):
    return subprocess.run(words, input=stdin, stdout=subprocess.PIPE, text=True, check=True).stdout


def ask(*words):
    return json.loads(run(*words, "--format=json") or "null")


def tell(relation, settings):
    run("relation-set", "-r", relation, "--file", "-", stdin=json.dumps(settings))


def write(path, text, mode=0o644):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)  # in place: the container sees it through a mount of the file
    path.chmod(mode)


def certificates(unit_name, address, config):
    """Ask the CA; write what it gives to the paths of the options. Return the CA, None without an answer."""
    for relation in ask("relation-ids", "cert-provider"):
        names = json.dumps([address, os.uname().nodename])
        request = {"unit_name": unit_name, "common_name": address, "sans": names, "certificate_name": unit_name}
        tell(relation, request)
        for unit in ask("relation-list", "-r", relation) or []:
            bag = ask("relation-get", "-r", relation, "-", unit)
            if f"{unit_name}.server.cert" in bag:
                write(config["tls-ca-path"], bag["ca"])
                write(config["tls-cert-path"], bag[f"{unit_name}.server.cert"])
                write(config["tls-key-path"], bag[f"{unit_name}.server.key"], 0o600)
                return bag["ca"]
    return None


def shows_itself(config, address):
    """Have Docker show the registry's own certificate to the registry."""
    folder = pathlib.Path(f"/etc/docker/certs.d/{address}:{config['registry-port']}")
    folder.mkdir(parents=True, exist_ok=True)
    for kind in ("cert", "key"):
        link = folder / f"client.{kind}"
        link.unlink(missing_ok=True)
        link.symlink_to(config[f"tls-{kind}-path"])


def nagios():
    """Leave the checks of this charm and of its layer for Docker, although NRPE may be gone."""
    host = os.environ["JUJU_UNIT_NAME"].replace("/", "-")
    for name in ("check_http", "check_docker"):
        write(f"/var/lib/nagios/export/service__{host}_{name}.cfg", "define service {}\n")
    write("/etc/nagios/nrpe.d/check_check_http.cfg", "command[check_http]=/bin/true\n")
    write("/etc/nagios/nrpe.d/check_docker.cfg", "command[check_docker]=/bin/true\n")


def blobs(config):
    for kind, path in (("ca", "tls-ca-path"), ("cert", "tls-cert-path"), ("key", "tls-key-path")):
        if config[f"tls-{kind}-blob"]:
            write(config[path], base64.b64decode(config[f"tls-{kind}-blob"]).decode())


def remember(flags, config):
    """Leave the key-value store and the saved configuration as charmhelpers writes them."""
    database = sqlite3.connect(pathlib.Path(os.environ["JUJU_CHARM_DIR"]) / ".unit-state.db")
    database.execute("create table if not exists kv (key text, data text, primary key (key))")
    database.execute(
        "create table if not exists kv_revisions (key text, revision integer, data text, primary key (key, revision))"
    )
    database.execute(
        "create table if not exists hooks (version integer primary key autoincrement, hook text, date text)"
    )
    known = {
        **{f"reactive.states.{flag}": None for flag in flags},
        "docker_volumes": {"/srv/registry": "/var/lib/registry"},
        "leadership.settings.http-secret": "seen",
        "reactive.data_changed.cert-provider.ca": "0" * 32,
        "reactive.data_changed.proxy_stanza": "0" * 32,
        "reactive.endpoints.departed.website": [],
    }
    for key, value in known.items():
        database.execute("insert or replace into kv values (?, ?)", (key, json.dumps(value)))
    database.commit()
    saved = pathlib.Path(os.environ["JUJU_CHARM_DIR"]) / ".juju-persistent-config"
    saved.write_text(json.dumps(config))


def docker(config, address, encrypted):
    """Write Docker's settings, its unit and its defaults over, and restart it."""
    settings = json.loads(config["daemon-opts"] or "{}")
    if not encrypted:
        settings["insecure-registries"] = [f"{address}:{config['registry-port']}"]
    options = f'DOCKER_OPTS="{config["docker-opts"]}"\n'
    files = {"/etc/docker/daemon.json": json.dumps(settings), UNIT_FILE: DOCKER_UNIT, "/etc/default/docker": options}
    if any(not os.path.exists(path) or pathlib.Path(path).read_text() != text for path, text in files.items()):
        for path, text in files.items():
            write(path, text)
        run("systemctl", "daemon-reload")
        run("systemctl", "reset-failed", "docker")
        run("systemctl", "restart", "docker")
    run("apt-mark", "hold", "docker.io")


def registry(config, secret, encrypted):
    """Write config.yml and the users, and run the container, file by file mounted."""
    settings = {
        "version": 0.1,
        "log": {"fields": {"service": "registry"}, "level": config["log-level"]},
        "storage": {"cache": {"blobdescriptor": "inmemory"}, "filesystem": {"rootdirectory": "/var/lib/registry"}},
        "http": {"addr": "0.0.0.0:5000", "secret": secret, "headers": {"X-Content-Type-Options": ["nosniff"]}},
    }
    mounts = {FOLDER / "config.yml": FOLDER / "config.yml", "/srv/registry": "/var/lib/registry"}
    if encrypted:
        settings["http"]["tls"] = {"certificate": config["tls-cert-path"], "key": config["tls-key-path"]}
        mounts |= {config[f"tls-{kind}-path"]: config[f"tls-{kind}-path"] for kind in ("cert", "key")}
    if config["auth-basic-password"]:
        settings["auth"] = {"htpasswd": {"realm": "juju", "path": str(FOLDER / "htpasswd")}}
        hashed = run("perl", "-e", BCRYPT, stdin=config["auth-basic-password"] + "\n")
        write(FOLDER / "htpasswd", f"{config['auth-basic-user']}:{hashed}\n")
        mounts[FOLDER / "htpasswd"] = FOLDER / "htpasswd"
    write(FOLDER / "config.yml", json.dumps(settings), 0o600)
    pathlib.Path("/srv/registry").mkdir(exist_ok=True)
    name = config["registry-name"]
    subprocess.run(["docker", "rm", "-f", name], check=False, capture_output=True)
    ports = ["-p", f"{config['registry-port']}:5000", "-p", f"{config['debug-port']}:5001"]
    volumes = [word for source, target in mounts.items() for word in ("-v", f"{source}:{target}")]
    image = config["registry-image"]
    run("docker", "run", "-d", "--restart", "unless-stopped", "--name", name, *ports, *volumes, image)


def clients(config, address, ca, proxies):
    netloc = proxies[0] if proxies else f"{address}:{config['registry-port']}"
    login = (
        (config["auth-basic-user"], config["auth-basic-password"]) if config["auth-basic-password"] else (None, None)
    )
    told = {
        "registry_netloc": netloc,
        "registry_url": f"{'https' if ca else 'http'}://{netloc}",
        "basic_user": login[0],
        "basic_password": login[1],
        "tls_ca": ca,
    }
    for relation in ask("relation-ids", "docker-registry"):
        tell(relation, {key: json.dumps(value) for key, value in told.items()})


def website(config, address):
    """Tell proxies of all units, where this one leads; return the proxies' addresses."""
    addresses = {os.environ["JUJU_UNIT_NAME"]: address}
    for relation in ask("relation-ids", "peer"):
        for unit in ask("relation-list", "-r", relation) or []:
            addresses[unit] = ask("relation-get", "-r", relation, "-", unit)["private-address"]
    port, check = config["registry-port"], "check inter 2000 rise 2 fall 5 maxconn 4096"
    leads, found = ask("is-leader"), []
    lines = [
        f"- service_name: {os.environ['JUJU_UNIT_NAME'].partition('/')[0]}",
        "  service_host: 0.0.0.0",
        f"  service_port: {port}",
        "  service_options: [mode http, balance leastconn, option httpchk GET / HTTP/1.0]",
        "  servers:",
    ]
    for number, unit in enumerate(sorted(addresses)):
        backup = " backup" if number else ""
        lines.append(f"  - [{unit.replace('/', '-')}, {addresses[unit]}, {port}, {check}{backup}]")
    for relation in ask("relation-ids", "website"):
        if leads:
            tell(relation, {"hostname": address, "port": str(port), "services": "\n".join(lines) + "\n"})
        for unit in ask("relation-list", "-r", relation) or []:
            found.append(ask("relation-get", "-r", relation, "-", unit)["ingress-address"])
    return found


def main():
    config = ask("config-get", "--all")
    image = ["docker", "image", "inspect", config["registry-image"]]
    if subprocess.run(image, check=False, capture_output=True).returncode:
        return
    unit_name = os.environ["JUJU_UNIT_NAME"].replace("/", "_")
    address = run("unit-get", "private-address").strip()
    if ask("is-leader") and not ask("leader-get").get("http-secret"):
        run("leader-set", f"http-secret={base64.b64encode(secrets.token_bytes(32)).decode()}")
    secret = ask("leader-get").get("http-secret")
    if not secret:
        return
    blobs(config)
    ca = certificates(unit_name, address, config)
    encrypted = bool(ca or config["tls-cert-blob"])
    if encrypted:
        shows_itself(config, address)
    nagios()
    flags = ["charm.docker-registry.configured", "docker.ready", "docker.available", "leadership.set.http-secret"]
    remember([*flags, *(["charm.docker-registry.tls-enabled"] if ca else [])], config)
    docker(config, address, encrypted)
    registry(config, secret, encrypted)
    clients(config, address, ca, website(config, address))
    run("status-set", "active", f"Ready at {address}:{config['registry-port']} ({'https' if encrypted else 'http'}).")


if __name__ == "__main__":
    main()
