"""Forgetting people (S27): in the store, its backups, and the files of the project.

    the person --> files --> backups --> tables, with their marks --> the state file anew --> what is left

Each step may be made again: after a crash the same order finds what is still there.
"""

import secrets
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cij.app.backup import backup_folder
from cij.app.idle_run import forget_idle
from cij.app.open_store import has_store, nothing_yet, open_state_file, open_when_free, store_path
from cij.app.project import Project, open_project
from cij.app.request_error import RequestError
from cij.app.transports import message_folders
from cij.compiler.program import Program
from cij.compiler.sql import query
from cij.runtime import forgotten
from cij.runtime.clock import LiveClock
from cij.runtime.deploy import prepare
from cij.runtime.engine import Engine, rewrite_state_file
from cij.runtime.errors import ConfigError, StoreError, StoreLocked
from cij.runtime.forgetting import erase as erasing
from cij.runtime.forgetting.identifying import Person, identify
from cij.runtime.forgetting.traces_in_files import (
    Cleaning,
    Message,
    Texts,
    clean_files,
    files_that_name,
)
from cij.runtime.insight.person import deployed, find
from cij.runtime.intake import marks_of
from cij.runtime.private_files import private_files
from cij.runtime.store import export_runs, forgotten as stored, meta

_MESSAGES = query(
    "SELECT o.key, o.channel, o.created_at FROM outbox AS o "
    "WHERE o.customer IN (SELECT f.id FROM forget_customer AS f)"
)


@dataclass(slots=True)
class Forgotten:
    """What forgetting one person did.

    `rows` and `files` are counts by table and by kind of file. `backups` were emptied too, and those in
    `failed` could not be, with the reasons. `named` are files of the project that name them still.
    `sources` are those that may bring them again. `shared` are addresses that somebody else has too.
    """

    who: str
    ids: list[str]
    rows: dict[str, int] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    backups: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    shared: list[str] = field(default_factory=list)


def forget(
    path: Path, people: Sequence[str], on_wait: Callable[[str], None] = lambda text: None
) -> list[Forgotten]:
    """Forget each of the people: an id, the key of a record such as `shop:17`, or an address.

    Raises: ConfigError where nothing has run yet; StoreLocked while `cij run` is running; RequestError for
    somebody whom nobody knows, before anybody is forgotten.
    """
    project = open_project(path)
    state = _state(project)
    now, found = LiveClock().now(), []
    with closing(_opened(project, on_wait)) as engine:
        program = _program(engine)
        ids = {who: _ids(engine, program, who) for who in people}
        texts: list[tuple[Forgotten, Cleaning]] = []
        for who in people:
            done, cleaning = _forget_one(project, engine, program, who, ids[who], now)
            found.append(done)
            texts.append((done, cleaning))
        engine.maintain(is_thorough=True)
    # A server frees the space of deleted rows by itself (docs/postgresql.md).
    if not project.settings.store.is_shared:
        with private_files():
            rewrite_state_file(state)
    forget_idle(project.root)
    for done, cleaning in texts:
        anew = {state, *(project.root / name for name in done.backups)}
        done.named = files_that_name(cleaning, anew)
    return found


def allow(path: Path, people: Sequence[str]) -> dict[str, bool]:
    """Let people come back who were forgotten; return for each text whether it was one of theirs.

    Raises: ConfigError; StoreLocked.
    """
    project = open_project(path)
    _state(project)
    with closing(_opened(project, lambda text: None)) as engine:
        program = _program(engine)
        if not forgotten.is_anybody(engine):
            return dict.fromkeys(people, False)
        key = forgotten.store_key(engine)
        found = {who: _allow_one(engine, program, key, who) for who in people}
    forget_idle(project.root)
    return found


def _allow_one(engine: Engine, program: Program, key: str, who: str) -> bool:
    person = identify(engine, program, [], who)
    marks = {*marks_of(key, who, program), *erasing.marks_of(person, key)}
    return bool(forgotten.allow(engine, marks, person.addresses))


