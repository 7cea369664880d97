"""Kills runs in the middle of sending, and counts what was lost, doubled or left uncertain."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from cij.compiler.sql import query
from cij.runtime.engine import open_engine
from tests.attack.hostile_smtp import HostileSmtp, serving
from tests.attack.victim import PEOPLE

CONNECTIONS = 4
_ROWS = query("SELECT o.address, o.outcome, o.settled_at FROM outbox AS o")


@dataclass(frozen=True)
class Found:
    """`kills` are those that ended a run; one that was done before is none. `lost` were due, and neither came nor are uncertain; `most` is the most uncertain of one kill."""

    kills: int
    sent: int
    lost: int
    doubled: int
    uncertain: int
    most: int

    @property
    def is_good(self) -> bool:
        return bool(self.kills) and not self.lost and not self.doubled and self.most <= CONNECTIONS

    def line(self) -> str:
        """Return the numbers as a line of a table."""
        return (
            f"{self.kills} kills: {self.sent} messages, {self.lost} lost, {self.doubled} doubled, "
            f"{self.uncertain} uncertain, at most {self.most} by one kill"
        )


def kill(folder: Path, kills: int, seed: int) -> Found:
    """Kill so many runs on one state, let the last one end, and look at what came."""
    moments, killed = random.Random(seed), 0
    with serving(HostileSmtp(delay_s=0.02)) as server:
        for number in range(1, kills + 1):
            # In the middle of sending: so many mails of this round have come.
            killed += _round(folder, server, number, moments.randint(1, PEOPLE - 4))
        for _ in range(2):
            _round(folder, server, 0, None)
        came = Counter(server.got)
    with closing(open_engine(folder / "state.duckdb")) as engine:
        rows = engine.rows(_ROWS)
    outcomes: dict[str, str] = {address: outcome for address, outcome, _ in rows}
    uncertain = [address for address, outcome in outcomes.items() if outcome == "uncertain"]
    # The next round settles what a kill has left, each at an instant of its own. The round of a message
    # says nothing: what was taken by nobody goes out in later ones.
    by_kill = Counter(at for _, outcome, at in rows if outcome == "uncertain")
    most = max(by_kill.values(), default=0)
    lost = [a for a, outcome in outcomes.items() if outcome != "uncertain" and not came[a]]
    doubled = [address for address, count in came.items() if count > 1]
    return Found(killed, len(outcomes), len(lost), len(doubled), len(uncertain), most)


def _round(folder: Path, server: HostileSmtp, number: int, kill_at: int | None) -> bool:
    """Make a round, and kill it when so many mails of it have come; tell whether that ended it."""
    place = [str(folder), str(server.port), str(number)]
    command = [sys.executable, "-m", "tests.attack.victim", *place]
    before = len(server.got)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", f"round {number} did not begin"
        while kill_at is not None and process.poll() is None:
            if len(server.got) - before >= kill_at:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.001)
        code = process.wait()
    assert code in (0, -signal.SIGKILL), f"round {number} ended with {code}"
    return code != 0
