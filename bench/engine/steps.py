"""`python -m bench.engine steps [PEOPLE [MEMORY_MB]]`: many people in a journey, beside SQL by hand.

The journey: enter, send, wait 1 day, branch on an open, send, end; 40% of the people open. The
hand-written statements move the same people through it, make the same checks (entered before,
consent, suppression list, address) and keep the same records: an outbox with what makes the key,
parameters, outcome and reason, a history of every move with its time and why, passages with their
times; a day is one of the customer's zone. They know this one journey, its tables are as narrow as that
allows, with numbers for names as ours, and the engine has the same settings. Each runs on a file of its own with a durable commit a tick; the log is folded
into the file afterwards, which is timed by itself.
"""

import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import duckdb

from bench.engine.project import DATA, START, THREADS, compiled
from cij.compiler.sql import query
from cij.compiler.sql.passes import PASSES, Pass
from cij.runtime import zones
from cij.runtime.deploy import deploy
from cij.runtime.due import next_tick
from cij.runtime.engine import open_engine
from cij.runtime.moving.mover import Mover
from cij.runtime.store.keys import DOUBLE_MESSAGES
from cij.runtime.tick import tick

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


@dataclass(slots=True)
class Spent:
    """Seconds of the ticks, by the clock and of all cores; and of folding the log into the file.

    Where other programs want the cores too, CPU time says more than the clock.
    """

    ticks_s: float = 0.0
    cpu_s: float = 0.0
    folding_s: float = 0.0

    def add_ticks(self, work: Callable[[], object]) -> None:
        start, cpu = time.perf_counter(), time.process_time()
        work()
        self.ticks_s += time.perf_counter() - start
        self.cpu_s += time.process_time() - cpu

    def add_folding(self, work: Callable[[], object]) -> None:
        start = time.perf_counter()
        work()
        self.folding_s += time.perf_counter() - start


def ours(
    people: int,
    folder: Path,
    memory_mb: int | None = None,
    mover: Mover | None = None,
    passes: tuple[Pass, ...] = PASSES,
) -> Spent:
    """Return the seconds of all ticks of the journey."""
    engine = open_engine(
        folder / "ours.duckdb", threads=THREADS, memory_mb=memory_mb, passes=passes
    )
    world = deploy(engine, compiled(DATA + _JOURNEY), START, mover)
    zones.ensure(engine, ["Europe/Madrid"])
    engine.execute(_PEOPLE, {"people": people})
    spent = Spent()
    spent.add_ticks(lambda: tick(world, START))
    opens = people * 4 // 10
    engine.execute(_OPENS, {"at": START + timedelta(hours=1), "count": opens})
    engine.execute(_COUNT_EVENTS, {"count": opens})
    while (due := next_tick(world)) is not None and due < START + timedelta(days=2):
        now = max(due, START + timedelta(hours=1))
        spent.add_ticks(lambda now=now: tick(world, now))  # type: ignore[misc]
    assert engine.rows(_DONE) == [(people,)], "everybody is through"
    assert not engine.rows(DOUBLE_MESSAGES), "a key stands once"
    spent.add_folding(lambda: engine.maintain(is_thorough=True))
    engine.close()
    return spent


# --- by hand ----------------------------------------------------------------------------------

