"""A store with messages in the outbox, and the runner that delivers them, without any process."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cij.compiler.program import content_hash
from cij.compiler.sql import query
from cij.compiler.sql.plan import recheck
from cij.runtime.delivery import Defaults, SmtpSettings, Transport, open_transport
from cij.runtime.engine import Engine, open_engine
from cij.runtime.runner import Runner
from tests.attack.hostile_smtp import HOST
from tests.outbox import put
from tests.testbed import TestBed

NOW = datetime(2026, 3, 2, 10, 0)
JOURNEY = """
message email hello {
  topic = news
  from = "Shop <shop@shop.example>"
  locale "en" {
    subject = "Hello"
    body = "Hello"
  }
}
message email other {
  topic = news
  from = "Bad <bad@other.example>"
  locale "en" {
    subject = "Hello"
    body = "Hello"
  }
}
journey greeting {
  enter from segment everybody
  steps {
    send email hello
  }
}
journey bad {
  enter from segment nobody
  steps {
    send email other
  }
}
segment everybody { where email is known }
segment nobody { where email is unknown }
"""


def smtp(port: int, **more: Any) -> Transport:
    """Return the way to a server in this process."""
    settings: dict[str, Any] = {"timeout_s": 5, "client_name": "localhost", "security": "none"}
    return open_transport(SmtpSettings(HOST, port, **{**settings, **more}))


@contextmanager
def greeted(
    count: int, ways: Mapping[str, Transport], root: Path, engine: Engine | None = None
) -> Iterator[Runner]:
    """Yield a runner with `count` customers who are due to get a mail."""
    bed = TestBed(JOURNEY, NOW - timedelta(days=1), engine or open_engine(None, threads=1))
    bed.people(*(f"c{i:03}" for i in range(count)))
    bed.tick(NOW)
    runner = Runner(bed.world, root, ways, Defaults(), recheck(bed.world.program))
    try:
        yield runner
    finally:
        runner.dispatch.leave()
        bed.engine.close()


def add(runner: Runner, count: int, name: str = "other", **same: Any) -> None:
    """Queue messages `name` that no journey sent, older than all others."""
    engine = runner.world.engine
    (message,) = (m for m in runner.world.program.messages if m.name == name)
    mark, text = content_hash(message), message.model_dump_json()
    if not engine.rows(query("SELECT 1 FROM content AS c WHERE c.hash = $h"), {"h": mark}):
        engine.append("content", {"hash": [mark], "message": [text]})
    defaults = {
        "journey": "bad",
        "version": "v",
        "step": "other",
        "channel": "email",
        "topic": "news",
        "message": name,
        "content": mark,
        "outcome": "queued",
        "created_at": NOW - timedelta(hours=1),
    }
    columns = {name: [value] * count for name, value in {**defaults, **same}.items()}
    columns["passage"] = [10_000 + i for i in range(count)]
    columns["turn"] = [0] * count
    columns["customer"] = [f"c{i:03}" for i in range(count)]
    columns.setdefault("address", [f"bad{i}@example.com" for i in range(count)])
    put(engine, columns)


def outcomes(runner: Runner) -> dict[str, int]:
    """Return the number of messages by outcome."""
    found = runner.world.engine.rows(
        query("SELECT o.outcome, COUNT(*) FROM outbox AS o GROUP BY o.outcome")
    )
    return dict(found)
