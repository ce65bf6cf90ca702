"""The actions backup and restore, on one unit and on a new one."""

import json
import os
import pathlib
import shutil
import stat
import tarfile

import pytest
import yaml
from layouts import REF, Layout, sha, tar
from registry.deployment import backup as archive
from registry.machine.encryption import Cipher
from registry_server import MemoryRegistry, serve

KEY = "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def file(deployed, tmp_path):
    return str(tmp_path / "backup.tar")


@pytest.fixture
def back(deployed, actions, file):
    return lambda **params: deployed.action(
        "backup", actions, **{"file": file, "recipient": "", "images": False, **params}
    )


@pytest.fixture
def bring(deployed, actions, file):
    return lambda **params: deployed.action(
        "restore", actions, **{"file": file, "identity": "", "images": False, **params}
    )


def test_a_backup_is_whole_and_for_root_only(back, deployed, juju, file, machine):
    juju.change(
        config={"auth-basic-password": "secret:a1", "registry-port": 5001, "tls-key-path": "/own.key"},
        secrets={"a1": {"password": "hush"}},
    )
    machine.files.texts["/own.key"] = KEY
    deployed.hook("config-changed")
    results = back()
    assert results["file"] == file
    assert (results["encrypted"], results["options"]) == ("false", "3")
    assert stat.S_IMODE(pathlib.Path(file).stat().st_mode) == 0o600
    saved = archive.read(file, None)
    assert saved.options == {"auth-basic-password": "secret:a1", "registry-port": 5001, "tls-key-path": "/own.key"}
    assert saved.secrets == {"secret:a1": {"password": "hush"}}
    assert saved.http_secret == juju.model["leader"]["http-secret"]
    assert saved.certificates == {"/own.key": KEY}
    assert saved.credentials["password"] == machine.credentials.password()
    assert "hush" not in repr([results, saved, juju.calls])


def _identity(file):
    """What replacing a file changes, and reading it does not."""
    state = os.lstat(file)
    return state.st_ino, state.st_mode, state.st_size, state.st_mtime_ns


@pytest.mark.parametrize("kind", ["file", "folder", "pipe", "link"])
def test_what_is_not_a_backup_is_never_replaced(back, file, kind, tmp_path):
    (tmp_path / "other").write_text("root:x:0:0:root:/root:/bin/bash\n")
    make = {"file": (tmp_path / "other").rename, "folder": os.mkdir, "pipe": os.mkfifo}
    make.get(kind, lambda path: os.symlink("other", path))(file)
    before = _identity(file)
    assert back()["failure"].endswith(
        f"{file} exists and is not a backup. Use another path, or remove it first."
        if kind != "folder"
        else "Fix it and run the action again."
    )
    assert _identity(file) == before


def test_it_comes_back_on_a_new_unit(back, bring, deployed, juju, machine):
    juju.change(config={"http-host": "https://registry.example.com", "tls-key-path": "/own.key"})
    machine.files.texts["/own.key"] = KEY
    before = juju.model["leader"]["http-secret"], machine.credentials.password()
    back()
    machine.files.texts.clear()
    juju.change(config={"http-host": "", "tls-key-path": ""}, leader={"http-secret": "another"})
    (machine.store.root / "password").unlink()
    deployed.hook("config-changed")
    for _ in range(2):  # the second time as after a kill
        results = bring()
        assert "failure" not in results
        assert (juju.model["leader"]["http-secret"], machine.credentials.password()) == before
        assert machine.store.current().http_secret == before[0]
        assert machine.files.texts["/own.key"] == KEY
        assert machine.files.modes["/own.key"] == 0o600
        options = yaml.safe_load(machine.records.outputs[results["options"].rpartition("/")[2]])
        assert options == {"docker-registry": {"http-host": "https://registry.example.com", "tls-key-path": "/own.key"}}
        assert f"The options are in {results['options']} on the unit. Set them with" in results["message"]
        assert before[0] not in str(results)


def test_images_come_back_under_their_names_with_all_that_belongs_to_them(back, bring, machine, file):
    registry = MemoryRegistry()
    server, machine.registry_url = serve(registry)
    image = registry.image("docker.io/team/app", "1.0", "one")
    registry.image("ghcr.io/team/app", "1.0", "another")
    registry.image("docker.io/team/app", f"{image['digest'].replace(':', '-')}.sig", "signature")
    registry.image("docker.io/team/app", f"sha256-{64 * '0'}.sig", "signature of one that was deleted")
    lost = registry.image("docker.io/team/app", None, "lost")
    machine.engine.garbage.insert(0, f"docker.io/team/app: marking manifest {lost['digest']} ")
    whole = registry.tags, registry.manifests, registry.blobs
    results = back(images=True)
    assert (results["copied"], results["failed"]) == ("4", "0")
    assert archive.read(file, None).http_secret
    registry.tags, registry.manifests, registry.blobs = {}, {}, {}
    for copied in ("4", "0"):  # the second time as after a kill
        results = bring(images=True)
        assert (results["copied"], results["failed"]) == (copied, "0")
        assert (registry.tags, registry.manifests, registry.blobs) == whole
    back()
    assert bring(images=True)["failure"].startswith(f"{file} has no images (")
    server.shutdown()
    server.server_close()


