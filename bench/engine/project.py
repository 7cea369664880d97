"""The project of the benchmarks: customers, a message, and journeys that are added as text."""

from datetime import datetime

from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Program
from cij.compiler.sql import query
from cij.compiler.sql.columns import column
from cij.compiler.sql.interning import number_of
from cij.compiler.sql.row_locator import ID_HASH, id_hash
from cij.runtime import zones
from cij.runtime.deploy import deploy
from cij.runtime.engine import Engine
from cij.runtime.world import World

START = datetime(2026, 3, 2, 9)
THREADS = 2

DATA = """
source shop {
  kind = csv
  path = "shop.csv"
  key = id
  columns {
    id = text
    email = text
    first_name = text
    points = integer
  }
}

profile customer {
  from shop {
    email = email
    first_name = first_name
    points = points
    consent.news = points > 0
  }
}

topic news {
  channels = [email]
  consent = opt_in
}

segment loyal {
  where points > 1000
}

message email hello {
  topic = news
  locale "en" {
    subject = "Hello"
    body = "Hi {{ first_name | default: 'there' }}, you have {{ points | default: 0 }} points."
  }
}
"""

_PEOPLE = query(
    """
INSERT INTO customer (id, {mark}, zone, email, first_name, points, "consent.news.email")
SELECT p.id, {marks}, 'Europe/Madrid', p.email, p.first_name, 1500, TRUE
FROM (
  SELECT CONCAT('c', r.range) AS id, CONCAT('p', r.range, '@example.com') AS email,
    CONCAT('P', r.range % 5000) AS first_name
  FROM RANGE($people) AS r
) AS p
""",
    mark=ID_HASH,
    marks=id_hash(column("p", "id")),
)
_WAITING = query("""
INSERT INTO passage_row (id, journey, version, customer, entry_key, turn, is_held_out, entered_at,
  entered_from, state, since, counts_from, wake_at, customer_row)
SELECT r.range, $journey, $version, CONCAT('c', r.range), '', 0, FALSE, $now, $now, $state, $now,
  $now, $now + (30 * 86400 + r.range % 86400) * INTERVAL '1' SECOND, c.rowid
FROM RANGE($first, $last) AS r JOIN customer AS c ON c.id = CONCAT('c', r.range)
""")
_NUMBER = query("UPDATE counter SET value = $people WHERE name = 'passage'")


def compiled(text: str) -> Program:
    """Return the program of a project in one file."""
    settings = ProjectSettings("bench", "Europe/Madrid")
    found = compile_project(settings, {"bench.journey": text}, {}, {})
    assert found.program is not None, found.diagnostics
    return found.program


def waiting(engine: Engine, program: Program, people: int, rest: str) -> World:
    """Return a world in which everybody waits at `rest` of some journey, for a month at least."""
    world = deploy(engine, program, START)
    zones.ensure(engine, ["Europe/Madrid"])
    engine.execute(_PEOPLE, {"people": people})
    share = people // len(program.journeys)
    for n, journey in enumerate(program.journeys):
        names = {"journey": journey.name, "version": journey.version, "state": rest}
        named = {key: number_of(text) for key, text in names.items()} | {"now": START}
        engine.execute(_WAITING, {**named, "first": n * share, "last": (n + 1) * share})
    engine.execute(_NUMBER, {"people": people})
    return world
