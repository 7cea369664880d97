"""One source: its good rows go into its table, its bad rows to quarantine (S24).

All within the caller's transaction: when it raises, the caller rolls back and the old table stays.
"""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from cij.compiler.program import Source, content_hash
from cij.compiler.source_kinds import MAY_LOSE
from cij.compiler.sql import load as statements
from cij.compiler.sql.columns import create
from cij.compiler.sql.records import bad_keys, bad_table
from cij.runtime.engine import Engine
from cij.runtime.errors import StoreLost
from cij.runtime.forgotten import Sieve
from cij.runtime.sources import KINDS
from cij.runtime.sources.loader import Loader
from cij.runtime.sources.many_files import Staged, is_of_files
from cij.runtime.sources.reader import BadRow, failure, files_of, one_of_files, with_environment
from cij.runtime.sources.standing_still import require_still, stamp_of
from cij.runtime.store import meta, sources as stored

# Part of the fingerprints: a change of what loading does makes all sources load again.
_LOADER_VERSION = 2
_SHOWN_BAD_ROWS = 3
# What a source may lose where nothing is written, and how few are never too many.
_MAY_LOSE = "0.1"
_LOST_MIN = 5


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What a refresh did with a source. `read` = `kept` + `bad` + `dropped` by the filter. Of the bad
    rows `stayed` were good before, and are there as they were. Rows `left_out`, of people who were forgotten,
    are in none of these numbers.
    """

    name: str
    read: int
    kept: int
    bad: int
    dropped: int
    is_unchanged: bool = False
    stayed: int = 0
    left_out: int = 0

    def line(self) -> str:
        """Return the report as a sentence."""
        text = f"{self.name}: {self.kept} of {self.read} rows"
        stayed = f", {self.stayed} of them with their last good values" if self.stayed else ""
        parts = [f"{self.bad} bad{stayed}"] * bool(self.bad)
        parts += [f"{self.dropped} left out"] * bool(self.dropped)
        return f"{text} ({', '.join(parts)})" if parts else text


class TornLoad(Exception):
    """A source failed while its rows were being written: the caller has to undo the transaction."""

    def __init__(self, source: str, cause: Exception) -> None:
        super().__init__(str(cause))
        self.source, self.cause = source, cause


@dataclass(slots=True)
class _Bad:
    """Bad rows by ordinal; an ordinal has one reason."""

    reasons: dict[int, str] = field(default_factory=dict)
    firsts: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _BadOfFile:
    file: str
    rows: list[BadRow]
    # Keys in rows that the reader rejected, as texts.
    rejected_keys: list[str]


def load(
    engine: Engine,
    loader: Loader,
    source: Source,
    root: Path,
    now: datetime,
    *,
    is_compared: bool = False,
    is_guarded: bool = False,
    sieve: Sieve | None = None,
) -> SourceReport:
    """Load the source unless neither it nor its definition changed.

    Raises DataError, or any other error of reading, before anything is written; later TornLoad.

    Where its records are compared with those of before, the keys of bad rows are kept. Where the
    disappearance of a row means something, `is_guarded`, a refresh by which many are gone is refused:
    an export that broke off would take everybody out of all journeys (S24). Rows that `sieve` finds are left
    out, and nothing of them is written.
    """
    source = with_environment(source)
    # Both before reading: a file that is replaced meanwhile is another one in the next look.
    mark = _fingerprint(source, root)
    state = engine.rows(stored.STATE, {"source": source.name})
    if state and state[0][0] == mark:
        _, rows, bad = state[0]
        return SourceReport(source.name, rows + bad, rows, bad, 0, is_unchanged=True)
    before = stamp_of(source, root)
    report, bad_rows = _read(loader, source, root, sieve)
    require_still(source, root, before)
    if is_guarded and _asks_the_same(engine, source):
        _judge_disappearance(source, *_lost(engine, loader, source, bad_rows.rejected_keys))
    try:
        stayed = _write(engine, loader, source, bad_rows, now, is_compared=is_compared)
        _remember(engine, source.name, mark, report, now)
        meta.put(engine, *_question(source))
    except StoreLost:
        # It is not about the source.
        raise
    except Exception as error:
        raise TornLoad(source.name, error) from error
    loader.clear()
    return replace(report, stayed=stayed)


def is_usable(engine: Engine, source: Source) -> bool:
    """Tell whether there are rows of a source from before, with the columns that it has now."""
    there = engine.columns_of(statements.table_of(source.name))
    return list(there.items()) == statements.columns_of(source)


def _remember(engine: Engine, name: str, mark: str, report: SourceReport, now: datetime) -> None:
    engine.execute(stored.FORGET_STATE, {"source": name})
    row = {"source": name, "fingerprint": mark, "loaded_at": now}
    row |= {"rows": report.kept, "bad": report.bad}
    engine.append("loaded_source", {column: [value] for column, value in row.items()})


def _question(source: Source) -> tuple[str, str]:
    """Return the name and the mark under which it is kept which rows an author asks for."""
    return f"question {source.name}", content_hash([source.where, source.key])


def _asks_the_same(engine: Engine, source: Source) -> bool:
    """Tell whether the author asks for the same rows as before: what they filter out is not lost."""
    name, mark = _question(source)
    return meta.value(engine, name) in (None, mark)


def _fingerprint(source: Source, root: Path) -> str:
    kind = KINDS[source.kind]
    if is_of_files(source, root):
        files = files_of(source, root)
        marks = [f"{file} {kind.fingerprint(one_of_files(source, file), root)}" for file in files]
        return content_hash([_LOADER_VERSION, source, marks])
    outside = kind.fingerprint(source, root)
    return content_hash([_LOADER_VERSION, source, outside])


def _read(
    loader: Loader, source: Source, root: Path, sieve: Sieve | None
) -> tuple[SourceReport, _BadOfFile]:
    """Read, type and judge the rows; nothing is written yet."""
    staged = loader.stage(source, root)
    loader.parse(source)
    left_out = 0
    if sieve is not None:
        left_out = sieve.sift(loader.engine, statements.PARSED)
        rejected = [row for row in staged.rejected if not any(map(sieve.has, row.keys))]
        staged = replace(staged, rejected=rejected)
    loader.engine.execute(statements.duplicates(source))
    rows, _, dropped = loader.engine.rows(statements.counts(source))[0]
    bad = _bad_rows(loader, source, staged)
    # A row that could not be delimited counts as the lines that it covers.
    read, count = rows + _lines_of(staged.rejected), _lines_of(bad)
    _judge(source, staged.file, read, bad)
    report = SourceReport(
        source.name, read, read - count - dropped, count, dropped, left_out=left_out
    )
    rejected_keys = [key for row in staged.rejected for key in row.keys]
    return report, _BadOfFile(staged.file, bad, rejected_keys)


def _lines_of(rows: list[BadRow]) -> int:
    return sum(row.lines for row in rows)


def _write(
    engine: Engine,
    loader: Loader,
    source: Source,
    bad: _BadOfFile,
    now: datetime,
    *,
    is_compared: bool,
) -> int:
    """Write the good rows and the bad ones; return how many of the bad stay as they were."""
    stayed = _replace(engine, loader, source, bad.rejected_keys)
    if is_compared:
        engine.execute(bad_keys(source))
        _append_bad_keys(engine, loader, source, bad_table(source.name), bad.rejected_keys)
    _quarantine(engine, source, bad.file, bad.rows, now)
    return stayed


def _replace(engine: Engine, loader: Loader, source: Source, rejected_keys: list[str]) -> int:
    """Put the good rows in the place of the old table; returns how many of the bad stay as they were.

    One row that is bad for a day must not take its customer out of all journeys. Where a column is
    another than before, old rows do not fit, and none stays.
    """
    table, columns = statements.table_of(source.name), statements.columns_of(source)
    is_as_before = list(engine.columns_of(table).items()) == columns
    if is_as_before:
        engine.execute(statements.no_keys(source, statements.BAD_KEY))
        _append_bad_keys(engine, loader, source, statements.BAD_KEY, rejected_keys)
        engine.execute(statements.known_before(source))
    engine.execute(statements.drop(source))
    engine.execute(create(table, columns))
    engine.append(table, loader.good_rows(source))
    return engine.execute(statements.stay(source)) if is_as_before else 0


def _append_bad_keys(
    engine: Engine, loader: Loader, source: Source, table: str, rejected: list[str]
) -> None:
    engine.append(table, loader.keys_of_bad(source))
    if rejected:
        engine.append(table, loader.keys_of_rejected(source, rejected))


def _lost(
    engine: Engine, loader: Loader, source: Source, rejected: list[str]
) -> tuple[int, int, int]:
    """Return (rows of before, those of them whose key is not there now, rows that are)."""
    _, type = statements.key_column(source)
    if engine.columns_of(statements.table_of(source.name)).get(source.key) != type:
        return 0, 0, 0
    engine.execute(statements.no_keys(source, statements.KEY_NOW))
    engine.append(statements.KEY_NOW, loader.keys_of_good(source))
    _append_bad_keys(engine, loader, source, statements.KEY_NOW, rejected)
    [(before, lost, left)] = engine.rows(statements.lost(source))
    return before, lost, left


def _bad_rows(loader: Loader, source: Source, staged: Staged) -> list[BadRow]:
    engine = loader.engine
    bad = _Bad(dict(engine.rows(statements.BAD)), dict(engine.rows(statements.DUPLICATES)))
    lines = _lines(staged, bad)
    for ordinal, first in bad.firsts.items():
        other = f" of {staged.file_at(first)}" * (staged.file_at(first) != staged.file_at(ordinal))
        bad.reasons[ordinal] = (
            f"the key {source.key} is that of line {lines[first]}{other} again "
            f"(line {lines[ordinal]})"
        )
    texts = _texts(engine, source, bad)
    found = [
        BadRow(lines[o], reason, texts[o], file=staged.file_at(o))
        for o, reason in bad.reasons.items()
    ]
    return sorted(found + staged.rejected, key=lambda row: (row.file, row.line))


def _lines(staged: Staged, bad: _Bad) -> dict[int, int]:
    wanted = {*bad.reasons, *bad.firsts, *bad.firsts.values()}
    lines = staged.lines(wanted) if wanted else {}
    # A reader that splits rows differently would miss some; a missing number is no reason to fail.
    return {ordinal: lines.get(ordinal, 0) for ordinal in wanted}


def _texts(engine: Engine, source: Source, bad: _Bad) -> dict[int, str]:
    if not bad.reasons:
        return {}
    return dict(engine.rows(statements.contents(source), {"ordinals": json.dumps([*bad.reasons])}))


def _judge_disappearance(source: Source, before: int, lost: int, left: int) -> None:
    """Raise DataError when more rows are gone than may be lost, or when all are.

    Single rows of a small table come and go every day: a few are no broken export.
    """
    may_lose = Decimal(source.settings.get(MAY_LOSE, _MAY_LOSE))
    advice = "If the export is complete, set `may_lose = 100%` for one run."
    if before and not left and max(may_lose, Decimal(source.tolerate)) < 1:
        text = f"it has no rows, and had {before:,} before; the old data stays. {advice}"
        raise failure(source, text)
    if left and lost >= _LOST_MIN and lost > may_lose * before:
        raise failure(
            source,
            f"{lost:,} of the {before:,} rows of before are gone, more than the "
            f"{_percent(str(may_lose))} that it may lose; the old data stays. {advice}",
        )


def _judge(source: Source, file: str, read: int, bad: list[BadRow]) -> None:
    """Raise DataError when more than the tolerated share of the rows is bad."""
    count = _lines_of(bad)
    if not bad or Decimal(count) <= Decimal(source.tolerate) * read:
        return
    shown = "".join(f"\n  {b.file or file}:{b.line}: {b.reason}" for b in bad[:_SHOWN_BAD_ROWS])
    more = len(bad) - _SHOWN_BAD_ROWS
    shown += f"\n  and {more} more" if more > 0 else ""
    advice = next(
        (b.advice for b in bad if b.advice), "Correct the rows, or set `tolerate` higher."
    )
    raise failure(
        source,
        f"{count} of {read} rows are bad, more than the {_percent(source.tolerate)} that it "
        f"tolerates; the old data stays. {advice}{shown}",
    )


def _percent(share: str) -> str:
    return f"{(Decimal(share) * 100).normalize():f}%"


def _quarantine(
    engine: Engine, source: Source, file: str, bad: list[BadRow], now: datetime
) -> None:
    engine.execute(stored.FORGET_BAD, {"source": source.name})
    if not bad:
        return
    columns: dict[str, list[object]] = {
        "source": [source.name] * len(bad),
        "file": [row.file or file for row in bad],
        "line": [row.line for row in bad],
        "reason": [row.reason for row in bad],
        "content": [row.content for row in bad],
        "loaded_at": [now] * len(bad),
    }
    engine.append("quarantine", columns)
