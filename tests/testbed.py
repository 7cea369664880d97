"""A test bed: one program in a store in memory. The test decides on customers, events and ticks.

The data is that of the stories in `fixtures/stories/passing`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Program
from cij.compiler.sql import query
from cij.runtime import control
from cij.runtime.deploy import deploy
from cij.runtime.due import next_tick
from cij.runtime.engine import Engine, open_engine
from cij.runtime.refresh import take_in
from cij.runtime.segments import data_changed
from cij.runtime.tick import tick
from cij.runtime.world import World
from tests.conftest import FIXTURES

ZONE = "Europe/Madrid"
DATA = (FIXTURES / "stories" / "passing" / "data.journey").read_text(encoding="utf-8")
SETTINGS = ProjectSettings("bed", ZONE)


def program_of(text: str) -> Program:
    """Compile journeys over the data of the stories."""
    compilation = compile_project(SETTINGS, {"data.journey": DATA, "a.journey": text}, {}, {})
    assert compilation.program is not None, compilation.diagnostics
    return compilation.program


@dataclass
class TestBed:
    """Instants are UTC."""

    # pytest would collect a class of this name where a test imports it.
    __test__ = False

    text: str
    start: datetime
    engine: Engine = field(default_factory=lambda: open_engine(None, threads=1))

    def __post_init__(self) -> None:
        self.world: World = self.deploy(self.text, self.start)

    def deploy(self, text: str, now: datetime) -> World:
        self.world = deploy(self.engine, program_of(text), now)
        return self.world

    def people(self, *names: str, **fields: object) -> None:
        for name in names:
            row = {"id": name, "zone": ZONE, "email": f"{name}@example.com", **fields}
            row |= {"consent.news.email": True, "consent.tips.email": True}
            self.engine.append("customer", {k: [v] for k, v in row.items()})
        data_changed(self.world)

    def change(self, name: str, **fields: object) -> None:
        for key, value in fields.items():
            statement = query("UPDATE customer SET {key} = $value WHERE id = $id", key=key)
            self.engine.execute(statement, {"value": value, "id": name})
        data_changed(self.world)

    def event(self, event: str, name: str, at: datetime, **fields: object) -> None:
        row = {"event": event, "customer": name, "at": at, "id": f"{event} {name} {at}", **fields}
        refused = take_in(self.engine, self.world.program, [row], at).refused
        assert not refused, refused

    def tick(self, now: datetime) -> None:
        """Tick at `now` until nothing is due, and at no instant before: as after an outage."""
        tick(self.world, now)
        ticks = 1
        while (due := next_tick(self.world)) is not None and due <= now:
            assert ticks < 50, f"at {now} something is still due at {due}"
            tick(self.world, now)
            ticks += 1

    def run_to(self, end: datetime) -> None:
        """Tick at each instant at which something is due, up to `end`."""
        while (due := next_tick(self.world)) is not None and due <= end:
            self.tick(max(due, self.start))
        self.start = end

    def order(self, action: str, journey: str, now: datetime, **options: Any) -> control.Done:
        message = {"control": action, "journey": journey, **options}
        return control.apply(self.engine, message, now)

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        return self.engine.rows(query(text))

    def entered(self) -> list[tuple[str, datetime]]:
        return [
            (name, at)
            for name, at in self.rows(
                "SELECT p.customer, p.entered_at FROM passage AS p ORDER BY p.entered_at, p.id"
            )
        ]

    def ended(self) -> dict[str, tuple[str, datetime]]:
        """Return outcome and instant by customer, for those who left."""
        rows = self.rows(
            "SELECT p.customer, p.outcome, p.ended_at FROM passage AS p "
            "WHERE NOT p.ended_at IS NULL ORDER BY p.id"
        )
        return {name: (outcome, at) for name, outcome, at in rows}

    def sent(self) -> list[tuple[str, str, datetime]]:
        """Return (customer, message, instant) of the outbox, whatever the outcome."""
        return [
            (name, message, at)
            for name, message, at in self.rows(
                "SELECT o.customer, o.message, o.created_at FROM outbox AS o "
                "ORDER BY o.created_at, o.key"
            )
        ]

    def turned_away(self) -> list[tuple[str, str]]:
        rows = self.rows(
            "SELECT t.customer, t.reason FROM turned_away AS t ORDER BY t.at, t.customer"
        )
        return [(name, reason) for name, reason in rows]

    def waiting(self) -> list[str]:
        return [
            n for (n,) in self.rows("SELECT q.customer FROM entry_queue AS q ORDER BY q.number")
        ]


def names(pairs: Iterable[tuple[Any, ...]]) -> list[str]:
    """Return the first of each tuple."""
    return [pair[0] for pair in pairs]


HOUR, DAY = timedelta(hours=1), timedelta(days=1)
