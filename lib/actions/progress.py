"""Progress of an action that takes long: a line for the operator every ten seconds."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Callable, Iterator

SECONDS = 10


@contextlib.contextmanager
def reported(line: Callable[[], str], seconds: float = SECONDS) -> Iterator[None]:
    """Show *line* to the operator again and again while the body runs."""
    ended = threading.Event()

    def report() -> None:
        while not ended.wait(seconds):
            log(line())

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def log(line: str) -> None:
    """Show a line of progress to the operator. Where Juju refuses it, the action continues."""
    subprocess.run(["action-log", line], check=False, capture_output=True)
