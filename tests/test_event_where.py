"""`where` in an event: only rows of the source for which it is true become events."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from cij.compiler.compilation import Compilation, compile_project
from cij.compiler.declarations.event import explain
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Program
from cij.compiler.review.both_sides import Compiled
from cij.compiler.review.compare import compare
from cij.compiler.review.lineage import Node, lineage_of
from cij.compiler.review.review_report import Side
from cij.runtime.deploy import deploy
from cij.runtime.engine import Engine
from cij.runtime.refresh import refresh
from tests.builders import rewrite, rows, write_csv
from tests.engines import ENGINES, opener
from tests.testbed import HOUR

NOW = datetime(2026, 3, 2, 10)
SIDE = Side(label="a version", hash=None)
DATA = """
source shop { kind = csv  path = "shop.csv"  key = id  tolerate = 100%
  columns { id = text  state = text  points = integer } }
source orders { kind = csv  path = "orders.csv"  key = id
  columns { id = text  who = text  state = text  amount = decimal  at = datetime } }
profile customer { from shop { points = points } }
"""
PAID = "event paid { source = orders  customer = shop(who)  at = at  WHERE  fields { amount = amount } }"
WHERE = 'where state = "paid" where amount > 0'
CHANGED = """
event rose { source = shop  on = updated  where points > before.points  fields { points = points } }
event joined { source = shop  on = created  where state = "member" }
event cancelled { source = orders  on = deleted  customer = shop(who)  where state = "paid" }
"""
ORDERS = "id,who,state,amount,at"
LINES = ["1,a,paid,5,2026-03-01 09:00", "2,a,open,5,2026-03-01 09:00", "3,a,,5,2026-03-01 09:00",
         "4,a,paid,,2026-03-01 09:00", "5,nobody,open,5,2026-03-01 09:00"]  # fmt: skip


def compiled(text: str) -> Compilation:
    return compile_project(ProjectSettings("shop", "UTC", "en"), {"a.journey": text}, {}, {})


def side(where: str) -> Compiled:
    found = compiled(DATA + PAID.replace("WHERE", where) + CHANGED)
    return Compiled(found.model, found.program)


def program_of(where: str = WHERE) -> Program:
    found = compiled(DATA + PAID.replace("WHERE", where) + CHANGED)
    assert found.program is not None, found.diagnostics
    return found.program


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with opener(request.param) as opens:
        yield opens()


def test_rows_become_events_where_it_is_true(engine: Engine, tmp_path: Path) -> None:
    program = program_of()
    write_csv(tmp_path, "shop", "id,state,points", "a,member,5", "b,guest,5", "c,member,1")
    write_csv(tmp_path, "orders", ORDERS, *LINES)
    deploy(engine, program, NOW)
    found = refresh(engine, program, tmp_path, NOW)
    paid = "SELECT e.id FROM event_paid AS e ORDER BY e.id"
    assert rows(engine, paid) == [("1",)]
    # A row that is left out is no bad row, though nobody is its customer.
    assert not rows(engine, "SELECT * FROM quarantine AS q WHERE q.source = 'event paid'"), found
    # A row becomes one when its values let it, and stays one when they do not any more.
    rewrite(
        tmp_path,
        "orders",
        ORDERS,
        LINES[0].replace("paid", "open"),
        LINES[1].replace("open", "paid"),
    )
    rewrite(
        tmp_path, "shop", "id,state,points", "a,member,9", "b,guest,3", "d,member,1", "e,guest,1"
    )
    refresh(engine, program, tmp_path, NOW + HOUR)
    assert rows(engine, paid) == [("1",), ("2",)]
    assert rows(engine, "SELECT e.points FROM event_rose AS e") == [(9,)]
    for name, who in (("joined", "d"), ("cancelled", "4")):
        [(id,)] = rows(engine, f"SELECT e.id FROM event_{name} AS e")
        assert id.startswith(who), name
    # With another `where`, events that are stored stay.
    refresh(engine, program_of("where amount > 100"), tmp_path, NOW + 2 * HOUR)
    assert rows(engine, paid) == [("1",), ("2",)]


def test_it_is_checked_and_told() -> None:
    for text, said in (
        ("event e { where x = 1  fields { x = integer } }", "`where` needs `source`"),
        (PAID.replace("WHERE", "where amount"), "a condition is true or false"),
        (PAID.replace("WHERE", "where sate = 1"), "no column `sate`"),
        (PAID.replace("WHERE", "where before.amount > 1"), "before"),
    ):
        messages = [d.message for d in compiled(DATA + text).diagnostics]
        assert len(messages) == 1 and said in messages[0], messages
    new = program_of()
    event = next(e for e in new.events if e.name == "paid")
    assert 'Only where state = "paid" and amount > 0.' in list(explain(event, None))  # type: ignore[arg-type]


def test_a_review_and_the_lineage_tell_of_it() -> None:
    [change] = compare(side(""), side(WHERE), (SIDE, SIDE)).changes
    assert (change.address, change.before) == ("event.paid.where", "none")
    assert change.what == "event `paid` is raised by other rows" and "state" in (change.after or "")
    assert Node("column", "orders.state") in lineage_of(side(WHERE).model).made_of(
        Node("event", "paid")
    )
