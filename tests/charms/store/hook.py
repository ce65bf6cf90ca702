#!/usr/bin/python3
"""Installs Swift and runs one process of each of its servers; nothing is kept safe."""

import os
import pathlib
import subprocess

ETC = pathlib.Path("/etc/swift")
PORTS = {"object": 6200, "container": 6201, "account": 6202}
PACKAGES = ("swift-proxy", "swift-account", "swift-container", "swift-object", "memcached", "curl")
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
bind_port = 8080
workers = 1
user = swift
swift_dir = /etc/swift
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats bulk s3api tempauth copy slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:11211
"""
UNIT = """\
[Service]
ExecStart=/usr/bin/swift-%i-server /etc/swift/%i-server.conf
[Install]
WantedBy=multi-user.target
"""
PLAIN = ("catch_errors", "gatekeeper", "healthcheck", "listing_formats", "bulk", "copy", "slo", "dlo")


def run(*words, **more):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, **more)


def main():
    if not ETC.joinpath("proxy-server.conf").exists() or "s3api" not in ETC.joinpath("proxy-server.conf").read_text():
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        run("apt-get", "update")
        run("apt-get", "install", "-y", "--no-install-recommends", *PACKAGES)
        pathlib.Path("/srv/node/one").mkdir(parents=True, exist_ok=True)
        run("chown", "-R", "swift:swift", "/srv/node")
        ETC.joinpath("swift.conf").write_text(SWIFT)
        for kind, port in PORTS.items():
            ETC.joinpath(f"{kind}-server.conf").write_text(SERVER.format(kind=kind, port=port))
            for words in (("create", "4", "1", "1"), ("add", f"r1z1-127.0.0.1:{port}/one", "1"), ("rebalance",)):
                run("swift-ring-builder", f"{kind}.builder", *words, cwd=ETC)
        filters = "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n" for name in PLAIN)
        ETC.joinpath("proxy-server.conf").write_text(PROXY + filters)
        run("chown", "-R", "swift:swift", "/etc/swift")
        run("systemctl", "restart", "memcached")
        pathlib.Path("/etc/systemd/system/one-swift@.service").write_text(UNIT)
        run("systemctl", "daemon-reload")
    run("systemctl", "enable", "--now", *(f"one-swift@{kind}" for kind in (*PORTS, "proxy")), stderr=subprocess.DEVNULL)
    run("status-set", "active")


if __name__ == "__main__":
    main()
