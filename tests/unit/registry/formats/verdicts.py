"""Write verdicts.json anew: what a real client of Go says of each case. Needs Go (Debian: golang-go).

PYTHONPATH=tests/unit/registry/formats python3 tests/unit/registry/formats/verdicts.py
"""

import json
import pathlib
import re
import subprocess
import time

from chain_cases import CASES, certificate, key

HERE = pathlib.Path(__file__).parent


def main():
    now = int(time.time())
    cases = {
        name: {
            "Served": "".join(map(certificate, one.served)),
            "Key": key(one.served[0]),
            "Trusted": "".join(map(certificate, one.trusted)),
            "Host": one.host,
            "Time": now + one.day * 86400,
        }
        for name, one in CASES.items()
    }
    done = subprocess.run(
        ["go", "run", HERE / "verdicts.go"], input=json.dumps(cases), text=True, check=True, stdout=subprocess.PIPE
    )
    verdicts = json.loads(done.stdout)
    lines = {name: re.split(" \\(possibly|, not |: current time", verdicts[name])[0] for name in CASES}
    (HERE / "verdicts.json").write_text(json.dumps(lines, indent=2) + "\n")


if __name__ == "__main__":
    main()
