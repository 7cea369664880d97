"""Exports: what is written, when, what a failure stops, and what a broken run leaves (S27, S28)."""

import csv
import os
import resource
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Export, Program
from cij.compiler.sql import export_rows, query
from cij.runtime.deploy import deploy
from cij.runtime.due import next_work
from cij.runtime.engine import Engine
from cij.runtime.exports import one_run
from cij.runtime.exports.exporting import Exporting, next_export
from cij.runtime.exports.one_run import DONE, FAILED, count_rows, last_runs, run_export, runs_of
from cij.runtime.report import report
from cij.runtime.store import export_runs as stored
from tests.engines import ENGINES, opener
from tests.exports_bed import ANA, BOB, DATA, EVE, EXPORTS, LOW, lines_of

NOW = datetime(2026, 3, 2, 10)  # a Monday
DAY = timedelta(days=1)


def program_of(exports: str) -> Program:
    compilation = compile_project(
        ProjectSettings("p", "UTC"), {"a.journey": DATA + exports}, {}, {}
    )
    assert compilation.program is not None, compilation.diagnostics
    return compilation.program


@pytest.fixture(scope="module")
def program() -> Program:
    return program_of(EXPORTS)


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, program: Program) -> Iterator[Engine]:
    with opener(request.param) as opens:
        made = opens()
        deploy(made, program, NOW)
        yield made


def load(engine: Engine, program: Program, root: Path, *rows: str, at: datetime = NOW) -> None:
    """Have these customers, as after a refresh. Reading a file each time would take most of these tests."""
    engine.execute(query("DELETE FROM customer"))
    engine.execute(query("DELETE FROM loaded_source"))
    engine.append("loaded_source", {"source": ["shop"], "fingerprint": ["x"], "loaded_at": [at]})
    columns = zip(*(_cells(*row.strip().split(",")) for row in rows), strict=True)
    names = ("id", "name", "points", "spent", "seen", "country")
    engine.append("customer", dict(zip(names, columns, strict=True)))


def _cells(*cells: str) -> tuple[object, ...]:
    id, name, points, spent, seen, country = (cell or None for cell in cells)
    amount = Decimal(spent) if spent else None
    at = datetime.fromisoformat(seen.removesuffix("Z")) if seen else None
    return id, name, int(points or 0), amount, at, country


def clear(engine: Engine) -> None:
    for table in ("export_run", "exported_row"):
        engine.execute(query("DELETE FROM {t}", t=table))


def export_of(program: Program, name: str) -> Export:
    return next(e for e in program.exports if e.name == name)


def files(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


# --- what is written --------------------------------------------------------------------------


def test_all_three_kinds_have_what_is_asked_for(
    engine: Engine, program: Program, tmp_path: Path
) -> None:
    clear(engine)
    load(engine, program, tmp_path, ANA, BOB, EVE, LOW)
    runs = [run_export(engine, program, e, tmp_path, NOW) for e in program.exports]
    assert [(r.export, r.rows, r.outcome, r.reason) for r in runs] == [
        ("whole", 3, DONE, None),
        ("diffs", 3, DONE, None),
        ("groups", 2, DONE, None),
    ]
    with (tmp_path / "exports/some-2026-03-02.csv").open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["twice"])
    assert [list(row.values())[1:] for row in rows] == [
        ["Ana", "12.5", "2026-01-01T00:00:00Z", "14"],
        ["Eve", "99.9999999999", "", "16"],
        ["'=cmd|' /C calc'!A0", "", "", "18"],
    ]
    assert list(rows[0]) == ["id", "name", "spent", "seen", "twice"]
    made = lines_of(tmp_path / "exports/2026-03-02/d-20260302T100000Z.jsonl")
    assert [(r["change"], r["name"], r["points"]) for r in made] == [
        ("added", "=cmd|' /C calc'!A0", 9),
        ("added", "Ana", 7),
        ("added", "Eve", 8),
    ]
    groups = duckdb.read_parquet(str(tmp_path / "exports/g.parquet"))
    assert groups.columns[:5] == ["country", "customers", "known", "different", "sum"]
    assert groups.project("country, customers, sum").fetchall() == [("DE", 1, 18), ("ES", 2, 30)]
    for made_file in (tmp_path / "exports").rglob("*"):
        assert made_file.stat().st_mode & 0o077 == 0, made_file
    assert not [name for name in files(tmp_path) if ".part" in name]


