"""What every hook tool is in the machine: it hands its arguments to the unit agent and prints the answer.

Kept free of imports beyond the interpreter's own, because a hook starts it again and again. The request is
`<length of arguments> <length of input>` and a newline, then context, name and arguments between zero bytes,
then the input; the answer is `<exit code> <length of output>` and a newline, then output and errors.
"""

from __future__ import annotations

import _socket
import posix
import sys


def source(args: list[str]) -> str | None:
    """The file to read, from --file; None when there is none."""
    for index, arg in enumerate(args):
        if arg == "--file" and index + 1 < len(args):
            return args[index + 1]
        if arg.startswith("--file="):
            return arg[7:]
    return None


def read(path: str) -> bytes:
    """The content of a file, or of standard input for `-`."""
    with open(0 if path == "-" else path, "rb") as file:
        return file.read()


def main() -> int:
    """Ask the agent at JUJU_AGENT_SOCKET_ADDRESS."""
    environment = posix.environ
    path = source(sys.argv[1:])
    data = b"" if path is None else read(path)
    name = sys.argv[0].rpartition("/")[2]
    argv = [environment.get(b"JUJU_CONTEXT_ID", b"")]
    argv += [arg.encode("utf-8", "surrogateescape") for arg in [name, *sys.argv[1:]]]
    packed = b"\0".join(argv)
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        connection.connect(environment.get(b"JUJU_AGENT_SOCKET_ADDRESS", b""))
    except OSError as error:
        posix.write(2, b"ERROR cannot reach the unit agent: %s\n" % str(error).encode())
        return 1
    connection.sendall(b"%d %d\n" % (len(packed), len(data)) + packed + data)
    answer = b""
    while True:
        chunk = connection.recv(65536)
        if not chunk:
            break
        answer += chunk
    head, _, body = answer.partition(b"\n")
    if not head:
        posix.write(2, b"ERROR the unit agent has gone\n")
        return 1
    code, length = head.split()
    for descriptor, text in ((1, body[: int(length)]), (2, body[int(length) :])):
        while text:
            text = text[posix.write(descriptor, text) :]
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
