"""Retention: rows and files that are older than the project wants to keep them are deleted.

    quarantine   rows and events that were put aside
    events       events, unless a source still has the row, or a passage that goes on reads them
    messages     address, values and answers of messages that are settled, and their files
    history      steps and kept values of passages that have ended
    answers      answers to orders that nobody fetched
    backups      backups in `.cij/backup`, and states that a restore has kept

What decides whether something may happen again stays: passages, and keys of messages.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cij.compiler.channels import CHANNELS
from cij.compiler.program import Program
from cij.compiler.sql import intake, query
from cij.compiler.sql.aging import old_events
from cij.compiler.sql.load import table_of
from cij.runtime.engine import Engine
from cij.runtime.inbox import answers_folder
from cij.runtime.private_files import require_inside
from cij.runtime.state_folder import state_folder
from cij.runtime.store import meta

KINDS = ("quarantine", "events", "messages", "history", "answers", "backups")

# An event of long ago that has just come is still to be looked at by journeys.
_ARRIVED = timedelta(days=1)

_QUARANTINE = query("DELETE FROM quarantine WHERE quarantine.loaded_at < $before")
_MESSAGES = query(
    "UPDATE outbox_row SET address = NULL, parameters = NULL, reason = NULL, provider_id = NULL "
    "WHERE outbox_row.settled_at < $before "
    "AND NOT outbox_row.outcome IN ('queued', 'sending', 'uncertain', 'failed') "
    "AND NOT (outbox_row.address IS NULL AND outbox_row.parameters IS NULL "
    "AND outbox_row.reason IS NULL AND outbox_row.provider_id IS NULL)"
)
_ENDED = "(SELECT p.id FROM passage_row AS p WHERE p.ended_at < $before)"
_HISTORY = (
    query(f"DELETE FROM move WHERE move.passage IN {_ENDED}"),
    query(f"DELETE FROM series WHERE series.passage IN {_ENDED}"),
    query(f"DELETE FROM noted_event WHERE noted_event.passage IN {_ENDED}"),
    query(
        "UPDATE passage_row SET at_entry = NULL "
        "WHERE passage_row.ended_at < $before AND NOT passage_row.at_entry IS NULL"
    ),
)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long each kind is kept, the folders of messages, and the state file; a kind without an age is
    kept for ever."""

    ages: Mapping[str, timedelta] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    state: Path | None = None


def age(
    engine: Engine, program: Program, retention: Retention, root: Path, now: datetime
) -> dict[str, int]:
    """Delete what is too old, once a day; return how many rows and files by kind."""
    today = f"{now:%Y-%m-%d}"
    if not retention.ages or meta.value(engine, meta.AGED) == today:
        return {}
    found: dict[str, int] = {}
    with engine.transaction():
        for kind, kept_for in retention.ages.items():
            limits = {"before": now - kept_for, "arrived": now - _ARRIVED}
            found[kind] = _age_rows(engine, program, kind, limits)
        meta.put(engine, meta.AGED, today)
    for kind, kept_for in retention.ages.items():
        files = _old_files(_files(kind, retention, root), now - kept_for)
        found[kind] += sum(_delete(root, file) for file in files)
    return {kind: count for kind, count in found.items() if count}


def _age_rows(engine: Engine, program: Program, kind: str, limit: Mapping[str, datetime]) -> int:
    match kind:
        case "quarantine":
            return engine.execute(_QUARANTINE, limit)
        case "messages":
            return engine.execute(_MESSAGES, limit)
        case "history":
            return sum(engine.execute(each, limit) for each in _HISTORY)
        case "events":
            return _age_events(engine, program, limit)
    return 0


def _age_events(engine: Engine, program: Program, limit: Mapping[str, datetime]) -> int:
    sources = {s.name: s for s in program.sources}
    found = 0
    for event in program.events:
        source = sources.get(event.source or "")
        if not engine.columns_of(intake.event_table(event)):
            continue
        if source is not None and not engine.columns_of(table_of(source.name)):
            # Nobody can tell which rows would come again.
            continue
        found += engine.execute(old_events(event, source), limit)
    return found


def _files(kind: str, retention: Retention, root: Path) -> Iterable[Path]:
    match kind:
        case "answers":
            return (root / answers_folder()).glob("*.json")
        case "messages":
            ways = [folder / way for folder in retention.folders for way in (*CHANNELS, "action")]
            return [file for way in ways for file in way.glob("*/*")]
        case "backups":
            kept = (root / state_folder() / "backup").glob("*.duckdb")
            state = retention.state
            return [*kept, *(state.parent.glob(f"{state.name}.*.before-restore*") if state else ())]
    return ()


def _old_files(files: Iterable[Path], before: datetime) -> list[Path]:
    limit = before.replace(tzinfo=UTC).timestamp()
    return [f for f in files if not f.is_symlink() and f.is_file() and f.stat().st_mtime < limit]


def _delete(root: Path, file: Path) -> int:
    require_inside(root, file)
    file.unlink(missing_ok=True)
    return 1
