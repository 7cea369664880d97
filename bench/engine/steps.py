"""`python -m bench.engine steps [PEOPLE]`: a journey over many people, beside hand-written SQL.

The journey: enter, send, wait 1 day, branch on an open, send, end; 40% of the people open. The
hand-written statements move the same people through it and keep the same records (outbox with
parameters as JSON, history of every state, positions), without checks, versions or reasons, in
tables as narrow as that allows and with the same settings of the engine. The ratio is of wall times
in one run, each on a file of its own with a durable commit a step.
"""

import resource
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from bench.engine.project import DATA, START, THREADS, compiled
from cij.compiler.sql import query
from cij.runtime import zones
from cij.runtime.deploy import deploy
from cij.runtime.due import next_tick
from cij.runtime.engine import DuckEngine
from cij.runtime.tick import tick
from cij.runtime.world import World

_STATES_A_PERSON = 6

_JOURNEY = """
journey reward {
  enter from segment loyal
  steps {
    first: send email hello
    day: wait 1 day
    if any(opened within last 2 days) {
      thanks: send email hello
    } else {
      nudge: send email hello
    }
    end done
  }
}
"""

_PEOPLE = query("""
INSERT INTO customer (id, zone, email, first_name, points, "consent.news.email")
SELECT CONCAT('c', LPAD(CAST(r.range AS VARCHAR), 9, '0')), 'Europe/Madrid',
  CONCAT('p', r.range, '@example.com'), CONCAT('P', r.range), 1500, TRUE
FROM RANGE($people) AS r
""")
_OPENS = query("""
INSERT INTO event_opened (seq, id, customer, at, arrived_at, message_key, channel)
SELECT ROW_NUMBER() OVER (ORDER BY o.key), o.key, o.customer, $at, $at, o.key, 'email'
FROM outbox AS o ORDER BY o.key LIMIT $count
""")
_COUNT_EVENTS = query("UPDATE counter SET value = $count WHERE name = 'event'")
_DONE = query("SELECT COUNT(*) FROM passage AS p WHERE p.outcome = 'done'")


def ours(people: int, folder: Path) -> float:
    """Return the seconds of all ticks of the journey."""
    engine = DuckEngine(folder / "ours.duckdb", threads=THREADS)
    world = deploy(engine, compiled(DATA + _JOURNEY), START)
    zones.ensure(engine, ["Europe/Madrid"])
    engine.execute(_PEOPLE, {"people": people})
    spent = _timed_tick(world, START)
    opens = people * 4 // 10
    engine.execute(_OPENS, {"at": START + timedelta(hours=1), "count": opens})
    engine.execute(_COUNT_EVENTS, {"count": opens})
    while (due := next_tick(world)) is not None and due < START + timedelta(days=2):
        spent += _timed_tick(world, max(due, START + timedelta(hours=1)))
    assert engine.rows(_DONE) == [(people,)], "everybody is through"
    engine.close()
    return spent


def _timed_tick(world: World, now: datetime) -> float:
    start = time.perf_counter()
    tick(world, now)
    return time.perf_counter() - start


_PLAIN = "USING COMPRESSION uncompressed"
_BY_HAND = (
    """CREATE TABLE customer AS SELECT CONCAT('c', LPAD(CAST(range AS VARCHAR), 9, '0')) AS id,
      CONCAT('p', range, '@example.com') AS email, CONCAT('P', range) AS first_name, 1500 AS points
      FROM RANGE({people})""",
    (
        f"CREATE TABLE passage (id BIGINT, customer VARCHAR {_PLAIN}, state VARCHAR, "
        "wake_at TIMESTAMP)"
    ),
    (
        f"CREATE TABLE outbox (key VARCHAR {_PLAIN}, customer VARCHAR {_PLAIN}, "
        f"address VARCHAR {_PLAIN}, message VARCHAR, parameters VARCHAR {_PLAIN}, "
        "created_at TIMESTAMP, outcome VARCHAR)"
    ),
    "CREATE TABLE history (passage BIGINT, at_ TIMESTAMP, n INTEGER, state VARCHAR)",
    "CREATE TABLE opened (customer VARCHAR, at_ TIMESTAMP)",
)
_SEND = """INSERT INTO outbox SELECT CONCAT('reward:', m.id, ':', {step}, ':0'), m.customer, c.email,
  'hello', CAST(JSON_OBJECT('first_name', c.first_name, 'points', c.points) AS VARCHAR), {now}, 'queued'
  FROM moving AS m JOIN customer AS c ON c.id = m.customer WHERE {where}"""


