"""The verb `debug-log`."""

from __future__ import annotations

import time

from localjuju.session import Session, verb

LEVELS = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@verb("debug-log", "--limit= --replay! --no-tail! --tail! -l/--level= --include=* -n/--lines=")
def debug_log(session: Session) -> None:
    """Print what hooks and charms have logged; --tail goes on with what comes."""
    args, kept = session.args, session.store
    kept.load()
    least = LEVELS.index((args.level or "INFO").upper())

    def wanted(line: str) -> bool:
        source, _, level, *_ = line.split(" ", 3)
        return level in LEVELS[least:] and (
            not args.include
            or any(
                source.startswith((item.replace("/", "-"), "unit-" + item.replace("/", "-"))) for item in args.include
            )
        )

    limit = int(args.limit or args.lines or 0)
    seen = 0
    while True:
        lines = kept.lines("log")
        found = [line for line in lines[seen:] if wanted(line)]
        for line in found[-limit:] if not seen else found:
            print(line, flush=True)
        seen = len(lines)
        if not args.tail:
            return
        time.sleep(0.5)
