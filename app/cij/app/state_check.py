"""What `cij doctor` says of the store of a project: can it be used, is it the newest, are its keys unique."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from cij.app.config import Settings
from cij.app.finding import Finding
from cij.app.open_store import (
    ledger_of,
    open_shared,
    open_state_file,
    other_ledgers,
    sent_elsewhere,
)
from cij.app.project import Project, open_project
from cij.compiler.naming import near_hint
from cij.runtime.errors import ConfigError, StoreError, StoreLocked
from cij.runtime.zone_names import zone_names

if TYPE_CHECKING:
    from cij.runtime.audit import Audit
    from cij.runtime.engine import Engine
    from cij.runtime.report_data import UnknownZone

_SHOWN_MAX = 3


def check_state(root: Path, settings: Settings) -> Iterator[Finding]:
    """Yield what is found about the store. A run that has it open is no failure."""
    project = open_project(root)
    try:
        yield from _on_server(project) if project.settings.store.is_shared else _in_file(project)
    except StoreLocked:
        text = f"{settings.store.path} is in use, most likely by a run; its keys were not checked"
        yield Finding("warn", "state", text)
    except (ConfigError, StoreError) as error:
        yield Finding("fail", "state", str(error))


def _in_file(project: Project) -> Iterator[Finding]:
    shown, file = project.settings.store.path, project.root / project.settings.store.path
    if file.exists():
        text = f"{shown} is free, {file.stat().st_size:,} bytes"
        with closing(open_state_file(file)) as engine:
            yield from _of_store(engine, project, text)
    elif (last := ledger_of(project).last()) is not None:
        text = f"is gone, and messages were sent from it, the last ones at {last.at}Z"
        yield Finding("fail", "state", f"{shown} {text}")
    elif (why := sent_elsewhere(project)) is not None:
        yield Finding("fail", "state", why)
    else:
        yield Finding("ok", "state", f"{shown} does not exist yet; cij run makes it")


def _on_server(project: Project) -> Iterator[Finding]:
    from cij.runtime.engine import server_facts

    store = project.settings.store
    with closing(open_shared(store, "doctor", is_reader=True)) as engine:
        for fact in server_facts(engine):
            yield Finding("warn" if fact.is_risk else "ok", "server", fact.text)
        is_there = bool(engine.columns_of("meta"))
        text = "has a store" if is_there else "has no store yet; cij run makes it"
        text = f"the schema {store.schema_} on the server {text}"
        yield from _of_store(engine, project, text)


def _of_store(engine: "Engine", project: Project, text: str) -> Iterator[Finding]:
    """Yield what keeps a run from a store; where nothing does, `text` and the findings about its rows."""
    from cij.runtime.audit import audit_keys
    from cij.runtime.current_state import fault_of
    from cij.runtime.store.preparing import unusable
    from cij.runtime.zones import unknown

    ledgers = ledger_of(project), other_ledgers(project)
    fault = unusable(engine) or fault_of(engine, project.settings.project.name, *ledgers)
    if fault is not None:
        yield Finding("fail", "state", fault)
        return
    yield Finding("ok", "state", text)
    if engine.columns_of("meta"):
        yield _keys(audit_keys(engine))
        yield from _unknown_zones(unknown(engine), project.settings.project.timezone)


def _keys(found: "Audit") -> Finding:
    if not found.doubles:
        return Finding("ok", "keys", f"each of {found.count:,} messages and writes occurs once")
    first = ", ".join(found.doubles[:_SHOWN_MAX])
    more = f" and {len(found.doubles) - _SHOWN_MAX:,} more" * (len(found.doubles) > _SHOWN_MAX)
    return Finding(
        "fail", "keys", f"something that must happen once is stored twice: {first}{more}"
    )


def _unknown_zones(found: "Sequence[UnknownZone]", instead: str) -> Iterator[Finding]:
    """Yield a warning for zones that do not exist.

    Their customers get messages at wrong hours (S4).
    """
    for zone in found[:_SHOWN_MAX]:
        hint = near_hint(zone.zone, zone_names())
        text = f'"{zone.zone}" does not exist{f"; {hint}" if hint else ""}'
        who = f"{zone.count:,} customer{'' if zone.count == 1 else 's'}, one is {zone.customer}"
        detail = f"{text}\n{who}; for them the journey's zone counts, else {instead}"
        yield Finding("warn", "customers' zone", detail)
    if len(found) > _SHOWN_MAX:
        yield Finding("warn", "customers' zone", "there are more; `cij status` lists them")
