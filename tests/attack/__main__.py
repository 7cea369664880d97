"""`python -m tests.attack --kills 1000`: kills runs, and fails if a message is lost or doubled."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.attack.killing import kill


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how many runs to kill")
    parser.add_argument("--seed", type=int, default=1, help="which moments")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = kill(Path(folder), arguments.kills, arguments.seed)
    print(found.line())
    return 0 if found.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
