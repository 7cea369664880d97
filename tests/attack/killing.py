"""Kills runs of a project that sends by a mail server, and compares what the server has with the store."""

import asyncio
import random
import re
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import Envelope, Session

from cij.app.open_store import open_for_questions
from cij.app.project import open_project
from cij.compiler.sql import query
from tests.attack.killed_project import (
    CONNECTIONS,
    FILE_STORE,
    PEOPLE,
    Due,
    add_round,
    make_project,
    written,
)
from tests.mail_server import MailServer
from tests.nursery import Nursery, kill

HOST = "127.0.0.1"
# What a connection had in its hands in the last kill is settled by the first, and both send what is due.
_QUIET_RUNS = 2
_ROWS = query("SELECT o.channel, o.address, o.outcome, o.settled_at FROM outbox AS o")


@dataclass
class Sink:
    """A mail server: which messages it took, and under which Message-IDs. It takes its time for each."""

    port: int
    took: list[Due] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        """Take a mail."""
        await asyncio.sleep(0.01)
        assert isinstance(envelope.content, bytes)
        self.took.append(("email", envelope.rcpt_tos[0]))
        self.ids.add(message_from_bytes(envelope.content)["Message-ID"])
        return "250 OK"


@contextmanager
def mail_sink() -> Iterator[Sink]:
    """Run a server on a free port."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        sink = Sink(int(probe.getsockname()[1]))
    controller = MailServer(sink, hostname=HOST, port=sink.port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()


@dataclass(frozen=True)
class Found:
    """`kills` ended a run; a run that was done before is none. `lost` were due, and neither came nor are
    uncertain. `untrue` is what the store calls delivered and never came, or came and the store does not
    call so. `most` is the most uncertain of one kill. `told` is how many the last run said to be uncertain.
    """

    kills: int
    due: int
    lost: int
    doubled: int
    untrue: int
    uncertain: int
    most: int
    told: int

    @property
    def is_good(self) -> bool:
        is_told = self.told == self.uncertain
        right = not self.lost and not self.doubled and not self.untrue and is_told
        return bool(self.kills) and right and self.most <= CONNECTIONS

    def line(self) -> str:
        """Return the numbers as a line of a table."""
        return (
            f"{self.kills} kills: {self.due} messages due, {self.lost} lost, {self.doubled} doubled, "
            f"{self.untrue} with an untrue outcome, {self.uncertain} uncertain, at most {self.most} by "
            f"one kill of {CONNECTIONS} connections"
        )


def kill_runs(
    folder: Path,
    nursery: Nursery,
    kills: int,
    seed: int,
    store: str = FILE_STORE,
    after_kill: Callable[[int], None] = lambda killed: None,
) -> Found:
    """Kill so many runs on one state, let the last ones end, and compare.

    `store` is as in `make_project`. Half of the kills come at any moment of a run, and half while it sends.
    """
    with mail_sink() as sink:
        project = make_project(folder / "project", sink.port, store)
        due = add_round(project, 0)
        nursery.warm_up(project)
        hunt = Hunt(project, nursery, sink, random.Random(seed), due)
        while hunt.killed < kills:
            hunt.round()
            after_kill(hunt.killed)
            assert hunt.rounds < 3 * kills + 20, f"only {hunt.killed} runs could be killed"
        for _ in range(_QUIET_RUNS):
            assert nursery.run(project) == 0, nursery.said()
        return compared(hunt)


@dataclass
class Hunt:
    """Rounds of a project, each of which is killed at a drawn moment. `due` is of all rounds."""

    project: Path
    nursery: Nursery
    sink: Sink
    moments: random.Random
    due: set[Due]
    rounds: int = 0
    killed: int = 0
    # How long a run takes: it becomes shorter with each that was over before its kill.
    longest_s: float = 2.0

    def round(self) -> None:
        """Add people and kill the run that sends to them."""
        self.rounds += 1
        self.due |= add_round(self.project, self.rounds)
        number = self.nursery.start(self.project)
        if self.moments.random() < 0.5:
            time.sleep(self.longest_s * self.moments.uniform(0.05, 1.0))
        else:
            self._wait_for_mails(self.moments.randint(1, PEOPLE - CONNECTIONS))
        kill(number)
        code = self.nursery.end()
        assert code in (0, -signal.SIGKILL), self.nursery.said()
        self.killed += code != 0
        self.longest_s *= 0.9 if code == 0 else 1.02

    def _wait_for_mails(self, count: int) -> None:
        before, end = len(self.sink.took), time.monotonic() + 2 * self.longest_s
        while len(self.sink.took) - before < count and time.monotonic() < end:
            time.sleep(0.002)


def compared(hunt: Hunt) -> Found:
    """Compare what was due, what the store says, and what came."""
    with closing(open_for_questions(open_project(hunt.project))) as engine:
        rows = engine.rows(_ROWS)
    came = Counter([*hunt.sink.took, *written(hunt.project)])
    told = {(way, address): outcome for way, address, outcome, _ in rows}
    at = Counter(at for *_, outcome, at in rows if outcome == "uncertain")
    twice = [Counter(row[:2] for row in rows), came]
    # A second mail under the same id would be one for its recipient, and yet it was sent twice.
    assert len(hunt.sink.ids) == len({*hunt.sink.took}), "each mail has its own Message-ID"
    said = re.findall(r"(\d+) messages may have been sent when a run broke", hunt.nursery.said())
    # Each run says all of them, so the last one counts.
    return Found(
        hunt.killed,
        len(hunt.due),
        lost=sum(1 for one in hunt.due if not came[one] and told.get(one) != "uncertain"),
        doubled=sum(1 for counts in twice for count in counts.values() if count > 1),
        untrue=sum(
            1 for one in {*hunt.due, *told, *came} if not _is_true(told.get(one), came[one])
        ),
        uncertain=at.total(),
        # The next run settles what a kill has left, each at an instant of its own.
        most=max(at.values(), default=0),
        told=int(said[-1]) if said else 0,
    )


def _is_true(outcome: str | None, count: int) -> bool:
    """Tell whether the store knows of a message what is so; where it does not know, it says that."""
    return outcome == "uncertain" or (outcome == "delivered" and count > 0)
