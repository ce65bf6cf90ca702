"""What can be seen on a machine, by whoever looks often enough, has no secret in it."""

import json
import secrets

SAMPLER = """
import glob, pathlib, sys, time
names = pathlib.Path(sys.argv[1]).read_bytes().split()
found, rounds, end = set(), 0, time.monotonic() + 120
while not pathlib.Path(sys.argv[1] + ".stop").exists() and time.monotonic() < end:
    for kind in ("cmdline", "environ"):
        for path in glob.glob(f"/proc/[0-9]*/{kind}"):
            try:
                data = pathlib.Path(path).read_bytes()
            except OSError:
                continue
            found |= {f"{kind} {data[:200]}" for name in names if name in data}
    rounds += 1
    time.sleep(0.005)
pathlib.Path(sys.argv[1] + ".found").write_text(f"{rounds} {sorted(found)}")
"""
FOLDER = "/root/looked-for"


def test_no_process_log_or_result_shows_a_secret(unit, tmp_path):
    password, other = f"Hush-{secrets.token_hex(12)}", f"Hush-{secrets.token_hex(12)}"
    own = unit.exec("cat /etc/docker/registry/password")
    names = [password, other, own]
    for name, text in {"names": "\n".join(names), "sampler.py": SAMPLER}.items():
        (tmp_path / name).write_text(text)
        unit.juju.scp(tmp_path / name, f"{unit.name}:/var/tmp/{name}")
    unit.exec(f"mkdir -m 700 {FOLDER}; mv /var/tmp/names /var/tmp/sampler.py {FOLDER}")
    unit.exec(f"nohup python3 {FOLDER}/sampler.py {FOLDER}/names > /dev/null 2>&1 < /dev/null &")
    try:
        unit.config(auth_basic_password=password, auth_basic_users=f"alice: {other}")
        shown = [unit.container()]
        unit.exec("docker tag $(docker inspect -f {{.Image}} registry) looked/for:1")
        tasks = {
            "push": {"image": "looked/for:1", "pull": False},
            "catalog": {},
            "backup": {"file": f"{FOLDER}/backup"},
        }
        shown += [unit.run(action, **params).results for action, params in tasks.items()]
        unit.exec(f"touch {FOLDER}/names.stop; sleep 1")
        rounds, _, found = unit.exec(f"cat {FOLDER}/names.found").partition(" ")
        assert (found, int(rounds) > 20) == ("[]", True), (rounds, found)
        shown += [unit.juju.cli("debug-log", "--replay", "--no-tail"), unit.juju.cli("status", "--format", "json")]
        shown += [unit.exec("journalctl --no-pager; docker logs registry 2>&1; docker inspect $(docker ps -aq)")]
        assert not [name[:8] for name in names if name in json.dumps(shown)]
        assert unit.readable_secrets() == ""
    finally:
        unit.exec(f"touch {FOLDER}/names.stop; sleep 0.2; rm -r {FOLDER}; docker rmi looked/for:1 || true")
        unit.config(auth_basic_password=None, auth_basic_users=None)
