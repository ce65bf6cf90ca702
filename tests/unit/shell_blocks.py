"""The blocks of commands in README.md and docs/: which of them are run, where, and why the others are not.

`tests/integration/test_documents.py` runs them on a unit, `test_documents.py` here compares this table with the pages.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import reference


class Block(NamedTuple):
    """A block as the table has it."""

    start: str
    """How it begins."""

    needs: str = ""
    """What it needs that a machine of localjuju does not have. Empty: it is run."""

    given: str = ""
    """Commands that do what a reader has done before."""

    fails: bool = False
    """Whether its last command is to fail, as the page says."""


CERTIFICATE = """
openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=CA -keyout ca.key -out ca.crt 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj /CN=registry -keyout registry.key -out registry.csr 2>/dev/null
echo "subjectAltName = IP:10.0.0.1" >names
openssl x509 -req -in registry.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 9 -extfile names -out registry.crt \\
    2>/dev/null
cp ca.crt ca.pem; cp ca.crt certs.pem; cp ca.crt clients-ca.crt; cp ca.crt balancer-ca.crt
"""
TLS = (
    CERTIFICATE
    + """
juju config docker-registry tls-cert-blob="$(base64 -w0 registry.crt)" tls-key-blob="$(base64 -w0 registry.key)" \\
    tls-ca-blob="$(base64 -w0 ca.crt)"
"""
)
BY_OPTIONS_AGAIN = "juju config docker-registry --reset tls-cert-path,http-host\n"
IMAGES = """
for name in team/app:1.0 team/app:2.0 team/web:2.0 nginx:1.0; do
    skopeo copy -q --dest-tls-verify=false docker-archive:small.tar docker://10.0.0.1:5000/$name