_PLAIN = "USING COMPRESSION uncompressed"
_BY_HAND = (
    """CREATE TABLE customer AS SELECT CONCAT('c', LPAD(CAST(range AS VARCHAR), 9, '0')) AS id,
      'Europe/Madrid' AS zone, CONCAT('p', range, '@example.com') AS email,
      CONCAT('P', range) AS first_name, 1500 AS points, TRUE AS consent
      FROM RANGE({people})""",
    (
        f"CREATE TABLE passage (id BIGINT, customer VARCHAR {_PLAIN}, entered_at TIMESTAMP, "
        "state INTEGER, since TIMESTAMP, wake_at TIMESTAMP, ended_at TIMESTAMP, outcome INTEGER)"
    ),
    (
        f"CREATE TABLE outbox (passage BIGINT, step INTEGER, turn INTEGER, "
        f"customer VARCHAR {_PLAIN}, locale VARCHAR, address VARCHAR {_PLAIN}, "
        f"parameters VARCHAR {_PLAIN}, created_at TIMESTAMP, "
        "outcome ENUM('queued', 'no_consent', 'suppressed', 'no_address'), reason VARCHAR, "
        "attempts INTEGER, due_at TIMESTAMP, settled_at TIMESTAMP, provider_id VARCHAR)"
    ),
    # What is the same for all messages of a step stands once.
    (
        "CREATE TABLE step (id INTEGER, journey VARCHAR, version VARCHAR, step VARCHAR, "
        "channel VARCHAR, topic VARCHAR, message VARCHAR, content VARCHAR)"
    ),
    (
        "INSERT INTO step SELECT n, 'reward', 'v1', s, 'email', 'news', 'hello', 'c1' "
        "FROM (VALUES (1, 'first'), (2, 'thanks'), (3, 'nudge')) AS v(n, s)"
    ),
    # Path 1 is entered: first, day; 2 timer: if, thanks, done; 3 timer: if, nudge, done.
    "CREATE TABLE history (passage BIGINT, at_ TIMESTAMP, path INTEGER, why INTEGER)",
    "CREATE TABLE visit (path INTEGER, n INTEGER, state VARCHAR)",
    "CREATE TABLE name (id INTEGER, text VARCHAR)",
    "INSERT INTO name VALUES (1, 'entered'), (2, 'timer'), (3, 'day'), (4, 'done')",
    (
        "INSERT INTO visit VALUES (1, 0, 'first'), (1, 1, 'day'), (2, 0, 'if'), (2, 1, 'thanks'), "
        "(2, 2, 'done'), (3, 0, 'if'), (3, 1, 'nudge'), (3, 2, 'done')"
    ),
    "CREATE TABLE opened (customer VARCHAR, at_ TIMESTAMP)",
    "CREATE TABLE suppression (address VARCHAR)",
    "CREATE TABLE moment (zone VARCHAR, tomorrow TIMESTAMP, two_days_ago TIMESTAMP)",
    ("INSERT INTO moment VALUES ('Europe/Madrid', '2026-03-03 09:00', '2026-02-28 09:00')"),
)
_SEND = """
INSERT INTO outbox (passage, step, turn, customer, locale, address, parameters, created_at, outcome,
  reason, attempts, due_at)
SELECT s.id, {step}, 0, s.customer, NULL, s.email, s.parameters, {now}, s.outcome,
  CASE s.outcome WHEN 'no_consent' THEN 'no consent to news by email'
    WHEN 'suppressed' THEN 'on the suppression list'
    WHEN 'no_address' THEN 'the customer has no email' END,
  0, CASE WHEN s.outcome = 'queued' THEN {now} END
FROM (
  SELECT m.id, m.customer, c.email,
    CAST(JSON_OBJECT('first_name', c.first_name, 'points', c.points) AS VARCHAR) AS parameters,
    CASE WHEN NOT c.consent THEN 'no_consent'
      WHEN LOWER(c.email) IN (SELECT address FROM suppression) THEN 'suppressed'
      WHEN COALESCE(c.email, '') = '' THEN 'no_address' ELSE 'queued' END AS outcome
  FROM moving AS m JOIN customer AS c ON c.id = m.customer WHERE {where}
) AS s
"""


