"""A journey of which a statement fails in a day, beside one that goes on."""

from datetime import datetime

from cij.compiler.sql import query
from cij.runtime.containment import contained_tick
from cij.runtime.deploy import deploy
from cij.runtime.due import next_tick
from cij.runtime.report import report
from tests.testbed import TestBed, program_of
from tests.ways import PLAIN, WAYS

NOW = datetime(2026, 3, 4, 9)

FRAGILE = """
journey fragile {
  enter on visit
  goal bought on purchase
  steps {
    rest: wait 1 day
    if points > 10 {
      send email first
    }
    more: wait 1 day
    send email second
  }
}
"""
STURDY = """
journey sturdy {
  enter on visit
  steps {
    rest: wait 1 day
    send email third
  }
}
"""
BREAK = query("ALTER TABLE customer DROP COLUMN points")
MEND = query("ALTER TABLE customer ADD COLUMN points BIGINT")


def broken_bed(way: str = "as a small store") -> TestBed:
    """Ana is in both journeys, and a statement of one of them will fail in a day."""
    found = PLAIN if way == "plain" else WAYS[way]
    bed = TestBed(FRAGILE + STURDY, NOW, engine=found.engine())
    bed.world = deploy(bed.engine, program_of(FRAGILE + STURDY), NOW, found.mover())
    bed.people("ana", points=20)
    bed.event("visit", "ana", NOW)
    run_to(bed, NOW)
    assert len(bed.entered()) == 2
    bed.engine.execute(BREAK)
    return bed


def run_to(bed: TestBed, end: datetime) -> None:
    """Tick as `cij run` does, at each instant at which something is due."""
    turns = 0
    while (due := next_tick(bed.world)) is not None and due <= end:
        contained_tick(bed.world, max(due, bed.start))
        turns += 1
        assert turns < 50, f"something is due again and again at {due}"
    bed.start = end


def failed(bed: TestBed) -> dict[str, str]:
    """Return the reasons of what was put aside; that a report lacks a number is not meant."""
    found = report(bed.world, bed.start).failed
    return {f.name: f.reason for f in found if f.kind != "report"}