def test_changes_are_what_is_new_gone_and_different(
    engine: Engine, program: Program, tmp_path: Path
) -> None:
    clear(engine)
    diffs = export_of(program, "diffs")
    load(engine, program, tmp_path, ANA, BOB)
    run_export(engine, program, diffs, tmp_path, NOW)
    later = BOB.replace("=cmd|' /C calc'!A0", "Bob")
    load(engine, program, tmp_path, ANA.replace(",7,", ",3,"), later, EVE, at=NOW + DAY)
    assert count_rows(engine, program, diffs, NOW + DAY) == 3
    made = run_export(engine, program, diffs, tmp_path, NOW + DAY)
    rows = lines_of(tmp_path / str(made.file))
    assert [(r["change"], r["name"], r["points"]) for r in rows] == [
        ("changed", "Bob", 9),
        ("added", "Eve", 8),
        ("removed", None, None),
    ]
    # A value that is unknown now is a change; nothing to write is no file.
    load(engine, program, tmp_path, later.replace("Bob", ""), EVE, at=NOW + 2 * DAY)
    made = run_export(engine, program, diffs, tmp_path, NOW + 2 * DAY)
    assert [(r["change"], r["name"]) for r in lines_of(tmp_path / str(made.file))] == [
        ("changed", None)
    ]
    made = run_export(engine, program, diffs, tmp_path, NOW + 3 * DAY)
    assert (made.rows, made.file, made.outcome) == (0, None, DONE)
    assert count_rows(engine, program, diffs, NOW + 3 * DAY) == 0
    assert len(files(tmp_path / "exports")) == 3
    assert [run.rows for run in runs_of(engine, "diffs")] == [0, 1, 3, 2]


# --- what fails -------------------------------------------------------------------------------


def test_what_fails_says_so_and_stops_nothing_else(
    engine: Engine, program: Program, tmp_path: Path
) -> None:
    clear(engine)
    load(engine, program, tmp_path, ANA, BOB)
    (tmp_path / "exports").write_text("no folder", encoding="utf-8")
    exporting = Exporting(tmp_path)
    found = exporting.run_due(engine, program, NOW)
    assert [(r.export, r.outcome) for r in found] == [("whole", FAILED), ("diffs", FAILED)]
    assert all("cannot make the folder" in str(r.reason) for r in found)
    assert exporting.run_due(engine, program, NOW + timedelta(minutes=4)) == []
    (tmp_path / "exports").unlink()
    # A file in the place of one of the two.
    (tmp_path / "exports/2026-03-02/d-20260302T100600Z.jsonl").mkdir(parents=True)
    found = exporting.run_due(engine, program, NOW + timedelta(minutes=6))
    assert [(r.export, r.outcome) for r in found] == [("whole", DONE), ("diffs", FAILED)]
    assert "changes replace no file" in str(found[1].reason)
    # Another process tries at once, and the changes are all there.
    [made] = Exporting(tmp_path).run_due(engine, program, NOW + timedelta(minutes=7))
    assert (made.export, made.rows, made.outcome) == ("diffs", 2, DONE)
    assert exporting.run_due(engine, program, NOW + timedelta(hours=1)) == []


def test_a_full_disk_leaves_the_old_file_and_no_part(
    engine: Engine, program: Program, tmp_path: Path
) -> None:
    clear(engine)
    whole, diffs = export_of(program, "whole"), export_of(program, "diffs")
    load(engine, program, tmp_path, ANA)
    run_export(engine, program, whole, tmp_path, NOW)
    old = (tmp_path / "exports/some-2026-03-02.csv").read_bytes()
    rows = [f"{n},{'x' * 50}{n},9,,,\n" for n in range(3000)]
    load(engine, program, tmp_path, *rows, at=NOW + timedelta(hours=1))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        made = [run_export(engine, program, e, tmp_path, NOW) for e in (whole, diffs)]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [r.outcome for r in made] == [FAILED, FAILED]
    assert all("cannot write" in str(r.reason) for r in made), made
    assert (tmp_path / "exports/some-2026-03-02.csv").read_bytes() == old
    assert files(tmp_path / "exports") == ["some-2026-03-02.csv"]
    assert run_export(engine, program, diffs, tmp_path, NOW).rows == 3000