def test_a_unit_that_is_not_the_leader_keeps_the_shared_secret(back, bring, juju, deployed):
    back()
    juju.change(is_leader=False, leader={"http-secret": "another"})
    results = bring()
    assert results["message"].startswith("The secret that all units share stays as it is. Run restore on the leader")
    assert juju.model["leader"]["http-secret"] == "another"


def test_secrets_of_juju_are_in_a_file_of_their_own(back, bring, juju, deployed, machine):
    juju.change(config={"auth-basic-password": "secret:a1"}, secrets={"a1": {"password": "hush"}})
    deployed.hook("config-changed")
    back()
    results = bring()
    secrets = yaml.safe_load(machine.records.outputs[results["secrets"].rpartition("/")[2]])
    assert secrets == {"secret:a1": {"password": "hush"}}
    assert "hush" not in str(results)


def test_an_interrupted_backup_leaves_the_one_before(back, file, machine, monkeypatch):
    back()
    whole = pathlib.Path(file).read_bytes()
    monkeypatch.setattr(tarfile.TarInfo, "tobuf", lambda *_: (_ for _ in ()).throw(OSError("No space left")))
    assert back()["failure"] == "The machine failed: No space left. Fix it and run the action again."
    assert pathlib.Path(file).read_bytes() == whole
    assert [path.name for path in pathlib.Path(file).parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("content", "failure"),
    [
        (b"", " is not a backup of this charm"),
        (b"PK\3\4 something else", " is not a backup of this charm"),
        (b"age-encryption.org/v1\n", "identity: not set, but the file is encrypted."),
        (b"\x85\1\x0c", "identity: not set, but the file is encrypted."),
    ],
)
def test_what_is_no_backup_is_refused(bring, file, content, failure, deployed):
    pathlib.Path(file).write_bytes(content)
    assert failure in bring()["failure"]


def test_parameters_that_are_wrong(back, bring, file, juju, deployed):
    assert back(file="here.tar")["failure"].startswith("file: 'here.tar' is not an absolute path.")
    assert back(recipient="me")["failure"].startswith("recipient: 'me' is not a recipient.")
    folder = pathlib.Path(file).parent / "open"
    folder.mkdir()
    folder.chmod(0o777)
    assert "other users can write" in back(file=str(folder / "backup"))["failure"]
    assert "No such file" in bring()["failure"]
    juju.change(config={"auth-basic-password": "secret:none"})
    assert back()["failure"].startswith("options: secret:none cannot be read")
    shutil.rmtree(folder)


def test_the_program_is_installed_that_encrypts(back, machine, deployed):
    machine.apt.works = False
    assert back(recipient="age1abc")["failure"].startswith("APT failed: ")
    assert machine.apt.calls[-1] == ("install", "age")
    assert back(recipient="/no/key.asc")["failure"].startswith("APT failed: ")
    assert machine.apt.calls[-1] == ("install", "gpg", "gpg-agent")


ROT13 = Cipher((), ("tr", "a-zA-Z", "n-za-mN-ZA-M"))
"""For age and GnuPG, which run in the integration tests."""
_TEXTS = {"name": "hush"}
SAVED = archive.Saved("hush/0", "hush", _TEXTS, {"secret:a1": _TEXTS}, "hush", _TEXTS, _TEXTS)


def test_an_encrypted_backup_is_whole_and_shows_nothing(tmp_path):
    layout = Layout()
    layout.name(layout.image("a layer"), **{REF: "ghcr.io/team/app:1.0"})
    content = layout.write(tmp_path / "layout.tar").read_bytes()
    path = tmp_path / "backup"
    with archive.writing(str(path), SAVED, ROT13) as stream:
        stream.write(content)
    assert b"hush" not in path.read_bytes()
    assert archive.read(str(path), ROT13) == SAVED
    with archive.images(str(path), ROT13) as reader:
        assert [image.name for image in reader.images] == ["ghcr.io/team/app:1.0"]
        assert b"".join(reader.blob("", f"sha256:{sha(b'a layer')}")) == b"a layer"
    assert {one.name for one in tmp_path.iterdir()} == {"layout.tar", "backup"}
    with pytest.raises(archive.BadBackup, match="is not a backup of this charm"):
        archive.read(str(path), None)


def test_an_archive_of_something_else_or_of_another_version_is_no_backup(tmp_path):
    path, whole = str(tmp_path / "backup"), SAVED.to_json().encode()
    other = whole.replace(f'"version": {archive.VERSION}'.encode(), b'"version": 99')
    assert other != whole
    fields = json.loads(whole)
    odd = [json.dumps({**fields, name: value}).encode() for name in fields for value in (None, 5, [], {"a": {"b": 1}})]
    odd = [one for one in odd if b'"options": {"a"' not in one]
    for name, data in (("other", whole), *((archive.UNIT, one) for one in (other, b"[]", b"[" * 20_000, *odd))):
        tar(path, {name: data})
        with pytest.raises(archive.BadBackup, match="is not a backup of this charm"):
            archive.read(path, None)
    tar(path, {archive.UNIT: whole})
    assert archive.read(path, None) == SAVED
