"""A run that is killed: it adds customers, and sends what is due. `python -m tests.attack` starts it.

Arguments: the folder, the port of the mail server, the number of the round.
"""

import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from cij.runtime.current_state import require_own
from cij.runtime.delivery import Defaults
from cij.runtime.delivery.ledger import Ledger
from cij.runtime.engine import open_engine
from cij.runtime.runner import open_runner, step
from tests.attack.outbox_bed import JOURNEY, NOW, smtp
from tests.testbed import TestBed

PEOPLE = 25


def main(folder: Path, port: int, number: int) -> None:
    """Make one round. Number 0 adds nobody: it only sends what is left."""
    now = NOW + timedelta(minutes=10 * number) if number else NOW + timedelta(days=99)
    transport = smtp(port, handover=folder / "handover.jsonl")
    ledger = Ledger(folder / "state.duckdb.ledger")
    with closing(open_engine(folder / "state.duckdb", threads=1)) as engine:
        require_own(engine, "bed", ledger)
        bed = TestBed(JOURNEY, NOW - timedelta(days=1), engine)
        if number:
            bed.people(*(f"r{number}c{i}" for i in range(PEOPLE)))
        ways = {"email": transport}
        runner, _ = open_runner(engine, bed.world.program, folder, ways, Defaults(), now, ledger)
        print("ready", flush=True)
        step(runner, now, with_refresh=False)
        runner.dispatch.leave()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
