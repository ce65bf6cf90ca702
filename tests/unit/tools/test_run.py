"""The output of the demonstration, and its port forwarding for Docker's pushes."""

import socket
import threading

import forwarder
import host
import pytest
import run


def test_one_unit_is_deployed_when_no_number_is_given():
    assert run.units([]) == run.units(["1"]) == 1
    assert run.units(["3"]) == 3


@pytest.mark.parametrize("arguments", [["0"], ["10"], ["many"], ["1", "2"], ["-1"]])
def test_an_unsupported_number_of_units_is_an_error(arguments):
    with pytest.raises(host.Failure, match=r"^UNITS=.* is not a number of units\. Use 1 to 9\.$"):
        run.units(arguments)


def test_the_sentence_for_a_failed_command_has_its_name_and_its_last_line():
    command = ("/x/bin/localjuju", "deploy", "-m", "demo")
    assert run.failure(command, "WARNING old\nERROR no such charm.\n", "Look at it.") == (
        "`localjuju deploy -m` failed: ERROR no such charm. Look at it."
    )
    assert run.failure(("make", "build"), "") == "`make build` failed: no reason given."


def test_the_sentence_for_a_full_disk_says_what_to_do():
    assert run.failure(("docker", "commit"), "write /x: no space left on device", "Look at it.").endswith(
        "no space left on device. Free some disk space, then run this again."
    )


@pytest.mark.parametrize("status", [{}, {"applications": {}}, {"applications": {"docker-registry": {}}}])
def test_a_unit_that_does_not_exist_yet_is_empty(status):
    assert run.unit_in(status) == {}


def test_the_summary_of_a_unit_is_its_status_and_message():
    unit = {"workload-status": {"current": "active", "message": "Ready at 10.0.0.1:5000 (http)."}}
    assert run.unit_in({"applications": {"docker-registry": {"units": {"docker-registry/0": unit}}}}) == unit
    assert run.summary(unit) == "active: Ready at 10.0.0.1:5000 (http)."
    assert run.summary({"workload-status": {"current": "waiting"}}) == "waiting"


def test_the_farewell_names_the_url_and_the_commands():
    text = run.farewell({"workload-status": {"current": "active"}}, "http://10.0.0.1:5000")
    assert "  http://10.0.0.1:5000/v2/_catalog\n" in text
    assert "  localjuju destroy-model demo --no-prompt\n" in text


def test_connections_are_forwarded():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def echo() -> None:
            connection, _ = server.accept()
            with connection:
                received = b"".join(iter(lambda: connection.recv(1000), b""))
                connection.sendall(received[::-1])

        threading.Thread(target=echo, daemon=True).start()
        with (
            forwarder.forwarded("127.0.0.1", server.getsockname()[1]) as port,
            socket.create_connection(("127.0.0.1", port)) as client,
        ):
            client.sendall(b"abc")
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1000) == b"cba"
