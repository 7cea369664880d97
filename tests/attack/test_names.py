"""No name of the language meets a table or a column of the store (M11)."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.sql import query
from cij.runtime.delivery import Defaults, FileSettings, open_transport
from cij.runtime.engine import Engine, open_engine
from cij.runtime.inbox import hand_in
from cij.runtime.runner import open_runner, step
from cij.runtime.store import meta, prepare
from cij.runtime.store.schema import TABLES
from cij.runtime.store.scratch import SCRATCH
from cij.runtime.store.views import VIEWS
from tests.attack.outbox_bed import JOURNEY, NOW
from tests.testbed import program_of

# How tables are called that have a name of the language in theirs.
PREFIXES = ("event_", "source_", "entity_", "record_", "bad_")
_ALL = query("SELECT t.table_name FROM information_schema.tables AS t")


def own_tables(engine: Engine) -> list[str]:
    """Return the tables that a store has by itself: its program has no source and no event of its own."""
    listed = {table.name for table in (*TABLES, *SCRATCH)} | {view.name for view in VIEWS}
    return sorted(listed | {name for (name,) in engine.rows(_ALL)})


@pytest.fixture
def engine() -> Iterator[Engine]:
    with closing(open_engine(None, threads=1)) as made:
        yield made


def test_no_own_table_begins_like_one_of_the_language(engine: Engine, tmp_path: Path) -> None:
    program = program_of(JOURNEY)
    (tmp_path / "people.csv").write_text("person,email,phone,zone,plan,points,born_on,told\n")
    runner, _ = open_runner(engine, program, tmp_path, {}, Defaults(), NOW)
    step(runner, NOW, with_refresh=True)
    theirs = {f"source_{s.name}" for s in program.sources}
    theirs |= {f"event_{event.name}" for event in program.events}
    theirs |= {f"record_{s.name}" for s in program.sources}
    theirs |= {f"bad_{s.name}" for s in program.sources}
    meeting = [n for n in own_tables(engine) if n.startswith(PREFIXES) and n not in theirs]
    assert not meeting


def _names() -> list[str]:
    tables = [table.name for table in (*TABLES, *SCRATCH)] + [view.name for view in VIEWS]
    # What stood behind a prefix in older versions, and what scratch tables are called.
    return sorted({*tables, "state", "ahead", "key", "row", "now", "bad", "staging", "customer"})


def project(names: list[str]) -> str:
    sources = "\n".join(
        f'source `{name}` {{\n  kind = csv\n  path = "people.csv"\n  key = id\n'
        "  columns {\n    id = text\n    email = text\n  }\n}"
        for name in names[:4]
    )
    events = "\n".join(
        f"event `{name}` {{\n  fields {{\n    n = integer\n  }}\n}}" for name in names
    )
    segments = "\n".join(f"segment `{name}` {{\n  where email is known\n}}" for name in names)
    froms = "\n".join(f"  from `{name}` {{\n    email = email\n  }}" for name in names[:4])
    journeys = "\n".join(
        f"journey `{name}` {{\n  enter on `{name}`\n  steps {{\n    send email `{name}`\n  }}\n}}"
        for name in names
    )
    messages = "\n".join(
        f'message email `{name}` {{\n  topic = service\n  from = "a@shop.example"\n'
        '  locale "en" {\n    subject = "Hi"\n    body = "Hi"\n  }\n}'
        for name in names
    )
    head = "topic service {\n  channels = [email]\n  consent = none\n}\n"
    unified = "  match by_email {\n    exact = [email]\n  }\n"
    return "\n".join(
        [
            head,
            sources,
            events,
            f"profile customer {{\n{froms}\n{unified}}}",
            segments,
            messages,
            journeys,
        ]
    )


@pytest.mark.slow
def test_every_own_name_is_a_name_like_any_other(engine: Engine, tmp_path: Path) -> None:
    names = [
        "state",
        "ahead",
        "key",
        "bad",
        *(n for n in _names() if n not in {"state", "ahead", "key", "bad"}),
    ]
    text = project(names)
    found = compile_project(ProjectSettings("x", "UTC"), {"a.journey": text}, {}, {})
    refused = [d.message for d in found.diagnostics if d.is_error]
    assert found.program is not None, refused
    (tmp_path / "people.csv").write_text("id,email\n1,ana@example.com\n")
    ways = {"email": open_transport(FileSettings(tmp_path / "outbox"))}
    runner, _ = open_runner(engine, found.program, tmp_path, ways, Defaults(), NOW)
    step(runner, NOW, with_refresh=True)
    hand_in(
        tmp_path,
        [{"event": n, "customer": "ana@example.com", "id": n, "fields": {"n": 1}} for n in names],
    )
    report = step(runner, NOW + timedelta(minutes=1), with_refresh=True)
    assert not report.refused
    sent = engine.rows(query("SELECT o.message FROM outbox AS o WHERE o.outcome = 'delivered'"))
    assert sorted(name for (name,) in sent) == sorted(names)


def test_an_older_store_brings_over_what_stood_under_the_old_names(engine: Engine) -> None:
    prepare(engine)
    for old, new in (("source_state", "loaded_source"), ("event_ahead", "ahead_event")):
        engine.execute(query(f"CREATE TABLE {old} AS SELECT * FROM {new}"))
        engine.execute(query(f"DROP TABLE {new}"))
    engine.append("source_state", {"source": ["people"], "fingerprint": ["f"], "rows": [7]})
    engine.append("event_ahead", {"seq": [3], "event": ["visit"], "at": [NOW]})
    meta.put(engine, meta.STORE_VERSION, "5")
    prepare(engine)
    assert engine.rows(query("SELECT s.source, s.rows FROM loaded_source AS s")) == [("people", 7)]
    assert engine.rows(query("SELECT a.seq, a.event FROM ahead_event AS a")) == [(3, "visit")]
    assert not engine.columns_of("source_state") and not engine.columns_of("event_ahead")
