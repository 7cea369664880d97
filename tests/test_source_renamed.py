"""An id does not depend on the name, the place or the order of sources (S26)."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Program
from cij.compiler.sql import query
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.format import format_text
from cij.runtime.engine import Engine, open_engine
from cij.runtime.refresh import RefreshReport, prepare, refresh
from tests.conftest import Cij

NOW = datetime(2026, 3, 2, 10)
DAY = timedelta(days=1)

SOURCE = """
source {name} {{
  kind = csv
  path = "{path}"
  key = id
  columns {{
    id = text
    email = text
  }}
}}
"""
MAPPING = "  from {name} {{\n    email = email\n  }}\n"
REST = """
event joined {{
  source = {name}
  on = created
}}
"""


def text_of(*sources: tuple[str, str], clause: str = "", events: str = "") -> str:
    mappings = "".join(MAPPING.format(name=name) for name, _ in sources)
    match = "  match by_email {\n    exact = [email]\n  }\n"
    declared = "".join(SOURCE.format(name=name, path=path) for name, path in sources)
    return f"{declared}profile customer {{\n{clause}\n{mappings}{match}}}\n{events}"


def compiled(text: str) -> Program:
    found = compile_project(ProjectSettings("x", "UTC"), {"a.journey": text}, {}, {})
    assert found.program is not None, found.diagnostics
    return found.program


def diagnostics(text: str) -> tuple[Diagnostic, ...]:
    return compile_project(ProjectSettings("x", "UTC"), {"a.journey": text}, {}, {}).diagnostics


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = open_engine(None)
    yield engine
    engine.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.csv").write_text("id,email\n1,ana@example.com\n2,bob@example.com\n")
    (tmp_path / "b.csv").write_text("id,email\n1,eve@example.com\n7,bob@example.com\n")
    (tmp_path / "moved").mkdir()
    return tmp_path


def ids(engine: Engine) -> dict[str, str]:
    return {
        email: id for id, email in engine.rows(query("SELECT c.id, c.email FROM customer AS c"))
    }


def loaded(engine: Engine, folder: Path, program: Program, now: datetime = NOW) -> RefreshReport:
    prepare(engine, program)
    return refresh(engine, program, folder, now)


SHOP, CARDS, STORE = ("shop", "a.csv"), ("cards", "b.csv"), ("store", "a.csv")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sources", "clause"),
    [
        ((CARDS, SHOP), ""),
        ((("shop", "moved/a.csv"), CARDS), ""),
        ((STORE, CARDS), "renamed shop to store"),
        ((CARDS, STORE), "renamed shop to store"),
        ((STORE, ("loyalty", "b.csv")), "renamed shop to store\nrenamed cards to loyalty"),
        ((STORE, CARDS), "renamed shop to web\nrenamed web to store"),
    ],
)
def test_ids_stay(
    engine: Engine, folder: Path, sources: tuple[tuple[str, str], ...], clause: str
) -> None:
    loaded(engine, folder, compiled(text_of(SHOP, CARDS)))
    before = ids(engine)
    (folder / "moved" / "a.csv").write_bytes((folder / "a.csv").read_bytes())
    report = loaded(engine, folder, compiled(text_of(*sources, clause=clause)), NOW + DAY)
    assert ids(engine) == before and len(before) == 3
    assert (report.merged, report.split, report.absent) == ((), (), 0)
    # The clause may stay in the text.
    (folder / "a.csv").write_text(
        "id,email\n1,ana@example.com\n2,bob@example.com\n3,kim@x.example\n"
    )
    loaded(engine, folder, compiled(text_of(*sources, clause=clause)), NOW + 2 * DAY)
    assert before.items() <= ids(engine).items()


def test_two_sources_may_change_their_names(engine: Engine, folder: Path) -> None:
    loaded(engine, folder, compiled(text_of(SHOP, CARDS)))
    before = ids(engine)
    swapped = (("cards", "a.csv"), ("shop", "b.csv"))
    found = diagnostics(text_of(*swapped, clause="renamed shop to cards\nrenamed cards to shop"))
    # Both names are those of sources now, so it is not certain what is meant.
    assert [d.code for d in found] == ["CIJ206", "CIJ206"]
    assert ids(engine) == before


def test_without_the_clause_they_are_other_people(engine: Engine, folder: Path) -> None:
    loaded(engine, folder, compiled(text_of(SHOP)))
    report = loaded(engine, folder, compiled(text_of(STORE)), NOW + DAY)
    assert report.absent == 2


@pytest.mark.slow
def test_newcomers_and_events_of_changes_follow_the_name(engine: Engine, folder: Path) -> None:
    first = compiled(text_of(SHOP, events=REST.format(name="shop")))
    loaded(engine, folder, first)
    engine.append("newcomer", {"key": ["n"], "of_source": ["shop"], "of_key": ["3"], "at": [NOW]})
    second = text_of(STORE, clause="renamed shop to store", events=REST.format(name="store"))
    loaded(engine, folder, compiled(second), NOW + DAY)
    (folder / "a.csv").write_text(
        "id,email\n1,ana@example.com\n2,bob@example.com\n3,kim@x.example\n"
    )
    report = loaded(engine, folder, compiled(second), NOW + 2 * DAY)
    assert report.events == {"joined": 1}, "nobody else has come"
    of = query("SELECT k.customer FROM customer_key AS k WHERE k.key IN ('n', '3')")
    assert len({id for (id,) in engine.rows(of)}) == 1


@pytest.mark.parametrize(
    ("clause", "code"),
    [
        ("renamed old to nowhere", "CIJ202"),
        ("renamed old to unmapped", "CIJ202"),
        ("renamed cards to shop", "CIJ206"),
        ("renamed old to shop\nrenamed older to shop", ""),
        ("renamed old to shop\nrenamed old to cards", "CIJ203"),
        ("renamed a to b\nrenamed b to a", "CIJ202"),
    ],
)
def test_mistakes_in_the_clause_are_reported(clause: str, code: str) -> None:
    found = diagnostics(
        text_of(SHOP, CARDS, clause=clause) + SOURCE.format(name="unmapped", path="a.csv")
    )
    assert {d.code for d in found} == ({code} if code else set())


# --- what `cij plan` says -----------------------------------------------------------------------

JOURNEY = """
segment long {{
  where length(email) > {least}
}}
journey j {{
  enter from segment long
  steps {{
    rest: wait 3 days
  }}
}}
"""
TOML = '[project]\nname = "x"\ntimezone = "UTC"\n'


def _plan(folder: Path, cij: Cij) -> str:
    before = (folder / ".cij" / "state.duckdb").stat().st_size
    done = cij("plan", folder)
    assert done.code == 0, done.err
    # Saying it changes nothing: a second plan says the same.
    assert cij("plan", folder).out == done.out and before
    return done.out


def _write(folder: Path, *sources: tuple[str, str], clause: str = "", least: int = 3) -> None:
    (folder / "cij.toml").write_text(TOML)
    text = text_of(*sources, clause=clause) + JOURNEY.format(least=least)
    (folder / "a.journey").write_text(text)


@pytest.mark.slow
def test_the_plan_counts_who_comes_and_goes(folder: Path, cij: Cij) -> None:
    _write(folder, SHOP)
    assert cij("run", folder, "--once").code == 0
    assert "customer" not in _plan(folder, cij) and "segment" not in _plan(folder, cij)
    _write(folder, STORE)
    found = _plan(folder, cij)
    assert "2 customers would be new" in found
    assert "2 customers would be in no source any more" in found
    assert "source store has 2 keys of source shop, which is gone" in found
    assert "write `renamed shop to store` in the profile" in found
    assert "segment long: 2 would enter, 0 would leave, 2 would be inside" in found
    _write(folder, STORE, clause="renamed shop to store")
    assert "would" not in _plan(folder, cij)
    assert cij("run", folder, "--once").code == 0
    assert "would" not in _plan(folder, cij)


@pytest.mark.slow
def test_the_plan_counts_mergers_splits_and_audiences(folder: Path, cij: Cij) -> None:
    _write(folder, SHOP, CARDS)
    assert cij("run", folder, "--once").code == 0
    (folder / "a.csv").write_text("id,email\n1,ana@example.com\n2,eve@example.com\n")
    _write(folder, SHOP, CARDS, least=15)
    found = _plan(folder, cij)
    # Bob's record of the shop is one with Eve's card now, and keeps his id; his card is a new customer.
    assert "would be new" not in found
    assert "2 customers would get another id" in found
    assert "1 customer would be merged into another customer" in found
    assert "1 customer would be split off from another customer" in found
    assert "segment long: 0 would enter, 3 would leave, 0 would be inside" in found
    plain = json.loads(cij("plan", folder, "--json").out)
    assert plain["foresight"]["audiences"] == [
        {"segment": "long", "joined": 0, "left": 3, "inside": 0}
    ]
    done = cij("run", folder, "--once")
    assert "1 customer merged into another customer" in done.out + done.err
    assert "1 customer split off from another customer" in done.out + done.err


@pytest.mark.slow
def test_a_plan_with_a_source_that_fails_says_so(folder: Path, cij: Cij) -> None:
    _write(folder, SHOP, CARDS)
    assert cij("run", folder, "--once").code == 0
    (folder / "a.csv").unlink()
    assert "a.csv" in _plan(folder, cij)


def test_the_formatter_keeps_the_clause_on_a_line_of_its_own() -> None:
    text = "profile customer { renamed  shop to\nstore  from store { email = email } }\n"
    wanted = (
        "profile customer {\n  renamed shop to store\n  from store {\n    email = email\n  }\n}\n"
    )
    assert format_text("a.journey", text).text == wanted
