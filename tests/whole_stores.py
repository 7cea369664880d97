"""What a store holds, table by table, and a few days of an example in virtual time."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cij.app.compile import compiled
from cij.compiler.sql import Statement
from cij.compiler.sql.columns import column, select
from cij.runtime.clock import SimulatedClock
from cij.runtime.deploy import deploy
from cij.runtime.engine import Engine
from cij.runtime.runner import refresh_data
from cij.runtime.simulate import run_to
from cij.runtime.world import World

START = datetime(2026, 3, 2, 9)
# Hints of one engine, which find rows more quickly.
_HINTS = frozenset({"customer_row", "#mark"})
# What is drawn at random, and calendar instants, which a strategy may bind as parameters.
_OWN = frozenset({"meta", "moment"})


def rows_of(engine: Engine, table: str) -> Counter[tuple[Any, ...]]:
    """Return the rows of a table, without hints."""
    names = sorted(set(engine.columns_of(table)) - _HINTS)
    picks = [column("t", name) for name in names]
    return Counter(engine.rows(Statement(select(picks, "SELECT 1 FROM {t} AS t", t=table))))


def contents(engine: Engine) -> dict[str, Counter[tuple[Any, ...]]]:
    """Return the rows of all tables of a store."""
    return {table: rows_of(engine, table) for table in engine.tables() if table not in _OWN}


def lived(engine: Engine, folder: Path, days: int) -> World:
    """Deploy a project, load its data and run it for some days. Return its world."""
    program = compiled(folder)[1]
    world = deploy(engine, program, START)
    refresh_data(world, folder, START)
    run_to(world, SimulatedClock(START), START + timedelta(days=days), lambda _: None)
    return world
