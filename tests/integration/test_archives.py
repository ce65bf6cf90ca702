"""The actions export and import on a real registry, with the archives that docker and skopeo write."""

import json
import os
import subprocess
import time

import jubilant
import pytest
from uploads import Uploads

FOLDER = "/srv/archives"


@pytest.fixture
def uploads(unit):
    unit.exec(f"mkdir -p -m 777 {FOLDER}")
    yield Uploads(f"http://{unit.address}:5000")
    unit.exec(f"rm -rf {FOLDER}")
    empty(unit)


def empty(unit):
    """Take all images from the registry's disk."""
    unit.exec("rm -rf /srv/registry/docker && docker restart registry")
    deadline = time.monotonic() + 30
    while not unit.answers() and time.monotonic() < deadline:
        time.sleep(0.1)


def images(unit):
    """Return what the catalog lists, without sizes of untagged content."""
    done = unit.run("catalog", untagged=False)
    return json.loads(unit.exec(f"cat {done.results['report-json']}"))


def test_archives_of_docker_and_skopeo_go_in_out_and_in_again(unit, uploads, small_image, tmp_path):
    children = {name: uploads.image("team/app", None, name.encode() * 1000) for name in ("amd64", "arm64")}
    index = uploads.index("team/app", "1.0", **children)
    uploads.signature("team/app", index)
    uploads.signature("team/app", children["arm64"], "")
    archive = tmp_path / "skopeo.tar"
    origin = f"docker://{unit.address}:5000/team/app:1.0"
    words = ["skopeo", "copy", "-q", "--all", "--preserve-digests", "--src-tls-verify=false", origin]
    subprocess.run([*words, f"oci-archive:{archive}:team/app:1.0"], check=True)
    subprocess.run(["zstd", "-q", archive], check=True)
    unit.run("export", images="team/*:*", file=f"{FOLDER}/signed.tar.gz")
    empty(unit)

    unit.juju.scp(f"{archive}.zst", f"{unit.name}:{FOLDER}/skopeo.tar.zst")
    assert unit.run("import", file=f"{FOLDER}/skopeo.tar.zst").results["copied"] == "1"
    (repository,) = images(unit)
    assert [(one["digest"], one["platforms"]) for one in repository["images"]] == [
        (index["digest"], ["linux/amd64", "linux/arm64"])
    ]
    assert unit.run("import", file=f"{FOLDER}/signed.tar.gz").results["skipped"] == "1"
    unit.load(small_image)
    unit.exec(f"docker save small:1 -o {FOLDER}/docker.tar && docker rmi small:1")
    assert unit.run("import", file=f"{FOLDER}/docker.tar", prefix="hub").results["copied"] == "1"
    unit.exec("docker pull -q 127.0.0.1:5000/hub/small:1 && docker rmi 127.0.0.1:5000/hub/small:1")

    before = images(unit)
    assert sum(len(image["dependents"]) for one in before for image in one["images"]) == 2
    done = unit.run("export", images="*:*", file=f"{FOLDER}/all.tar.zst")
    empty(unit)
    assert images(unit) == []
    unit.run("import", file=done.results["file"])
    assert images(unit) == before
    # Other tools read it too.
    unit.exec(f"chmod 644 {FOLDER}/all.tar.zst")
    unit.juju.scp(f"{unit.name}:{FOLDER}/all.tar.zst", str(tmp_path / "all.tar.zst"))
    subprocess.run(["zstd", "-qd", tmp_path / "all.tar.zst"], check=True)
    shown = subprocess.run(
        ["skopeo", "inspect", "--raw", f"oci-archive:{tmp_path}/all.tar:team/app:1.0"], capture_output=True, check=True
    )
    assert len(json.loads(shown.stdout)["manifests"]) == 2


def test_an_air_gapped_unit_is_seeded_from_the_resource(unit, uploads, tmp_path):
    uploads.image("seed/app", "1.0", os.urandom(100_000))
    unit.run("export", images="seed/*:*", file=f"{FOLDER}/seed.tar.gz")
    unit.exec(f"chmod 644 {FOLDER}/seed.tar.gz")
    unit.juju.scp(f"{unit.name}:{FOLDER}/seed.tar.gz", str(tmp_path / "seed.tar.gz"))
    before = images(unit)
    empty(unit)
    gateway = unit.exec("ip route show default")
    unit.exec("ip route del default")
    try:
        with pytest.raises(jubilant.CLIError):
            unit.exec("ip route get 192.0.2.1")
        unit.juju.cli("attach-resource", unit.app, f"images={tmp_path}/seed.tar.gz")
        assert unit.run("import").results["copied"] == "1"
        assert images(unit) == before
    finally:
        unit.exec(f"ip route add {gateway}")
        unit.settle()


def test_an_import_that_is_killed_is_resumed(unit, uploads):
    for number in range(8):
        uploads.image("many/app", f"v{number}", os.urandom(2_000_000))
    unit.run("export", images="many/*:*", file=f"{FOLDER}/many.tar")
    before = images(unit)
    empty(unit)
    words = [unit.juju.cli_binary, "run", "-m", unit.juju.model, unit.name, "import", f"file={FOLDER}/many.tar"]
    action = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    unit.exec(
        "n=0; until [ -e /srv/registry/docker/registry/v2/repositories/many/app/_manifests/tags/v2 ];"
        " do n=$((n+1)); [ $n -lt 600 ] || exit 1; sleep 0.05; done; pkill -KILL -f actions/[i]mport"
    )
    assert action.wait(60) != 0
    part = images(unit)
    assert part != before
    done = unit.run("import", file=f"{FOLDER}/many.tar")
    assert int(done.results["skipped"]) > 0
    assert images(unit) == before
