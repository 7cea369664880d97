"""Setting aside: where few of many move, their rows of `customer` and `passage` are copied out first.

The statements of all journeys then read some thousand rows instead of scanning everybody each time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from cij.compiler.sql import Statement, query
from cij.compiler.sql.interning import number_of
from cij.compiler.sql.marks import COPIED_BY_ROW, copied_by_id, copied_by_mark, missed
from cij.compiler.sql.plan import (
    CLEAR_MOVED,
    LIFT,
    PUT_BACK,
    TAKE_OUT,
    TAKE_OUT_ALL_DUE,
    TAKE_OUT_DUE,
    WAKE_DUE,
)
from cij.runtime import control
from cij.runtime.agenda import MOVES_ASIDE, is_followed, moves
from cij.runtime.crowd import count_customers
from cij.runtime.engine import Engine
from cij.runtime.world import Due, World

# Putting aside is one scan more, which a store of few customers or a wave of many is not worth.
_CUSTOMERS_MIN = 20_000
_SHARE_MAX = 1 / 20

# Below this share most blocks of 2,048 rows hold nobody: to find the rows first passes those over.
_SHARE_OF_BLOCKS = 1 / 4096

_by_id, _by_mark, _missed = cache(copied_by_id), cache(copied_by_mark), cache(missed)
_WOKEN = "SELECT w.customer FROM woken AS w"
_IN_ROUND = "SELECT f.customer FROM fresh AS f WHERE f.round = $round"
# Each with the place of its row, by which it is taken out.
_REACHED = (
    query(
        "CREATE OR REPLACE TEMPORARY TABLE reached AS SELECT p.*, p.rowid AS place "
        "FROM passage_row AS p "
        "WHERE p.customer IN (SELECT f.customer FROM fresh AS f WHERE f.round = $round)"
    ),
    query(
        "CREATE OR REPLACE TEMPORARY TABLE reached AS SELECT p.*, p.rowid AS place "
        "FROM passage_row AS p WHERE p.rowid IN (SELECT q.rowid FROM passage_row AS q "
        "WHERE q.customer IN (SELECT f.customer FROM fresh AS f WHERE f.round = $round))"
    ),
)
# By its own filter a scan reads of the other columns only what it finds. Who waits has not ended, and
# three columns less are read. More than `most` are not few.
_DUE = query(
    "CREATE OR REPLACE TEMPORARY TABLE reached AS SELECT p.* REPLACE ("
    "CAST(NULL AS TIMESTAMP) AS ended_at, CAST(NULL AS BIGINT) AS outcome, "
    "CAST(NULL AS BIGINT) AS cause), p.rowid AS place "
    "FROM passage_row AS p WHERE p.wake_at <= $now LIMIT $most"
)
_DUE_AT = query(
    "SELECT p.version, p.state, COUNT(*) FROM passage_row AS p WHERE p.wake_at <= $now "
    "GROUP BY p.version, p.state LIMIT 2"
)
# Who was set aside is lifted already.
_TAKE_OUT = TAKE_OUT.over({"lifted l": "reached"})
_PUT_BACK = PUT_BACK.over({"lifted l": "reached"})


@dataclass(slots=True)
class Aside:
    """Whether `concerned` has the customers of all who can be woken, and `reached` their passages,
    as they are in the store now; and how many passages those are whose time has come, if that is why.
    """

    customers: bool = False
    passages: bool = False
    due: int = 0


def make_ready(engine: Engine) -> None:
    """Make the statements that move few whose time has come, whatever their journeys."""
    copied = (COPIED_BY_ROW, _missed(_WOKEN))
    moving = (MOVES_ASIDE, TAKE_OUT_ALL_DUE, TAKE_OUT_DUE, _PUT_BACK, CLEAR_MOVED)
    for statement in (_DUE, over_both(WAKE_DUE), *copied, *moving):
        engine.make_ready(statement)


def are_few(engine: Engine, people: int) -> bool:
    """Tell whether it is worth while for so many people."""
    return people <= _few(engine)


def of_woken(engine: Engine, people: int, aside: Aside) -> None:
    """Set aside the customers of all who are woken."""
    if aside.due and _are_scattered(engine, people):
        engine.execute(COPIED_BY_ROW)
        if not engine.rows(_missed(_WOKEN))[0][0]:
            return
    _set_aside(engine, people, _WOKEN, {})


def of_round(engine: Engine, round: int, people: int) -> Aside:
    """Set aside those who did the events of a round, with their passages, if they are few."""
    if not are_few(engine, people):
        return Aside()
    _set_aside(engine, people, _IN_ROUND, {"round": round})
    engine.execute(_REACHED[_are_scattered(engine, people)], {"round": round})
    return Aside(customers=True, passages=True)


def _set_aside(
    engine: Engine, people: int, customers: str, parameters: Mapping[str, object]
) -> None:
    if _are_scattered(engine, people):
        engine.execute(_by_mark(customers), parameters)
        if not engine.rows(_missed(customers), parameters)[0][0]:
            return
    engine.execute(_by_id(customers), parameters)


def wake_due(world: World, now: datetime, *, is_alone: bool) -> tuple[int, Aside]:
    """Wake all whose time has come; returns how many, with what was set aside of them.

    `is_alone` tells that nobody else is woken: many at one rest are then left where they stand, as
    `world.due`.
    """
    engine = world.engine
    few = _few(engine)
    # Where nobody is few they are not looked for first.
    due = engine.execute(_DUE, {"now": now, "most": few + 1}) if few else 1
    if not due:
        return 0, Aside()
    if due <= few:
        return engine.execute(over_both(WAKE_DUE), {"now": now}), Aside(passages=True, due=due)
    world.due = _at_one_rest(world, now) if few and is_alone else None
    people = world.due.people if world.due else engine.execute(WAKE_DUE, {"now": now})
    return people, Aside()


def _at_one_rest(world: World, now: datetime) -> Due | None:
    """Return all whose time has come, None where they are at several rests or in a pause."""
    rests = world.engine.rows(_DUE_AT, {"now": now})
    if len(rests) > 1 or control.journeys_in(world.engine, "paused"):
        return None
    version, rest, people = rests[0]
    for plan in world.journeys.values():
        for name, root in plan.timers.items() if number_of(plan.version) == version else ():
            if number_of(name) == rest:
                return Due(plan, root, rest, people)
    return None


def move_noted(world: World, noted: int, parameters: Mapping[str, object], aside: Aside) -> None:
    """Take those to where they go who are noted in `moved`, so many of them."""
    engine = world.engine
    if not aside.passages:
        engine.execute(LIFT)
    _follow(world, aside)
    engine.execute(_taking_out(aside, noted), parameters)
    engine.execute(_PUT_BACK if aside.passages else PUT_BACK, parameters)
    aside.passages = False
    engine.execute(CLEAR_MOVED)


def _follow(world: World, aside: Aside) -> None:
    if world.agenda is not None and is_followed(world.engine):
        world.agenda.follow(moves(world.engine, world.agenda, is_aside=aside.passages))
    else:
        world.agenda = None


def _taking_out(aside: Aside, noted: int) -> Statement:
    if not aside.passages:
        return TAKE_OUT
    if not aside.due:
        return _TAKE_OUT
    return TAKE_OUT_ALL_DUE if aside.due == noted else TAKE_OUT_DUE


def over_customers(statement: Statement) -> Statement:
    """Return the statement that reads the customers set aside instead of all."""
    return statement.over({"customer c": "concerned"})


def over_both(statement: Statement) -> Statement:
    """Return the statement that reads the customers and passages set aside instead of all."""
    return statement.over({"customer c": "concerned", "passage_row p": "reached"})


def _are_scattered(engine: Engine, people: int) -> bool:
    return people < count_customers(engine) * _SHARE_OF_BLOCKS


def _few(engine: Engine) -> int:
    """Return how many people are few, none where it would be a scan more for nothing."""
    customers = count_customers(engine)
    return int(customers * _SHARE_MAX) if customers >= _CUSTOMERS_MIN else 0
