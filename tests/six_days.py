"""A small world with three journeys and twenty-four customers, and what is kept of six days in it."""

from datetime import datetime, timedelta

from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Program
from cij.compiler.sql import query, row_locator
from cij.runtime import zones
from cij.runtime.deploy import deploy
from cij.runtime.engine import Engine
from cij.runtime.intake import take_in
from cij.runtime.tick import tick
from cij.runtime.world import World
from tests.ways import DEFAULT, Way

START = datetime(2026, 3, 2, 9)
CUSTOMERS = 24

DATA = """
source shop { kind = csv  path = "shop.csv"  key = id
  columns { id = text  email = text  points = integer } }
profile customer {
  from shop { email = email  points = points  consent.news = points > 0 }
  fields { stage = text  visits = integer }
}
topic news { channels = [email]  consent = opt_in }
event visit { fields { page = text } }
event bought { fields { amount = decimal } }
policy calm { at most 2 email per 7 days }
message email hello { topic = news
  locale "en" { subject = "Hello"  body = "You have {{ points | default: 0 }} points." } }
"""
# The first and the last are of one form; the other stands between them by its name.
JOURNEYS = """
journey a1 { enter on visit  again always  goal won on bought where amount > 50
  steps { first: send email hello
          look: wait for opened(first) up to 2 days
          if points > 12 { set stage = "rich" } else { nudge: send email hello }
          day: wait 1 day
          end done } }
journey a2 { enter on visit  again always  goal won on bought where amount > 50
  steps { first: send email hello
          look: wait for opened(first) up to 2 days
          if points > 12 { set stage = "rich" } else { nudge: send email hello }
          day: wait 1 day
          end done } }
journey a1b { enter on visit  again always
  steps { if points > 15 { thanks: send email hello }
          rest: wait 3 days
          if stage = "rich" and any(visit within last 60 hours) { more: send email hello }
          end done } }
"""
_TOLD = query(
    "SELECT p.journey, p.customer, p.id, h.at, h.n, h.state, h.why, h.event FROM history AS h "
    "JOIN passage AS p ON p.id = h.passage ORDER BY ALL"
)
_SENT = query(
    "SELECT o.key, o.journey, o.version, o.outcome, o.reason FROM outbox AS o ORDER BY ALL"
)
_MOVE = query("UPDATE passage_row SET customer_row = customer_row + 1")
_STAND = query("SELECT p.* EXCLUDE (at_entry, customer_row) FROM passage AS p ORDER BY p.id")
_GOALS = query("SELECT v.* FROM conversion AS v ORDER BY ALL")
_FIRST_TIMER = query("SELECT MIN(p.wake_at) FROM passage_row AS p")

Kept = list[list[tuple[object, ...]]]


def compiled(journeys: str = JOURNEYS) -> Program:
    found = compile_project(
        ProjectSettings("waves", "Europe/Madrid"), {"w.journey": DATA + journeys}, {}, {}
    )
    assert found.program is not None, found.diagnostics
    return found.program


def world_of(program: Program, way: Way = DEFAULT, engine: Engine | None = None) -> World:
    """Return a world with customers, and nobody inside."""
    world = deploy(engine or way.engine(), program, START, way.mover())
    zones.ensure(world.engine, ["Europe/Madrid"])
    columns: dict[str, list[object]] = {
        "id": [f"c{n}" for n in range(CUSTOMERS)],
        "zone": ["Europe/Madrid"] * CUSTOMERS,
        "email": [f"c{n}@example.com" if n % 7 else None for n in range(CUSTOMERS)],
        "points": list(range(CUSTOMERS)),
        "consent.news.email": [n % 5 > 0 for n in range(CUSTOMERS)],
    }
    world.engine.append("customer", columns)
    return world


def event(n: int, name: str, at: datetime, **fields: object) -> dict[str, object]:
    return {"event": name, "customer": f"c{n}", "at": at, "id": f"{name} {n} {at}", **fields}


def six_days(
    program: Program,
    way: Way = DEFAULT,
    engine: Engine | None = None,
    *,
    hours: int = 12,
    is_hashed: bool = False,
    is_moved: bool = False,
) -> Kept:
    """Return all that is kept of six days in which some come again, buy, or open what they got.

    A tick comes every so many `hours`, and new events with it.
    `is_hashed` has the row locators filled; with `is_moved` those of passages lead astray.
    """
    world = world_of(program, way, engine)
    if is_hashed:
        assert world.engine.execute(row_locator.SET_ID_HASHES) == CUSTOMERS
        assert world.engine.execute(row_locator.SET_ID_HASHES) == 0
    for hour in range(0, 136, hours):
        at = START + timedelta(hours=hour)
        rows = [event(n, "visit", at, page="x") for n in range(CUSTOMERS) if n % 30 == hour / hours]
        rows += [event(n, "visit", at, page="y") for n in range(CUSTOMERS) if n % 9 == hour / hours]
        rows += [event(n, "bought", at, amount=n * 3) for n in range(hour // 8, CUSTOMERS, 11)]
        if is_moved:
            world.engine.execute(_MOVE)
        if rows:
            take_in(world.engine, program, rows, at)
        tick(world, at)
        assert world.mover.next_timer(world) == world.engine.rows(_FIRST_TIMER)[0][0]
    return kept(world.engine)


def kept(engine: Engine) -> Kept:
    """Return histories, messages, passages and goals."""
    return [engine.rows(statement) for statement in (_TOLD, _SENT, _STAND, _GOALS)]