def by_hand(people: int, folder: Path) -> float:
    """Return the seconds of hand-written statements that do the same."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": str(THREADS),
        "storage_compatibility_version": "v1.5.0",
    }
    database = duckdb.connect(str(folder / "hand.duckdb"), config=config)
    database.execute("SET preserve_insertion_order = false")
    for text in _BY_HAND:
        database.execute(text.format(people=people))
    spent = _timed(database, _entering())
    database.execute(
        "INSERT INTO opened SELECT customer, TIMESTAMP '2026-03-02 10:00' FROM passage "
        f"ORDER BY id LIMIT {people * 4 // 10}"
    )
    spent += _timed(database, _leaving())
    found = database.execute("SELECT COUNT(*) FROM passage WHERE state = 'done'").fetchone()
    assert found == (people,), "everybody is through"
    database.close()
    return spent


def _entering() -> tuple[str, ...]:
    now = "TIMESTAMP '2026-03-02 09:00'"
    return (
        (
            "CREATE OR REPLACE TEMP TABLE moving AS SELECT ROW_NUMBER() OVER (ORDER BY id) AS id, "
            "id AS customer FROM customer WHERE points > 1000"
        ),
        _SEND.format(step="'first'", now=now, where="TRUE"),
        (
            f"INSERT INTO history SELECT m.id, {now}, v.n, v.state FROM moving AS m, "
            "(VALUES (0, 'first'), (1, 'day')) AS v(n, state)"
        ),
        f"INSERT INTO passage SELECT id, customer, 'day', {now} + INTERVAL 1 DAY FROM moving",
    )


def _leaving() -> tuple[str, ...]:
    now = "TIMESTAMP '2026-03-03 09:00'"
    return (
        (
            "CREATE OR REPLACE TEMP TABLE moving AS SELECT p.id, p.customer, CASE WHEN EXISTS("
            f"SELECT 1 FROM opened AS o WHERE o.customer = p.customer AND o.at_ > {now} - INTERVAL 2 DAY"
            f") THEN 1 ELSE 2 END AS leaf FROM passage AS p WHERE p.wake_at <= {now}"
        ),
        _SEND.format(step="'thanks'", now=now, where="m.leaf = 1"),
        _SEND.format(step="'nudge'", now=now, where="m.leaf = 2"),
        (
            f"INSERT INTO history SELECT m.id, {now}, v.n, v.state FROM moving AS m JOIN (VALUES "
            "(1, 0, 'if'), (1, 1, 'thanks'), (1, 2, 'done'), (2, 0, 'if'), (2, 1, 'nudge'), "
            "(2, 2, 'done')) AS v(leaf, n, state) ON v.leaf = m.leaf"
        ),
        (
            "UPDATE passage SET state = 'done', wake_at = NULL FROM moving AS m "
            "WHERE m.id = passage.id"
        ),
    )


def _timed(database: duckdb.DuckDBPyConnection, texts: tuple[str, ...]) -> float:
    start = time.perf_counter()
    database.execute("BEGIN")
    for text in texts:
        database.execute(text)
    database.execute("COMMIT")
    return time.perf_counter() - start


def main(arguments: list[str]) -> None:
    """Measure both and print seconds, steps a second, the ratio and the peak of memory."""
    people = int(arguments[0]) if arguments else 200_000
    with tempfile.TemporaryDirectory() as name:
        mine = ours(people, Path(name))
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        hand = by_hand(people, Path(name))
    steps = people * _STATES_A_PERSON
    print(f"people                {people:>12,}")
    print(f"cij                   {mine:>12.2f} s   {steps / mine:>12,.0f} customer-steps/s")
    print(f"hand-written SQL      {hand:>12.2f} s   {steps / hand:>12,.0f} customer-steps/s")
    print(f"cij / hand-written    {mine / hand:>12.2f}")
    print(f"peak memory of cij    {peak_mb:>12,} MB")