def test_a_link_leads_no_export_out_of_the_project(
    engine: Engine, program: Program, tmp_path: Path
) -> None:
    clear(engine)
    root, other = tmp_path / "project", tmp_path / "other"
    root.mkdir()
    other.mkdir()
    (root / "exports").symlink_to(other)
    load(engine, program, root, ANA)
    made = run_export(engine, program, export_of(program, "whole"), root, NOW)
    assert made.outcome == FAILED and "leads through a link" in str(made.reason)
    assert files(other) == []
    # A link in the place of the draft or of the file is replaced, and not followed.
    (root / "exports").unlink()
    (root / "exports").mkdir()
    victim = tmp_path / "victim"
    victim.write_text("kept", encoding="utf-8")
    for name in (".whole.part", "some-2026-03-02.csv"):
        (root / "exports" / name).symlink_to(victim)
    made = run_export(engine, program, export_of(program, "whole"), root, NOW)
    assert made.outcome == DONE and victim.read_text("utf-8") == "kept"


def test_what_no_format_takes_fails_one_export_alone(
    engine: Engine, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clear(engine)
    load(engine, program, tmp_path, ANA, BOB)
    broken = query("SELECT c.id, 1, 2, 3, CAST(CONCAT(c.id, 'x') AS BIGINT) FROM customer AS c")
    whole = export_rows.whole
    monkeypatch.setattr(
        export_rows, "whole", lambda e, p: broken if e.name == "whole" else whole(e, p)
    )
    found = Exporting(tmp_path).run_due(engine, program, NOW)
    assert [(r.export, r.outcome) for r in found] == [("whole", FAILED), ("diffs", DONE)]
    assert found[0].reason and not [f for f in files(tmp_path) if "whole" in f or "some" in f]


# --- what breaks off --------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["before the rename", "after it"])
def test_a_run_that_broke_off_is_finished_once(
    engine: Engine,
    program: Program,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    clear(engine)
    diffs, file = export_of(program, "diffs"), "exports/2026-03-02/d-20260302T100000Z.jsonl"
    load(engine, program, tmp_path, ANA, BOB)

    class Killed(BaseException):
        pass

    def killed(*paths: Path) -> None:
        if moment == "after it":
            replace(*paths)
        raise Killed

    replace = os.replace
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(os, "replace", killed)
        run_export(engine, program, diffs, tmp_path, NOW)
    assert last_runs(engine)["diffs"].outcome == one_run.WRITING
    assert (tmp_path / file).exists() == (moment == "after it")
    # What a reader has taken away does not come back.
    if moment == "after it":
        (tmp_path / file).unlink()
    [made] = Exporting(tmp_path).run_due(engine, program, NOW + DAY)[1:]
    assert (made.rows, made.file, made.outcome) == (0, None, DONE)
    assert (tmp_path / file).exists() == (moment == "before the rename")
    assert [r.outcome for r in runs_of(engine, "diffs")] == [DONE, DONE]
    assert engine.rows(stored.UNFINISHED, {"export": "diffs"}) == []


# --- when -------------------------------------------------------------------------------------


def test_what_is_due_runs_once(engine: Engine, program: Program, tmp_path: Path) -> None:
    clear(engine)
    engine.execute(query("DELETE FROM loaded_source"))
    exporting = Exporting(tmp_path)

    def due(at: datetime) -> list[str]:
        return [r.export for r in exporting.run_due(engine, program, at)]

    assert next_export(engine, program) == datetime.min
    assert due(NOW) == ["diffs"], "no data is loaded, and a calendar begins at once"
    load(engine, program, tmp_path, ANA)
    assert due(NOW) == ["whole"] and due(NOW + timedelta(hours=1)) == []
    morning = datetime(2026, 3, 3, 6)
    assert next_export(engine, program) == morning
    assert due(morning - timedelta(seconds=1)) == [] and due(morning) == ["diffs"]
    # A clock that was a year ahead does not stop the calendar.
    clear(engine)
    exporting.run_due(engine, program, NOW + 365 * DAY)
    assert next_export(engine, program, NOW) == morning
    load(engine, program, tmp_path, ANA, BOB, at=NOW + 4 * DAY)
    assert due(NOW + 4 * DAY) == ["whole"]


def test_a_run_and_a_report_know_of_exports(tmp_path: Path) -> None:
    program = program_of(EXPORTS)
    with opener("duckdb") as opens:
        world = deploy(opens(), program, NOW)
        load(world.engine, program, tmp_path, ANA)
        assert next_work(world) == datetime.min
        (tmp_path / "exports").write_text("no folder", encoding="utf-8")
        Exporting(tmp_path).run_due(world.engine, program, NOW)
        failed = {f.name: f.reason for f in report(world, NOW).failed if f.kind == "export"}
        assert set(failed) == {"whole", "diffs"} and "cannot make" in failed["whole"]


def test_every_two_weeks_is_the_same_week_for_each_store(program: Program) -> None:
    with opener("duckdb") as opens:
        engine = opens()
        other = program_of(EXPORTS.replace("every day at", "every 2 weeks at"))
        deploy(engine, other, NOW)
        rows = [{"number": n, "export": "diffs", "at": NOW + n * DAY} for n in (1, 9)]
        found = []
        for row in rows:
            empty = dict.fromkeys(("data_at", "rows", "digest", "file", "reason"))
            engine.execute(stored.ADD, {**empty, **row, "outcome": DONE})
            found.append(next_export(engine, other))
        assert found[0] is not None and found[1] is not None
        assert (found[1] - found[0]).days in (0, 14) and (
            found[0] - datetime(2001, 1, 1)
        ).days % 14 == 0


# --- mistakes ---------------------------------------------------------------------------------

ONE = 'export e {\n  segment = some\n  fields = [name]\n  kind = csv\n  path = "out/e.csv"\n}\n'


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ("  segment = some\n  fields = [name]\n", "", "CIJ911", "needs a segment or a measure"),
        ("fields = [name]", "by = name", "CIJ911", "of a segment has no `by`"),
        (
            "segment = some",
            "measure = twice\n  by = name",
            "CIJ911",
            "of a measure has no `fields`",
        ),
        ("segment = some", "segment = som", "CIJ202", "there is no segment `som`"),
        ("fields = [name]", "fields = [nmae]", "CIJ202", "there is no field `nmae`"),
        ("kind = csv", "kind = xlsx", "CIJ206", "`kind` is one of"),
        ("kind = csv\n", "", "CIJ205", "needs `kind`"),
        ("out/e.csv", "e.csv", "CIJ912", "a folder of the project and a file in it"),
        ("out/e.csv", "../e.csv", "CIJ912", "a folder of the project and a file in it"),
        ("out/e.csv", "/tmp/e.csv", "CIJ912", "a folder of the project and a file in it"),
        ("out/e.csv", ".cij/e.csv", "CIJ912", "a folder of the project and a file in it"),
        ("out/e.csv", "out/e.txt", "CIJ912", "ends with `.csv`"),
        ("out/e.csv", "out/{day}.csv", "CIJ912", "only `{date}` and `{instant}` are replaced"),
        ("}\n", "}\n" + ONE.replace("export e", "export f"), "CIJ912", "writes to the same file"),
        ("kind = csv", "kind = csv\n  rows = changes", "CIJ913", "changes need a new file"),
        ("kind = csv", "kind = csv\n  when = refresh\n  every day at 06:00", "CIJ203", "two times"),
        ("kind = csv", "kind = csv\n  colour = red", "CIJ204", "has no setting `colour`"),
    ],
)
def test_a_mistake_has_a_sentence(old: str, new: str, code: str, message: str) -> None:
    assert old in ONE
    texts = {"a.journey": DATA + ONE.replace(old, new, 1)}
    found = compile_project(ProjectSettings("p", "UTC"), texts, {}, {}).diagnostics
    assert [d for d in found if message in d.message], [f"{d.code} {d.message}" for d in found]
    assert all(d.code.startswith(code) for d in found if message in d.message), found
