"""Setting aside: where few of many move, their rows of `customer` and `passage` are copied out first.

The statements of all journeys then read some thousand rows instead of scanning everybody each time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cij.compiler.sql import Statement, query
from cij.compiler.sql.plan import CLEAR_MOVED, LIFT, PUT_BACK, TAKE_OUT, WAKE_DUE
from cij.runtime.engine import Engine

# Putting aside is one scan more, which a store of few customers or a wave of many is not worth.
_CUSTOMERS_MIN = 20_000
_SHARE_MAX = 1 / 20

# Below this share most blocks of 2,048 rows hold nobody: to find the rows first passes those over.
_SHARE_OF_BLOCKS = 1 / 4096

_CUSTOMERS = query("SELECT COUNT(*) FROM customer AS c")
_OF_WOKEN = (
    query(
        "CREATE OR REPLACE TEMPORARY TABLE concerned AS SELECT c.* FROM customer AS c "
        "WHERE c.id IN (SELECT w.customer FROM woken AS w)"
    ),
    query(
        "CREATE OR REPLACE TEMPORARY TABLE concerned AS SELECT c.* FROM customer AS c "
        "WHERE c.rowid IN (SELECT b.rowid FROM customer AS b "
        "WHERE b.id IN (SELECT w.customer FROM woken AS w))"
    ),
)
_OF_ROUND = (
    query(
        "CREATE OR REPLACE TEMPORARY TABLE concerned AS SELECT c.* FROM customer AS c "
        "WHERE c.id IN (SELECT f.customer FROM fresh AS f WHERE f.round = $round)"
    ),
    query(
        "CREATE OR REPLACE TEMPORARY TABLE concerned AS SELECT c.* FROM customer AS c "
        "WHERE c.rowid IN (SELECT b.rowid FROM customer AS b "
        "WHERE b.id IN (SELECT f.customer FROM fresh AS f WHERE f.round = $round))"
    ),
)
_REACHED = (
    query(
        "CREATE OR REPLACE TEMPORARY TABLE reached AS SELECT p.* FROM passage AS p "
        "WHERE p.customer IN (SELECT f.customer FROM fresh AS f WHERE f.round = $round)"
    ),
    query(
        "CREATE OR REPLACE TEMPORARY TABLE reached AS SELECT p.* FROM passage AS p "
        "WHERE p.rowid IN (SELECT q.rowid FROM passage AS q "
        "WHERE q.customer IN (SELECT f.customer FROM fresh AS f WHERE f.round = $round))"
    ),
)
_COUNT_DUE = query("SELECT COUNT(*) FROM passage AS p WHERE p.wake_at <= $now")
# By its own filter a scan reads of the other columns only what it finds.
_DUE = query(
    "CREATE OR REPLACE TEMPORARY TABLE reached AS SELECT p.* FROM passage AS p "
    "WHERE p.wake_at <= $now"
)
_COUNT_MOVED = query("SELECT COUNT(*) FROM moved")


@dataclass(slots=True)
class Aside:
    """Whether `concerned` has the customers of all who can be woken, and `reached` their passages,
    as they are in the store now."""

    customers: bool = False
    passages: bool = False


def are_few(engine: Engine, people: int) -> bool:
    """Tell whether it is worth while for so many people."""
    customers = _customers(engine)
    return customers >= _CUSTOMERS_MIN and people <= customers * _SHARE_MAX


def of_woken(engine: Engine, people: int) -> None:
    """Set aside the customers of all who are woken."""
    engine.execute(_OF_WOKEN[_are_scattered(engine, people)])


def of_round(engine: Engine, round: int, people: int) -> Aside:
    """Set aside those who did the events of a round, with their passages, if they are few."""
    if not are_few(engine, people):
        return Aside()
    is_scattered = _are_scattered(engine, people)
    for statements in (_OF_ROUND, _REACHED):
        engine.execute(statements[is_scattered], {"round": round})
    return Aside(customers=True, passages=True)


def wake_due(engine: Engine, now: datetime) -> tuple[int, Aside]:
    """Wake all whose time has come; returns how many, with what was set aside of them."""
    due = engine.rows(_COUNT_DUE, {"now": now})[0][0]
    if not due:
        return 0, Aside()
    if not are_few(engine, due):
        return engine.execute(WAKE_DUE, {"now": now}), Aside()
    engine.execute(_DUE, {"now": now})
    return engine.execute(over_both(WAKE_DUE), {"now": now}), Aside(passages=True)


def move_noted(engine: Engine, parameters: Mapping[str, object], aside: Aside) -> None:
    """Take those who are noted in `moved` to where they go."""
    if not engine.rows(_COUNT_MOVED)[0][0]:
        return
    lift = LIFT.over({"passage p": "reached"}) if aside.passages else LIFT
    aside.passages = False
    for statement in (lift, TAKE_OUT, PUT_BACK, CLEAR_MOVED):
        engine.execute(statement, parameters)


def over_customers(statement: Statement) -> Statement:
    """Return the statement that reads the customers set aside instead of all."""
    return statement.over({"customer c": "concerned"})


def over_both(statement: Statement) -> Statement:
    """Return the statement that reads the customers and passages set aside instead of all."""
    return statement.over({"customer c": "concerned", "passage p": "reached"})


def _are_scattered(engine: Engine, people: int) -> bool:
    return people < _customers(engine) * _SHARE_OF_BLOCKS


def _customers(engine: Engine) -> int:
    count: int = engine.rows(_CUSTOMERS)[0][0]
    return count