done
"""
RESTORE = "juju run docker-registry/0 restore file=/root/registry.backup"
USER = "juju config docker-registry auth-basic-user=admin auth-basic-password=s3cret\n"

CHARMHUB = "charms of Charmhub"
STORE = "an object store"
INTERNET = "internet access"
REGISTRY = "another registry"
CLIENT = "a client's machine, which it changes"
PLACEHOLDER = "what only the reader knows"
NO_COMMAND = "no shell: it is output or a file"
FRESH = "a model without the charm, see test_deploy.py, test_image.py and test_mount.py"

PAGES = {
    "README.md": [
        Block("make run", "a machine of its own, see test_the_tutorial"),
        Block("export PATH", "the model of `make run`, see test_the_tutorial"),
        Block("make build", FRESH),
        Block("Unit  ", NO_COMMAND),
        Block("juju deploy easyrsa", CHARMHUB),
        Block("docker login", CLIENT),
        Block("juju deploy -n 3", STORE),
        Block("juju run docker-registry/0 catalog", INTERNET),
        Block("juju status"),
    ],
    "CONTRIBUTING.md": [Block("make  ", "the time of all tests")],
    "terraform/README.md": [Block("module", NO_COMMAND), Block("juju run s3-integrator/0", CHARMHUB)],
    "docs/reference/options.md": [Block("{", NO_COMMAND)],
    "docs/tutorial/first-image.md": [
        Block("make run"),
        Block("export PATH"),
        Block("ADDRESS="),
        Block("localjuju run docker-registry/0 push"),
        Block("localjuju config docker-registry auth-basic-user", fails=True),
        Block("skopeo list-tags"),
        Block("openssl req"),
        Block("ctr image pull"),
        Block("localjuju destroy-model"),
    ],
    "docs/how-to/access.md": [
        Block("juju config docker-registry auth-basic-user", CLIENT),
        Block("cat > users.yaml"),
        Block("juju add-secret registry-admin", given=USER),
        Block("juju config docker-registry --reset auth-basic-user", given=USER + CERTIFICATE),
        Block("juju config docker-registry tls-client-ca-blob", given=TLS),
    ],
    "docs/how-to/air-gap.md": [
        Block("docker pull", INTERNET),
        Block("skopeo copy", INTERNET),
        Block("juju deploy", FRESH),
        Block("juju model-config", "a mirror of packages"),
        Block("juju deploy", FRESH),
        Block(
            "juju scp images.tar.zst",
            given=IMAGES + "juju run docker-registry/0 export images='team/*:*' file=/srv/given.tar.zst\n"
            "juju ssh docker-registry/0 sudo cat /srv/given.tar.zst >images.tar.zst\n",
        ),
        Block("juju run --wait=1h docker-registry/0 export", given=IMAGES),
        Block("juju run docker-registry/0 export"),
    ],
    "docs/how-to/back-up.md": [
        Block("juju run docker-registry/0 backup"),
        Block(
            "juju run --wait=12h docker-registry/0 backup",
            given=IMAGES + "juju ssh docker-registry/0 sudo mkdir -p /srv/backup",
        ),
        Block("juju run docker-registry/0 backup file=/root/registry.backup recipient=age1", PLACEHOLDER),
        Block("juju run docker-registry/0 restore", PLACEHOLDER),
        Block(
            "juju ssh docker-registry/0 sudo cat", given="juju run docker-registry/0 restore file=/root/registry.backup"
        ),
        Block("juju run --wait=12h docker-registry/0 restore"),
    ],
    "docs/how-to/clients.md": [
        Block("juju run docker-registry/0 client-config format=docker"),
        Block("juju run docker-registry/0 client-config format=containerd mirror"),
        Block("juju run docker-registry/0 client-config format=k3s"),
    ],
    "docs/how-to/docker-already-there.md": [Block("juju config docker-registry daemon-opts", "a second disk at /mnt")],
    "docs/how-to/docker-settings.md": [
        Block("juju config docker-registry daemon-opts"),
        Block("juju config docker-registry https_proxy"),
        Block("juju config docker-registry docker_runtime", "a mirror of packages"),
        Block("juju run docker-registry/0 upgrade-docker"),
        Block("juju config docker-registry extra_packages", "a mirror of packages"),
        Block("juju config docker-registry container-memory-limit"),
        Block(
            "juju run docker-registry/0 images",
            given="for release in 22.04 24.04; do\n"
            "    juju ssh docker-registry/0 sudo docker tag registry:2 ubuntu:$release\ndone\n",
        ),
    ],
    "docs/how-to/free-disk-space.md": [
        Block("juju config docker-registry storage-minimum-free=20g"),
        Block("juju run docker-registry/0 catalog", given=IMAGES),
        Block("juju ssh docker-registry/0 sudo cat"),
        Block("juju run docker-registry/0 delete-image"),
        Block("juju run docker-registry/0 prune keep", given=IMAGES),
        Block(
            "juju run docker-registry/0 prune not-in-list",
            given=IMAGES + "echo team/app:1.0 >images.txt; juju scp images.txt docker-registry/0:/home/ubuntu/",
        ),
        Block("juju run docker-registry/0 garbage-collect"),
        Block("juju run docker-registry/0 garbage-collect untagged=true", REGISTRY),
        Block("juju run docker-registry/0 garbage-collect"),
        Block("juju config docker-registry prune-schedule"),
        Block("juju ssh docker-registry/0 sudo cat", "a night, see test_images.py"),
    ],
    "docs/how-to/high-availability.md": [
        Block("juju deploy -n 3", STORE),
        Block("juju deploy haproxy", CHARMHUB),
        Block("juju config docker-registry http-host=https://registry.example.com:5000"),
        Block("juju config docker-registry http-host", CHARMHUB),
        Block("juju integrate docker-registry:haproxy-route-tcp", CHARMHUB),
        Block("juju config docker-registry website-tls", given=TLS),
        Block("juju config haproxy", CHARMHUB),
        Block("juju run docker-registry/1 drain", "several units, see test_units.py"),
    ],
    "docs/how-to/kubernetes.md": [
        Block("juju integrate", CHARMHUB),
        Block("mkdir", CLIENT),
        Block("kubectl", "a Kubernetes cluster"),
    ],
    "docs/how-to/mirror-charmed-kubernetes.md": [
        Block("juju attach-resource", INTERNET),
        Block("juju config kubernetes-control-plane", CHARMHUB),
        Block("juju attach-resource", INTERNET),
        Block("juju config kubernetes-control-plane", CHARMHUB),
        Block("juju run --wait=2h docker-registry/0 mirror file", INTERNET),
        Block("echo 'registry.example.com", REGISTRY),
        Block("juju run docker-registry/0 mirror", REGISTRY),
    ],
    "docs/how-to/move-to-an-object-store.md": [
        Block("juju add-secret"),
        Block("juju run --wait=12h docker-registry/0 move to=s3", STORE),
        Block("juju run --wait=12h docker-registry/0 move to=swift", STORE),
        Block("juju config docker-registry storage-read-only=true", STORE),
        Block("juju config docker-registry storage-read-only=false", STORE),
        Block("juju run --wait=12h docker-registry/0 move to=disk", STORE),
    ],
    "docs/how-to/nagios.md": [
        Block("juju integrate", CHARMHUB),
        Block("juju config docker-registry prometheus-metrics"),
        Block("juju ssh docker-registry/0 sudo docker logs"),
    ],
    "docs/how-to/observability.md": [
        Block("juju deploy", CHARMHUB),
        Block("juju ssh docker-registry/0 curl", CHARMHUB),
        Block("juju run docker-registry/0 advisories"),
    ],
    "docs/how-to/pull-through-cache.md": [
        Block("juju config docker-registry cache-remoteurl", INTERNET),
        Block("docker pull", INTERNET),
        Block("juju config docker-registry cache-username", INTERNET),
        Block("juju config docker-registry cache-ttl", INTERNET),
    ],
    "docs/how-to/registry-3.md": [
        Block("juju run docker-registry/0 advisories"),
        Block("juju run docker-registry/0 backup", INTERNET),
        Block("juju config docker-registry --reset"),
    ],
    "docs/how-to/repair-images.md": [
        Block("juju run --wait=12h docker-registry/0 verify", given=IMAGES),
        Block("team/app", NO_COMMAND),
        Block("juju run --wait=12h docker-registry/0 verify", REGISTRY),
        Block("juju add-secret", REGISTRY),
        Block("juju run docker-registry/0 delete-image", "a damaged image, see test_damage.py"),
    ],
    "docs/how-to/storage.md": [
        Block("juju run docker-registry/0 stop", "a terminal"),
        Block("juju deploy", FRESH),
        Block("juju remove-unit", FRESH),
        Block("juju add-storage", FRESH),
        Block("juju detach-storage", FRESH),
        Block("juju config docker-registry", STORE),
        Block("juju add-secret", STORE),
        Block("juju config docker-registry", STORE),
        Block("juju integrate", CHARMHUB),
        Block("juju config docker-registry", STORE),
        Block("juju config docker-registry trusted-ca-blob", given=CERTIFICATE),
        Block("cat > store.yaml", STORE),
        Block("juju config docker-registry storage-redirect-disable"),
        Block("juju run --wait=10m docker-registry/0 check-storage"),
        Block("juju config docker-registry storage-delete", CLIENT),
    ],
    "docs/how-to/tls.md": [
        Block("juju config docker-registry", given=CERTIFICATE),
        Block("juju config docker-registry --reset tls-cert-blob"),
        Block("juju scp registry.crt"),
        Block("juju config docker-registry tls-cert-path="),
        Block("juju deploy easyrsa", CHARMHUB),
        Block("juju config docker-registry http-host"),
        Block("juju ssh docker-registry/0 sudo docker exec", given=BY_OPTIONS_AGAIN + TLS),
        Block("mkdir", CLIENT),
        Block("juju integrate", CHARMHUB),
        Block("juju integrate", CHARMHUB),
    ],
    "docs/how-to/upgrade-from-the-earlier-charm.md": [
        Block("juju refresh", "the earlier charm, see test_predecessor.py")
    ],
    "docs/how-to/upgrade.md": [
        Block("juju refresh"),
        Block("juju config docker-registry registry-image", INTERNET),
        Block("juju attach-resource"),
        Block("juju config docker-registry --reset registry-image"),
        Block("juju config docker-registry"),
        Block("juju run docker-registry/0 stop"),
        Block("juju remove-application", "the end of the unit, see test_lifecycle.py"),
    ],
}
"""By page, each block in its order."""


def read(page: str) -> list[str]:
    """Return the blocks of *page* that are no drawings, without their indentation."""
    text = (reference.ROOT / page).read_text()
    found = re.findall(r"^( *)```([a-z]*)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub(f"^{indent}", "", block, flags=re.MULTILINE) for indent, kind, block in found if kind != "mermaid"]


def pages() -> set[str]:
    """Return the pages that have such blocks."""
    files = [
        *reference.ROOT.glob("*.md"),
        *(reference.ROOT / "docs").rglob("*.md"),
        reference.ROOT / "terraform/README.md",
    ]
    return {page for page in (str(path.relative_to(reference.ROOT)) for path in files) if read(page)}


def unlisted() -> list[str]:
    """Return, for people, each block that the table does not have in its place, and each that is no longer there."""
    found = []
    for page in sorted(pages() | set(PAGES)):
        listed, texts = PAGES.get(page, []), read(page)
        if len(listed) != len(texts):
            found.append(f"{page}: {len(texts)} blocks, {len(listed)} in the table")
        pairs = zip(listed, texts, strict=False)
        found += [f"{page}: {text}" for block, text in pairs if not text.startswith(block.start)]
    return found
