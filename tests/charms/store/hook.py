#!/usr/bin/python3
"""Installs Swift and runs one process of each of its servers; nothing is kept safe. Every hook does all of it.

A process of the proxy for each way to it: Swift's own login and S3's at port 8080, with the option `keystone` what
Keystone lets in at 8081, and while somebody has the relation s3-credentials S3 with TLS at 8443.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.request

sys.path.insert(0, os.environ["JUJU_CHARM_DIR"])  # a hook is a copy of this file

import identity

ETC = pathlib.Path("/etc/swift")
SYSTEMD = pathlib.Path("/etc/systemd/system")
PORTS = {"object": 6200, "container": 6201, "account": 6202}
SWIFT = "[swift-hash]\nswift_hash_path_suffix = test\nswift_hash_path_prefix = test\n"
SERVER = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 1
user = swift
swift_dir = /etc/swift
devices = /srv/node
mount_check = false
fallocate_reserve = 0
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""
PROXY = """\
[DEFAULT]
bind_ip = 0.0.0.0
bind_port = {port}
workers = 1
user = swift
swift_dir = /etc/swift
{more}
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats bulk {login} copy slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:11211
"""
PLAIN = ("catch_errors", "gatekeeper", "healthcheck", "listing_formats", "bulk", "copy", "slo", "dlo")
TEMPAUTH = """\
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
user_test_reader = reading
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
"""
UNIT = "[Service]\nExecStart={command}\n[Install]\nWantedBy=multi-user.target\n"
KNOWN = {"bucket", "path", "requested-secrets", "lib-version"}
BUCKET = re.compile(r"(?!xn--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
KEYS = {"access-key": "test:tester", "secret-key": "testing"}


def run(*words, **more):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, **more)


def tool(*words, stdin=None):
    return subprocess.run(words, input=stdin, capture_output=True, text=True, check=True).stdout


def ask(*words):
    return json.loads(tool(*words, "--format=json") or "null")


def serve(name, command, files):
    """Have systemd run a server with these *files*, from now on and with each boot; tests may change them later."""
    unit = SYSTEMD / f"{name}.service"
    if not unit.exists():
        for file, text in files.items():
            file.write_text(text)
        unit.write_text(UNIT.format(command=command))
        run("systemctl", "daemon-reload")
    run("systemctl", "enable", "--now", name, stderr=subprocess.DEVNULL)


def serve_swift(kind, text, name=None):
    """Run one of Swift's servers with this configuration."""
    file = ETC / f"{name or kind}-server.conf"
    serve(f"one-swift@{name or kind}", f"/usr/bin/swift-{kind}-server {file}", {file: text})


def serve_proxy(name, port, login, filters, more=""):
    plain = "".join(f"[filter:{plain}]\nuse = egg:swift#{plain}\n" for plain in PLAIN)
    serve_swift("proxy", PROXY.format(port=port, login=login, more=more) + filters + plain, name)


def install():
    """Install Debian packages that are not there yet."""
    packages = pathlib.Path(os.environ["JUJU_CHARM_DIR"], "packages").read_text().split()
    missing = [name for name in packages if not pathlib.Path(f"/var/lib/dpkg/info/{name}.list").exists()]
    if missing:
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        compiler = "/usr/bin/py3compile"
        if not os.path.islink(compiler):
            # Half of the time would go into compiling modules of Python, most of which are never imported.
            run("dpkg-divert", "--local", "--rename", "--add", compiler)
            os.symlink("/bin/true", compiler)
        run("apt-get", "update")
        run("apt-get", "install", "-y", "--no-install-recommends", *missing)


def swift():
    """Run Swift's servers behind the proxy."""
    if not (ETC / "object.ring.gz").exists():
        pathlib.Path("/srv/node/one").mkdir(parents=True, exist_ok=True)
        run("chown", "-R", "swift:swift", "/srv/node")
        (ETC / "swift.conf").write_text(SWIFT)
        from swift.common.ring import RingBuilder  # installed by now; its program is started nine times otherwise

        for kind, port in PORTS.items():
            ring = RingBuilder(4, 1, 1)
            ring.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": port, "device": "one", "weight": 1})
            ring.rebalance()
            ring.get_ring().save(str(ETC / f"{kind}.ring.gz"))
        run("systemctl", "restart", "memcached")
    for kind, port in PORTS.items():
        serve_swift(kind, SERVER.format(kind=kind, port=port))


