"""What the charm takes for right, the registry takes too: a sample of random configurations, each started for real."""

import dataclasses
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from registry.deployment.credentials import Credentials
from registry.deployment.store import Store
from registry.formats import htpasswd
from registry.machine import engine
from registry.options import options
from registry.plan import decision
from registry.release import container
from registry.release.image import Image
from test_contract import CHANGES as EFFECTIVE
from test_options import DEFAULTS
from test_plan import facts
from test_properties import CHANGES as ANY

NAME = "accepted"
ASKED_AT_START = ("cache-", "storage-swift-")
"""Options with which the registry asks another server before it serves."""


def together(names):
    config = {}
    for name in names:
        base, value = EFFECTIVE[name]
        config |= {**base, name: value}
    return config


SAMPLE = st.one_of(
    st.lists(st.sampled_from(sorted(EFFECTIVE)), min_size=1, max_size=5, unique=True).map(together), ANY
).filter(lambda config: not any(name.startswith(ASKED_AT_START) for name in config))


@pytest.fixture(scope="module")
def image(archives):
    shown = subprocess.run(["docker", "load", "-qi", archives.registry], check=True, capture_output=True, text=True)
    name = shown.stdout.rpartition("Loaded image: ")[2].strip()
    yield Image("registry:2", engine.Engine().image_id(name), "2.8.3")
    subprocess.run(["docker", "rmi", "-f", name], check=True, capture_output=True)


def answer(docker):
    """Return the status of the registry's answer, or the log of one that ended."""
    for _ in range(100):
        found = docker.inspect(NAME)
        if not found.is_running:
            break
        port = found.published(container.PORT)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as reply:
                return reply.status
        except urllib.error.HTTPError as error:
            return error.code  # of one with TLS, or with a store that is away
        except OSError:
            time.sleep(0.05)
    return docker.logs(NAME)


@pytest.mark.parametrize(
    ("examples", "derandomize"),
    [pytest.param(12, True, id="in-short"), pytest.param(1000, False, marks=pytest.mark.soak, id="at-length")],
)
def test_what_is_accepted_starts(image, tmp_path_factory, examples, derandomize):
    docker, started = engine.Engine(), []

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=derandomize,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(SAMPLE)
    def check(config):
        wanted = options.Options.from_config({**DEFAULTS, **config})
        planned = decision.decide(wanted, facts(image=image))
        if planned.problems:
            assert all(set(one.partition(": ")[0].split(", ")) <= set(DEFAULTS) for one in planned.problems)
            assume(False)
        folder = tmp_path_factory.mktemp("release")
        store = Store(folder)
        (folder / "data").mkdir()
        Credentials(folder).write_users(planned.users or htpasswd.text([facts().own]))
        mounts = {"/var/lib/registry": f"{folder}/data", "/auth": f"{folder}/auth"}
        spec = planned.release.container
        spec = dataclasses.replace(
            spec,
            mounts=tuple(dataclasses.replace(one, source=mounts[one.target]) for one in spec.mounts),
            log_driver="json-file",  # where the tests run, there may be neither a journal nor syslog
        )
        store.write(planned.release)
        body = container.create_body(spec, str(store.folder(planned.release)), planned.release.digest)
        try:
            docker.create(NAME, container.loopback_body(body))
            docker.start(NAME)
            found = answer(docker)
        finally:
            docker.remove(NAME)
        assert found in (200, 400, 503), (config, found)
        started.append(config)

    check()
    print(f"{len(started)} configurations started")
    assert len(started) >= examples / 2
