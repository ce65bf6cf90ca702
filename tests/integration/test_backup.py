"""A backup, encrypted and decrypted by the real programs."""

import pytest

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
def test_a_backup_is_encrypted_and_comes_back(unit, program):
    packages, make, identity = KEYS[program]
    unit.exec(f"apt-get install -qq -y --no-install-recommends {packages} >/dev/null 2>&1")
    recipient = unit.exec(f"install -d -m 700 /root/keys; {make}")
    before = unit.exec("cat /etc/docker/registry/password")
    try:
        done = unit.run("backup", file="/root/keys/backup", recipient=recipient)
        assert done.results["encrypted"] == "true"
        assert unit.exec("stat -c %a /root/keys/backup") == "600"
        assert unit.exec("grep -c http_secret /root/keys/backup || true") == "0"
        unit.exec("echo other > /etc/docker/registry/password")
        assert "Ready at" in unit.run("restore", file="/root/keys/backup", identity=identity).results["message"]
        assert unit.exec("cat /etc/docker/registry/password") == before
        assert unit.status()[0] == "active"
    finally:
        unit.exec("rm -rf /root/keys")