def export(
    path: Path, who: str, on_wait: Callable[[str], None] = lambda text: None
) -> dict[str, Any]:
    """Return all that the store has of a person, by table, and what identifies them.

    Raises: as `forget`.
    """
    project = open_project(path)
    _state(project)
    with closing(_opened(project, on_wait)) as engine:
        program = _program(engine)
        person = identify(engine, program, _ids(engine, program, who), who)
        _require_known(person, who)
        return {
            "person": who,
            "ids": person.ids,
            "records": [
                f"{source}:{key}" for source, key in person.keys if not source.startswith(":")
            ],
            "addresses": [form for _, form in person.addresses] + person.shared,
            "tables": erasing.export(engine, program),
        }


# --- the store ----------------------------------------------------------------------------------


def _state(project: Project) -> Path:
    if not has_store(project):
        raise nothing_yet(project)
    return store_path(project)


def _opened(project: Project, on_wait: Callable[[str], None]) -> Engine:
    try:
        return open_when_free(project, on_wait=on_wait)
    except StoreLocked as error:
        # A run has messages in its hands, and the values of customers in its memory.
        raise StoreLocked(
            f"{error}. While it runs, nobody can be forgotten or told what is kept of them: stop it, give "
            "this order, and start it again"
        ) from error


def _program(engine: Engine) -> Program:
    program = deployed(engine)
    if program is None:
        raise ConfigError("nothing has run here yet; start with `cij run`")
    prepare(engine, program)
    return program


def _ids(engine: Engine, program: Program, who: str) -> list[str]:
    """Return the customers that a text names. Raises: RequestError for several, or for none."""
    found = find(engine, program, who)
    if len(found) > 1:
        known = ", ".join(f"{c.id} ({c.how})" for c in found)
        raise RequestError(f"`{who}` may be any of {known}; give the id")
    if not found:
        _require_known(identify(engine, program, [], who), who)
    return [c.id for c in found]


def _require_known(person: Person, who: str) -> None:
    if not person.is_known:
        raise RequestError(
            f"nobody is known as `{who}`; give an id, a key such as `shop:17`, or an address"
        )


def _forget_one(
    project: Project, engine: Engine, program: Program, who: str, ids: list[str], now: datetime
) -> tuple[Forgotten, Cleaning]:
    person = identify(engine, program, ids, who)
    done = Forgotten(who, person.ids, shared=person.shared)
    cleaning = _cleaning(project, engine, person)
    done.files = clean_files(cleaning)
    key = meta.value(engine, stored.KEY) or secrets.token_hex(16)
    for backup in _backups(project):
        name = backup.relative_to(project.root).as_posix()
        try:
            _forget_in(backup, person, key, now)
            done.backups.append(name)
        except StoreError as error:
            done.failed[name] = str(error)
    done.rows = erasing.erase(engine, program, person, key, now)
    done.sources = {
        s.name: s.settings.get("path", "")
        for s in program.sources
        if done.rows.get(f"source_{s.name}")
    }
    return done, cleaning


def _backups(project: Project) -> list[Path]:
    state = store_path(project)
    kept = state.parent.glob(f"{state.name}.*.before-restore")
    return sorted([*(project.root / backup_folder()).glob("*.duckdb"), *kept])


def _forget_in(backup: Path, person: Person, key: str, now: datetime) -> None:
    with closing(open_state_file(backup)) as engine:
        program = deployed(engine)
        if program is not None:
            prepare(engine, program)
            there = identify(engine, program, person.ids, person.ids[0] if person.ids else "")
            there.addresses = sorted({*there.addresses, *person.addresses})
            erasing.erase(engine, program, there, key, now)
            engine.maintain(is_thorough=True)
    with private_files():
        rewrite_state_file(backup)


# --- files --------------------------------------------------------------------------------------


def _cleaning(project: Project, engine: Engine, person: Person) -> Cleaning:
    named = [f"{source}:{key}" for source, key in person.keys if not source.startswith(":")]
    sure = [*person.texts, *named]
    return Cleaning(
        root=project.root,
        state=store_path(project),
        folders=message_folders(project),
        messages=tuple(Message(*row) for row in engine.rows(_MESSAGES)),
        texts=Texts(sure),
        names=Texts([*sure, *person.names]),
        ids=frozenset(person.ids),
        exports=tuple(file for (file,) in engine.rows(export_runs.FILES)),
    )