def by_hand(people: int, folder: Path) -> Spent:
    """Return the seconds of hand-written statements that do the same."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": str(THREADS),
        "storage_compatibility_version": "v1.5.0",
        "checkpoint_threshold": "1GB",
    }
    database = duckdb.connect(str(folder / "hand.duckdb"), config=config)
    database.execute("SET preserve_insertion_order = false")
    database.execute("SET write_buffer_row_group_count = 1")
    for text in _BY_HAND:
        database.execute(text.format(people=people))
    spent = Spent()
    spent.add_ticks(lambda: _in_one(database, _entering()))
    database.execute(
        "INSERT INTO opened SELECT customer, TIMESTAMP '2026-03-02 10:00' FROM passage "
        f"ORDER BY id LIMIT {people * 4 // 10}"
    )
    spent.add_ticks(lambda: _in_one(database, _leaving()))
    found = database.execute("SELECT COUNT(*) FROM passage WHERE state = 4").fetchone()
    assert found == (people,), "everybody is through"
    spent.add_folding(lambda: database.execute("CHECKPOINT"))
    database.close()
    return spent


def _in_one(database: duckdb.DuckDBPyConnection, texts: tuple[str, ...]) -> None:
    database.execute("BEGIN")
    for text in texts:
        database.execute(text)
    database.execute("COMMIT")


def _entering() -> tuple[str, ...]:
    now = "TIMESTAMP '2026-03-02 09:00'"
    return (
        (
            "CREATE OR REPLACE TEMP TABLE moving AS SELECT ROW_NUMBER() OVER (ORDER BY c.id) AS id, "
            "c.id AS customer, z.tomorrow AS wake_at FROM customer AS c "
            "JOIN moment AS z ON z.zone = c.zone WHERE c.points > 1000 "
            "AND NOT c.id IN (SELECT p.customer FROM passage AS p)"
        ),
        _SEND.format(step=1, now=now, where="TRUE"),
        (f"INSERT INTO history SELECT m.id, {now}, 1, 1 FROM moving AS m"),
        (
            f"INSERT INTO passage (id, customer, entered_at, state, since, wake_at) "
            f"SELECT id, customer, {now}, 3, {now}, wake_at FROM moving"
        ),
    )


def _leaving() -> tuple[str, ...]:
    now = "TIMESTAMP '2026-03-03 09:00'"
    return (
        (
            "CREATE OR REPLACE TEMP TABLE moving AS SELECT p.id, p.customer, CASE WHEN p.customer "
            "IN (SELECT o.customer FROM opened AS o JOIN customer AS c ON c.id = o.customer "
            "JOIN moment AS z ON z.zone = c.zone WHERE o.at_ > z.two_days_ago) "
            f"THEN 1 ELSE 2 END AS leaf FROM passage AS p WHERE p.wake_at <= {now}"
        ),
        _SEND.format(step=2, now=now, where="m.leaf = 1"),
        _SEND.format(step=3, now=now, where="m.leaf = 2"),
        (f"INSERT INTO history SELECT m.id, {now}, m.leaf + 1, 2 FROM moving AS m"),
        (
            f"UPDATE passage SET state = 4, since = {now}, wake_at = NULL, ended_at = {now}, "
            "outcome = 4 FROM moving AS m WHERE m.id = passage.id"
        ),
    )


# --- without records ----------------------------------------------------------------------------

_BARE = (
    "CREATE TABLE passage (id BIGINT, state TINYINT, wake_at TIMESTAMP)",
    "CREATE TABLE outbox (passage BIGINT, step TINYINT)",
    "CREATE TABLE opened (passage BIGINT)",
)
_BARE_ENTERING = (
    "INSERT INTO passage SELECT range, 1, TIMESTAMP '2026-03-03 09:00' FROM RANGE({people})",
    "INSERT INTO outbox SELECT range, 1 FROM RANGE({people})",
)
_BARE_LEAVING = (
    (
        "INSERT INTO outbox SELECT p.id, CASE WHEN o.passage IS NULL THEN 3 ELSE 2 END "
        "FROM passage AS p LEFT JOIN opened AS o ON o.passage = p.id "
        "WHERE p.wake_at <= TIMESTAMP '2026-03-03 09:00'"
    ),
    ("UPDATE passage SET state = 2, wake_at = NULL WHERE wake_at <= TIMESTAMP '2026-03-03 09:00'"),
)


def bare(people: int, folder: Path) -> Spent:
    """Return the seconds of the fewest statements that move as many through: numbers alone, no keys,
    no texts, no checks, no history. It tells what the machine can do at most."""
    database = duckdb.connect(str(folder / "bare.duckdb"), config={"threads": str(THREADS)})
    database.execute("SET preserve_insertion_order = false")
    for text in _BARE:
        database.execute(text)
    spent = Spent()
    entering, leaving = (
        tuple(text.format(people=people) for text in texts)
        for texts in (_BARE_ENTERING, _BARE_LEAVING)
    )
    spent.add_ticks(lambda: _in_one(database, entering))
    database.execute(f"INSERT INTO opened SELECT id FROM passage WHERE id < {people * 4 // 10}")
    spent.add_ticks(lambda: _in_one(database, leaving))
    spent.add_folding(lambda: database.execute("CHECKPOINT"))
    database.close()
    return spent


def main(arguments: list[str]) -> None:
    """Measure all three and print seconds, steps a second, the ratios and the peak of memory."""
    people = int(arguments[0]) if arguments else 200_000
    memory_mb = int(arguments[1]) if len(arguments) > 1 else None
    with tempfile.TemporaryDirectory() as name:
        mine = ours(people, Path(name), memory_mb)
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    with tempfile.TemporaryDirectory() as name:
        hand = by_hand(people, Path(name))
    with tempfile.TemporaryDirectory() as name:
        least = bare(people, Path(name))
    print(f"people                {people:>12,}")
    print("                           seconds   customer-steps/s    CPU seconds   log folded in")
    for label, spent in (("cij", mine), ("hand-written SQL", hand), ("bare SQL", least)):
        rate = people * _STATES_A_PERSON / spent.ticks_s
        print(
            f"{label:<22}{spent.ticks_s:>12.2f}{rate:>19,.0f}"
            f"{spent.cpu_s:>15.2f}{spent.folding_s:>14.2f} s"
        )
    print(
        f"cij / hand-written    {mine.ticks_s / hand.ticks_s:>12.2f}{mine.cpu_s / hand.cpu_s:>34.2f}"
    )
    print(f"peak memory of cij    {peak_mb:>12,} MB")
