"""An abandoned cart replayed over a week of a real shop's sessions, beside plain SQL."""

import json
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from cij.cli.exits import Exit
from tests.conftest import Cij
from tests.example import ROOT

EVENTS = ROOT.parent / "shared" / "data" / "ecom_clickstream" / "events.parquet"
TOML = '[project]\nname = "clicks"\ntimezone = "UTC"\n'
KINDS = ("add_to_cart", "purchase")
HEAD = """\
source users {
  kind = csv
  path = "users.csv"
  key = user_id
  columns {
    user_id = text
    email = text
  }
}

profile customer {
  from users {
    email = email
  }
}

topic service {
  channels = [email]
  consent = none
}

message email reminder {
  topic = service
  locale "en" {
    subject = "Your cart"
    body = "It is waiting."
  }
}

# A session in which something is put into the cart, until something is bought in it.
journey abandoned_cart {
  enter on add_to_cart
  per = session_id
  goal recovered on purchase within 3 days

  steps {
    look: wait 1 hour
    mail: send email reminder
  }
}
"""
KIND = """
source {kind}s {{
  kind = csv
  path = "{kind}.csv"
  key = row
  columns {{
    row = integer
    user_id = text
    session_id = text
    at = datetime
  }}
}}

event {kind} {{
  source = {kind}s
  customer = users(user_id)
  at = at
  fields {{
    session_id = session_id
  }}
}}
"""


def write(folder: Path) -> duckdb.DuckDBPyConnection:
    """Write the project, without the rows that stand twice; return the events as a table."""
    engine = duckdb.connect()
    engine.execute(f"CREATE TABLE e AS SELECT DISTINCT * FROM '{EVENTS}'")
    _copy(
        engine, "SELECT DISTINCT user_id, user_id || '@x.example' AS email FROM e", "users", folder
    )
    for kind in KINDS:
        rows = (
            "SELECT ROW_NUMBER() OVER (ORDER BY timestamp, session_id) AS row, user_id, session_id, "
            f"timestamp AS at FROM e WHERE event = '{kind}'"
        )
        _copy(engine, rows, kind, folder)
    (folder / "cij.toml").write_text(TOML)
    (folder / "a.journey").write_text(HEAD + "".join(KIND.format(kind=k) for k in KINDS))
    return engine


def _copy(engine: duckdb.DuckDBPyConnection, rows: str, name: str, folder: Path) -> None:
    engine.execute(f"COPY ({rows}) TO '{folder / name}.csv' (HEADER)")


# A session with a cart; when the cart began, and the first purchase from then on.
CARTS = """
WITH c AS (
  SELECT session_id, user_id, MIN(timestamp) AS began FROM e WHERE event = 'add_to_cart'
  AND timestamp >= '2024-05-20' AND timestamp < '2024-05-27' GROUP BY ALL
), p AS (
  SELECT c.session_id, c.began, MIN(e.timestamp) AS bought FROM c
  LEFT JOIN e ON e.event = 'purchase' AND e.session_id = c.session_id AND e.timestamp >= c.began
  GROUP BY ALL
)
SELECT COUNT(*), COUNT(*) FILTER (WHERE bought <= began + INTERVAL 1 HOUR IS NOT TRUE),
  COUNT(*) FILTER (WHERE bought <= began + INTERVAL 3 DAY)
FROM p
"""


@pytest.mark.slow
@pytest.mark.skipif(not EVENTS.exists(), reason="needs the data sets in ../shared/data")
def test_the_carts_of_a_week(cij: Cij, tmp_path: Path) -> None:
    engine = write(tmp_path)
    counts = "SELECT COUNT(*), COUNT(DISTINCT user_id), COUNT(DISTINCT session_id) FROM e"
    assert engine.execute(counts).fetchone() == (31_106 - 30, 600, 3_605)
    kinds = "SELECT COUNT(*) FILTER (WHERE event = 'add_to_cart'), COUNT(*) FILTER (WHERE event = 'purchase') FROM e"
    assert engine.execute(kinds).fetchone() == (1_346, 470)
    expected = engine.execute(CARTS).fetchall()[0]
    done = cij("simulate", tmp_path, "--from", "2024-05-20", "--days", "7", "--json")
    assert done.code == Exit.OK, done.err
    found = Counter[str]()
    for day in json.loads(done.out)["days"]:
        found[day["what"]] += day["count"]
    assert (found["entered"], found["sent"], found["converted"]) == expected
    assert 0 < expected[2] < expected[1] < expected[0]
