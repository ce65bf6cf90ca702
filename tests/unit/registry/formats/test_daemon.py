"""dockerd's files."""

import json

import pytest
from registry.formats import daemon


def merged(text, ours, wanted, flags=()):
    found = daemon.merged(text, daemon.Record(ours), wanted, flags)
    return None if found is None else json.loads(found)


def test_what_others_wrote_stays_and_what_was_ours_goes():
    text = '{"dns": ["1.1.1.1"], "debug": true, "mtu": 1400}'
    assert merged(text, {"debug": True, "mtu": 1400}, {"mtu": 1300}) == {"dns": ["1.1.1.1"], "mtu": 1300}


def test_what_was_ours_and_was_altered_stays():
    assert merged('{"debug": false}', {"debug": True}, {}) == {"debug": False}


def test_a_text_that_says_it_already_stays_as_it_is():
    text = '{ "debug":true }'
    assert daemon.merged(text, daemon.Record(), {"debug": True}) == text
    assert daemon.merged(None, daemon.Record(), {}) is None


def test_live_restore_is_on_again_where_it_was_ours():
    assert merged('{"live-restore": false}', {"live-restore": False}, {}) == {"live-restore": True}
    assert merged('{"live-restore": true}', {}, {"live-restore": False}) == {"live-restore": False}


def test_live_restore_is_not_said_twice():
    assert merged('{"live-restore": true}', {}, {"debug": True}, ["live-restore"]) == {"debug": True}


@pytest.mark.parametrize("text", ["{", "[]", '"x"'])
def test_a_text_that_cannot_be_read_is_a_problem(text):
    with pytest.raises(daemon.BadSettings, match=r"/etc/docker/daemon.json is not"):
        daemon.merged(text, daemon.Record(), {})


@pytest.mark.parametrize(
    ("before", "after", "reloadable"),
    [
        ('{"debug": false}', '{"debug": true}', True),
        (None, '{"labels": ["a"]}', True),
        ('{"debug": true}', "{}", False),
        ("{}", '{"log-driver": "journald"}', False),
    ],
)
def test_what_a_reload_is_enough_for(before, after, reloadable):
    assert daemon.is_reloadable(daemon.Files(before, None), daemon.Files(after, None)) is reloadable
    assert not daemon.is_reloadable(daemon.Files(before, None), daemon.Files(after, "x"))


UNITS = """# /lib/systemd/system/docker.service
[Service]
ExecStart=/usr/sbin/dockerd -H fd:// \\
    --containerd=/c.sock $DOCKER_OPTS
# /etc/systemd/system/docker.service.d/docker-registry.conf
[Service]
ExecStart=
ExecStart=/usr/sbin/dockerd --ours
"""


def test_the_command_of_docker_is_that_of_others():
    command = "/usr/sbin/dockerd -H fd:// --containerd=/c.sock $DOCKER_OPTS"
    assert daemon.exec_start(UNITS) == command
    assert (
        daemon.exec_start(UNITS + "# /etc/systemd/system/docker.service.d/x.conf\nExecStart=\nExecStart=/a\n") == "/a"
    )
    assert daemon.exec_start("") == ""


def test_the_drop_in_has_proxies_and_arguments_quoted_for_systemd():
    assert (
        daemon.drop_in({"HTTP_PROXY": "http://p:1/%20"}, "/d -H fd:// $DOCKER_OPTS", ["--label", 'a="$b" %c \\'])
        == """# Written by the charm docker-registry.
[Service]
Environment="HTTP_PROXY=http://p:1/%%20"
ExecStart=
ExecStart=/d -H fd:// "--label" "a=\\"$$b\\" %%c \\\\"
"""
    )
    assert daemon.drop_in({}, "", []) is None


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (
            'time="x" level=info msg="Starting up"\nunable to configure the Docker daemon with file '
            "/etc/docker/daemon.json: the following directives don't match any configuration option: nosuch\n",
            "the following directives don't match any configuration option: nosuch",
        ),
        ("failed to start daemon: a port\nfailed to start daemon: no room.\n", "no room"),
        ("Status: unknown flag: --nosuch\nSee 'dockerd --help'., Code: 125\n", "unknown flag: --nosuch"),
        ("Job for docker.service failed.\n", "Job for docker.service failed"),
        ("", ""),
    ],
)
def test_the_reason_is_dockerds_own(log, reason):
    assert daemon.reason(log) == reason


def test_the_reason_is_short():
    assert len(daemon.reason("x" * 1000)) == 300


def test_a_record_is_the_same_after_writing_and_reading():
    record = daemon.Record(
        {"a": [1]}, "digest", "a sentence", daemon.Files(None, "x"), {"b": 1}, daemon.Files("y", None), trying=True
    )
    assert daemon.Record.from_json(json.loads(json.dumps(record.to_json()))) == record
    assert daemon.Record.from_json({}) == daemon.Record()
    assert daemon.Record.from_json({"trying": True, "of a later charm": 1}) == daemon.Record(trying=True)


def test_a_record_of_other_settings_keeps_what_is_known_of_live_restore():
    record = daemon.Record({"a": 1}, "digest", "a sentence", live_restore_refused=True)
    assert record.renewed({"b": 2}, trying=True) == daemon.Record({"b": 2}, trying=True, live_restore_refused=True)


def test_no_secret_is_in_the_text_of_a_record():
    assert "hush" not in str(
        daemon.Record({"a": "hush"}, before=daemon.Files("hush", "hush"), ours_before={"a": "hush"})
    )


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('A=1\nDOCKER_OPTS="--mtu 1400  --debug"\nB=2\n', "A=1\nB=2\n"),
        ("DOCKER_OPTS=--mtu\n", "DOCKER_OPTS=--mtu\n"),
        ('#DOCKER_OPTS="--mtu 1400 --debug"\n', '#DOCKER_OPTS="--mtu 1400 --debug"\n'),
    ],
)
def test_arguments_that_have_another_place_leave_the_old_one(text, left):
    assert daemon.without_options(text, ["--mtu", "1400", "--debug"]) == left
    assert daemon.without_options('DOCKER_OPTS=""\n', []) == 'DOCKER_OPTS=""\n'


A, B, MINE, THEIRS = (daemon.Files(f'{{"{name}": 1}}', name) for name in ("a", "b", "mine", "theirs"))


@pytest.mark.parametrize(
    ("record", "current", "undone"),
    [
        (daemon.Record(), A, A),
        (daemon.Record(before=A, written=MINE), MINE, A),
        (daemon.Record(before=A, written=MINE), THEIRS, THEIRS),
        (
            daemon.Record(before=A, written=MINE),
            daemon.Files(THEIRS.daemon_json, MINE.drop_in),
            daemon.Files(THEIRS.daemon_json, A.drop_in),
        ),
        (daemon.Record(before=A, written=MINE, trying=True), A, A),
        (daemon.Record(before=A), MINE, MINE),
        (daemon.Record(before=A, trying=True), MINE, A),
    ],
)
def test_only_what_the_charm_wrote_last_is_undone(record, current, undone):
    assert record.undone(current) == undone


def test_the_last_file_that_has_a_word_is_named():
    units = UNITS + "# /etc/systemd/system/docker.service.d/x.conf\n# HTTP_PROXY=\nEnvironment=HTTP_PROXY=a\n"
    assert daemon.file_with(units, "HTTP_PROXY=") == "/etc/systemd/system/docker.service.d/x.conf"
    assert daemon.file_with(units, "--containerd") == "/lib/systemd/system/docker.service"
    assert daemon.file_with(units, "--ours") == ""
