"""A backup, encrypted and decrypted by the real programs."""

import secrets

import pytest
from uploads import Uploads

GPG = "GNUPGHOME=/root/keys gpg --batch --quiet"
KEYS = {
    "age": (
        "age",
        "age-keygen -o /root/keys/key.txt 2>/dev/null; age-keygen -y /root/keys/key.txt",
        "/root/keys/key.txt",
    ),
    "gpg": (
        "gpg gpg-agent",
        f'{GPG} --passphrase "" --quick-generate-key backup future-default 2>/dev/null; '
        f"{GPG} --armor --export > /root/keys/public.asc; {GPG} --export-secret-keys > /root/keys/secret; "
        "echo /root/keys/public.asc",
        "/root/keys/secret",
    ),
}


@pytest.mark.parametrize("program", KEYS)
def test_a_backup_is_encrypted_and_comes_back_with_images(unit, program):
    packages, make, identity = KEYS[program]
    unit.exec(f"apt-get install -qq -y --no-install-recommends {packages} >/dev/null 2>&1")
    recipient = unit.exec(f"install -d -m 700 /root/keys; {make}")
    before = unit.exec("cat /etc/docker/registry/password")
    uploads = Uploads(f"http://{unit.address}:5000")
    uploads.signature("saved/app", uploads.image("saved/app", "1.0", secrets.token_bytes(300_000)))
    saved = unit.run("catalog", match="saved/*").results["output"]
    try:
        done = unit.run("backup", file="/root/keys/backup", recipient=recipient, images=True)
        assert done.results["encrypted"] == "true"
        assert unit.exec("stat -c %a /root/keys/backup") == "600"
        assert unit.exec("grep -c http_secret /root/keys/backup || true") == "0"
        unit.exec("echo other > /etc/docker/registry/password")
        unit.run("delete-image", image="saved/app:*", **{"dry-run": False})
        done = unit.run("restore", file="/root/keys/backup", identity=identity, images=True)
        assert "Ready at" in done.results["message"]
        assert unit.run("catalog", match="saved/*").results["output"] == saved
        assert unit.exec("cat /etc/docker/registry/password") == before
        assert unit.status()[0] == "active"
    finally:
        unit.exec("rm -rf /root/keys")
        unit.run("delete-image", image="saved/app:*", **{"dry-run": False})
