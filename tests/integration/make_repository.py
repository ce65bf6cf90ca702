"""Runs on a unit's machine, as root: make package repositories in /srv/packages, and serve them at port 8099.

Signed with a key made for it: `docker/`, with the distribution's Docker under the name of docker-other, version 99,
and `extra/`, with a small package greeting-file. Their key is /srv/packages/key.asc, that of nothing other.asc.
"""

import hashlib
import pathlib
import subprocess
import textwrap

ROOT = pathlib.Path("/srv/packages")


def run(*words, cwd=ROOT):
    return subprocess.run(words, cwd=cwd, check=True, stdout=subprocess.PIPE).stdout


def gpg(home, *words):
    folder = pathlib.Path(home)
    folder.mkdir(mode=0o700, exist_ok=True)
    return run("gpg", "-q", "--batch", "--homedir", home, "--pinentry-mode", "loopback", "--passphrase", "", *words)


def publish(name, folder):
    """Pack the folder, and publish it as the repository of this name."""
    target = ROOT / name
    target.mkdir()
    run("dpkg-deb", "--root-owner-group", "-Znone", "-b", str(folder), str(target / "it.deb"))
    data = (target / "it.deb").read_bytes()
    control = (folder / "DEBIAN/control").read_text().strip()
    index = f"{control}\nFilename: ./it.deb\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n\n".encode()
    (target / "Packages").write_bytes(index)
    release = f"Suite: ./\nSHA256:\n {hashlib.sha256(index).hexdigest()} {len(index)} Packages\n"
    (target / "Release").write_text(f"Date: {run('date', '-Ru').decode().strip()}\n{release}")
    gpg("/root/right", "--clearsign", "-o", str(target / "InRelease"), str(target / "Release"))


def main():
    ROOT.mkdir()
    run("apt-get", "update", "-q")
    run("apt-get", "install", "-qy", "--no-install-recommends", "gpg", "gpg-agent")
    for home, file in (("/root/right", "key.asc"), ("/root/wrong", "other.asc")):
        gpg(home, "--quick-generate-key", "test", "ed25519", "sign", "0")
        (ROOT / file).write_bytes(gpg(home, "--armor", "--export"))

    extra = pathlib.Path("/root/extra")
    (extra / "DEBIAN").mkdir(parents=True)
    fields = "Package: greeting-file\nVersion: 1.5\nArchitecture: all\nMaintainer: test\nDescription: a file\n"
    (extra / "DEBIAN/control").write_text(fields)
    (extra / "greeting-file").write_text("hello\n")
    publish("extra", extra)

    docker = pathlib.Path("/root/docker")
    run("apt-get", "download", "-q", "docker.io", cwd="/root")
    (archive,) = pathlib.Path("/root").glob("docker.io_*.deb")
    run("dpkg-deb", "-R", str(archive), str(docker))
    control = (docker / "DEBIAN/control").read_text().replace("\n ", "\t")
    fields = dict(line.split(": ", 1) for line in control.splitlines() if ": " in line)
    kept = {name: fields[name].replace("\t", "\n ") for name in ("Architecture", "Maintainer", "Depends")}
    new = {"Package": "docker-other", "Version": "99", **kept, "Provides": "docker.io", "Description": "Docker"}
    new |= dict.fromkeys(("Conflicts", "Replaces"), "docker.io")
    (docker / "DEBIAN/control").write_text("".join(f"{name}: {value}\n" for name, value in new.items()))
    publish("docker", docker)

    unit = """
        [Service]
        ExecStart=/usr/bin/python3 -m http.server 8099 --directory /srv/packages
        [Install]
        WantedBy=multi-user.target
    """
    pathlib.Path("/etc/systemd/system/packages.service").write_text(textwrap.dedent(unit))
    run("systemctl", "enable", "-q", "--now", "packages")


main()
