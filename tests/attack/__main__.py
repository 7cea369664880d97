"""`python -m tests.attack --kills 1000`: kills runs, and fails if a message is lost or doubled."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.attack.killed_project import FILE_STORE, server_store
from tests.attack.killing import Found, kill_runs
from tests.engines import ENGINES
from tests.nursery import Nursery
from tests.postgres import server

_TELL_EACH = 100


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how many runs to kill")
    parser.add_argument("--seed", type=int, default=1, help="which moments")
    parser.add_argument(
        "--store", choices=ENGINES, help="only this one (default: one after the other)"
    )
    arguments = parser.parse_args()
    # Each run checks and compiles as the first one does.
    os.environ["CIJ_CACHE"] = "off"
    chosen = (arguments.store,) if arguments.store else ENGINES
    found = [_killed(store, arguments.kills, arguments.seed) for store in chosen]
    return 0 if all(one.is_good for one in found) else 1


def _killed(store: str, kills: int, seed: int) -> Found:
    told = 0

    def tell(killed: int) -> None:
        nonlocal told
        if killed >= told + _TELL_EACH:
            told = killed
            print(f"{store}: {killed} of {kills} kills", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as name, _settings(store) as settings:
        folder = Path(name)
        with Nursery(folder / "said.txt") as nursery:
            found = kill_runs(folder, nursery, kills, seed, settings, tell)
    print(f"{store}: {found.line()}", flush=True)
    return found


@contextmanager
def _settings(store: str) -> Iterator[str]:
    """Give the settings of a store. The nursery inherits the environment, so it begins afterwards."""
    if store == "duckdb":
        yield FILE_STORE
    else:
        with server() as postgres:
            yield server_store(postgres)


if __name__ == "__main__":
    sys.exit(main())
