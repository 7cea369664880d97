"""Kills runs in the middle of sending, and counts what was lost, doubled or left uncertain."""

import random
import signal
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from cij.compiler.sql import query
from cij.runtime.engine import open_engine
from tests.attack.hostile_smtp import HostileSmtp, serving

CONNECTIONS = 4
_ROWS = query("SELECT o.address, o.outcome FROM outbox AS o")


@dataclass(frozen=True)
class Found:
    """`lost` were due, and neither came nor are uncertain; `most` is the most uncertain of one kill."""

    kills: int
    sent: int
    lost: int
    doubled: int
    uncertain: int
    most: int

    @property
    def is_good(self) -> bool:
        return not self.lost and not self.doubled and self.most <= CONNECTIONS

    def line(self) -> str:
        """Return the numbers as a line of a table."""
        return (
            f"{self.kills} kills: {self.sent} messages, {self.lost} lost, {self.doubled} doubled, "
            f"{self.uncertain} uncertain, at most {self.most} by one kill"
        )


def kill(folder: Path, kills: int, seed: int) -> Found:
    """Kill so many runs on one state, let the last one end, and look at what came."""
    moments = random.Random(seed)
    with serving(HostileSmtp(delay_s=0.02)) as server:
        for number in range(1, kills + 1):
            _round(folder, server.port, number, moments.uniform(0.0, 0.25))
        for _ in range(2):
            _round(folder, server.port, 0, None)
        came = Counter(server.got)
    with closing(open_engine(folder / "state.duckdb")) as engine:
        outcomes: dict[str, str] = dict(engine.rows(_ROWS))
    uncertain = [address for address, outcome in outcomes.items() if outcome == "uncertain"]
    by_round = Counter(address.partition("c")[0] for address in uncertain)
    most = max(by_round.values(), default=0)
    lost = [a for a, outcome in outcomes.items() if outcome != "uncertain" and not came[a]]
    doubled = [address for address, count in came.items() if count > 1]
    return Found(kills, len(outcomes), len(lost), len(doubled), len(uncertain), most)


def _round(folder: Path, port: int, number: int, kill_after_s: float | None) -> None:
    command = [sys.executable, "-m", "tests.attack.victim", str(folder), str(port), str(number)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", f"round {number} did not begin"
        if kill_after_s is not None:
            try:
                process.wait(kill_after_s)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        code = process.wait()
    assert code in (0, -signal.SIGKILL), f"round {number} ended with {code}"