def certificate(address):
    """Return the paths of a certificate for *address* and of its key, and the PEM of its CA."""
    folder = ETC / "tls"
    ca, crt, key = (folder / name for name in ("ca.crt", "server.crt", "server.key"))
    if not crt.exists():
        folder.mkdir(exist_ok=True)
        new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30")
        subject = ("-subj", "/CN=CA of the store", "-keyout", "ca.key")
        run("openssl", "req", "-x509", *new_key, *subject, "-out", ca, cwd=folder, stderr=subprocess.DEVNULL)
        names = ("-subj", "/CN=store", "-addext", f"subjectAltName=IP:{address}")
        names += ("-addext", "basicConstraints=critical,CA:FALSE")
        by = ("-CA", ca, "-CAkey", "ca.key", "-keyout", key, "-out", crt)
        run("openssl", "req", "-x509", *new_key, *names, *by, cwd=folder, stderr=subprocess.DEVNULL)
        run("chown", "-R", "swift:swift", folder)
    return crt, key, ca.read_text()


def make_bucket(name):
    """Make a container of Swift, unless it is there."""
    headers = {"X-Auth-User": KEYS["access-key"], "X-Auth-Key": KEYS["secret-key"]}
    answer = identity.wait_for(lambda: request("http://127.0.0.1:8080/auth/v1.0", headers))
    url, token = f"{answer.headers['X-Storage-Url']}/{name}", {"X-Auth-Token": answer.headers["X-Auth-Token"]}
    request(url, token, "PUT")


def request(url, headers, method="GET"):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers, method=method), timeout=10) as answer:
        return answer


def credentials(config, address):
    """Give everyone with the relation a bucket, as s3-integrator does; return what keeps it from that.

    Where the option `credentials` names a secret, as its version 1: the keys are in a secret, and each gets the bucket
    that it asked for. Otherwise as its version 0: the keys are in the databag, and the first asked for counts for all.
    """
    crt, key, ca = certificate(address)
    serve_proxy("proxy-tls", 8443, "s3api tempauth", TEMPAUTH, f"cert_file = {crt}\nkey_file = {key}")
    keys = KEYS
    if config["credentials"]:
        found = subprocess.run(
            ["secret-get", config["credentials"], "--refresh", "--format=json"], capture_output=True, text=True
        )
        if found.returncode:
            return "The secret of the option credentials may not be read."
        assert json.loads(found.stdout).keys() == KEYS.keys()
        keys = {"secret-extra": config["credentials"], "lib-version": "1.0"}
    told = {
        "endpoint": f"https://{address}:8443",
        "path": config["path"],
        "region": "us-east-1",
        "s3-api-version": "4",
        "s3-uri-style": "path",
        "tls-ca-chain": json.dumps([ca.strip()]),
    }
    for relation in ask("relation-ids", "s3-credentials"):
        application = ask("relation-list", "-r", relation, "--app")
        asked = ask("relation-get", "--app", "-r", relation, "-", application) or {}
        assert asked.keys() <= KNOWN, f"{application} says {sorted(asked.keys() - KNOWN)}, which nobody knows"
        if "bucket" not in asked:
            continue
        assert BUCKET.fullmatch(asked["bucket"])
        assert json.loads(asked["requested-secrets"]) == list(KEYS), "or version 1 puts the keys into the databag"
        make_bucket(asked["bucket"])
        # Their library keeps there what it has read.
        all_told = {**told, **keys, "bucket": asked["bucket"], "data": json.dumps(asked)}
        empty = dict.fromkeys({*KEYS, "secret-extra", "lib-version"} - all_told.keys(), "")
        tool("relation-set", "--app", "-r", relation, "--file", "-", stdin=json.dumps({**all_told, **empty}))
    return ""


def main():
    config = ask("config-get", "--all")
    address = tool("unit-get", "private-address").strip()
    install()
    swift()
    serve_proxy("proxy", 8080, "s3api tempauth", TEMPAUTH)
    if config["keystone"]:
        identity.set_up()
        serve("keystone", identity.COMMAND, {})
        identity.fill(f"http://{address}:8081")
        serve_proxy("proxy-keystone", 8081, "authtoken keystoneauth", identity.FILTERS)
    trouble = credentials(config, address) if ask("relation-ids", "s3-credentials") else ""
    tool("status-set", "blocked" if trouble else "active", trouble)


if __name__ == "__main__":
    main()
