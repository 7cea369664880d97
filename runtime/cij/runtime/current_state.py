"""Whose state a store is, and whether it is the newest: what a run asks before it does anything.

The ledger beside the state says how far the sending was. A state that knows less would send again
what was sent (S19), so it is refused, or accepted by an order of the operator.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from cij.compiler.sql import query
from cij.runtime.delivery.ledger import Ledger
from cij.runtime.engine import Engine
from cij.runtime.errors import StoreError
from cij.runtime.store import meta, sent_before

# A new file has none.
_TABLES = query(
    "SELECT COUNT(*) FROM information_schema.tables AS t WHERE t.table_schema = CURRENT_SCHEMA()"
)
_ACCEPT = (
    "If there is none, `cij run --accept-state` goes on with this one, and keeps as `uncertain` what "
    "the ledger says was sent"
)


def identify(engine: Engine, project: str, now: datetime) -> None:
    """Give a new store its id and its project."""
    if meta.value(engine, meta.STORE_ID) is None:
        text = f"{project} {now.isoformat()}"
        with engine.transaction():
            meta.put(engine, meta.STORE_ID, sha256(text.encode()).hexdigest()[:16])
    if meta.value(engine, meta.PROJECT) is None:
        with engine.transaction():
            meta.put(engine, meta.PROJECT, project)


def owner_fault(engine: Engine, project: str) -> str | None:
    """Return why a file is no state of a project; None where it is one."""
    if not engine.columns_of("meta"):
        return "it is no state of cij"
    owner = meta.value(engine, meta.PROJECT)
    return None if owner in (None, project) else f"it belongs to the project `{owner}`"


def fault_of(
    engine: Engine, project: str, ledger: Ledger, others: Sequence[Ledger] = ()
) -> str | None:
    """Return why a run must not use a state, and what to do; None where it may.

    `others` are as in `accept`.
    """
    own = _fault_of_own(engine, project, ledger)
    faults = (own, *(_fault_of_copy(engine, other) for other in others))
    return next((fault for fault in faults if fault is not None), None)


def _fault_of_own(engine: Engine, project: str, ledger: Ledger) -> str | None:
    if not engine.columns_of("meta"):
        count = engine.rows(_TABLES)[0][0]
        if count:
            return f"the file has {count} tables, and none of them is of cij"
        return _fault_of_age(engine, ledger)
    owner = meta.value(engine, meta.PROJECT)
    if owner is not None and owner != project:
        return (
            f"the state belongs to the project `{owner}`, and cij.toml says `{project}`. If the project "
            "has a new name, run `cij run --accept-state` once"
        )
    return _fault_of_age(engine, ledger)


def _fault_of_age(engine: Engine, ledger: Ledger) -> str | None:
    why = _older(engine, ledger)
    if why is None:
        return None
    return f"{why}. A run would send messages again. Put the newest state file back. {_ACCEPT}"


def _older(engine: Engine, ledger: Ledger) -> str | None:
    last = ledger.last()
    has_meta = bool(engine.columns_of("meta"))
    handed = int(meta.value(engine, meta.HANDED) or 0) if has_meta else 0
    if last is None:
        missing = "there is no ledger beside the state, so it may be a copy of another one"
        return missing if handed else None
    if not has_meta:
        return f"the state is gone from which messages were sent here, the last ones at {last.at}Z"
    if last.store != meta.value(engine, meta.STORE_ID):
        return "the state is another one than that from which messages were sent here"
    # A state that is ahead has claimed a batch just before a crash, and nothing of it left.
    if last.handed <= handed:
        return None
    return (
        f"the state is older than what was sent from it: it knows {handed} batches of messages, and "
        f"{last.handed} were handed over, the last one at {last.at}Z"
    )


def _fault_of_copy(engine: Engine, other: Ledger) -> str | None:
    """Return why a run must not use a state beside another one of the project; None where it may.

    `other` is the ledger of the state of the other kind: `cij store copy` moves a project between the two.
    """
    last = other.last()
    if last is None:
        return None
    store = meta.value(engine, meta.STORE_ID) if engine.columns_of("meta") else None
    if store is None:
        return fault_of_new(other)
    handed = int(meta.value(engine, meta.HANDED) or 0)
    if last.store != store or last.handed <= handed:
        return None
    return (
        f"the project was moved to another store, and messages were sent from there, the last ones at "
        f"{last.at}Z (the ledger is {other.path}). A run from this one would send them again. Use the other "
        f"store, or bring it here with `cij store copy`. {_ACCEPT}"
    )


def fault_of_new(other: Ledger) -> str | None:
    """Return why a run must not begin a new state beside another one of the project; None where it may."""
    if (last := other.last()) is None:
        return None
    return (
        f"messages of the project were sent from another store, the last ones at {last.at}Z (the ledger "
        f"is {other.path}), and this one is new. A run would send them again. `cij store copy` brings "
        f"everybody here. {_ACCEPT}"
    )


def require_own(
    engine: Engine, project: str, ledger: Ledger, others: Sequence[Ledger] = ()
) -> None:
    """Raise StoreError where a run must not use the state. `others` are as in `accept`."""
    if (why := fault_of(engine, project, ledger, others)) is not None:
        raise StoreError(why)


def accept(
    engine: Engine, project: str, ledger: Ledger, now: datetime, others: Sequence[Ledger] = ()
) -> int:
    """Make a state the current one of a project; return how many messages a newer one had sent.

    `others` are the ledgers of the stores of the other kind, from which the project may have sent. What the
    state would send again becomes `uncertain` instead.
    """
    ledgers = [ledger, *(other for other in others if _fault_of_copy(engine, other))]
    identify(engine, project, now)
    handed = int(meta.value(engine, meta.HANDED) or 0)
    store = meta.value(engine, meta.STORE_ID) or ""
    marks: Counter[str] = Counter()
    number = handed
    for each in ledgers:
        if (last := each.last()) is not None:
            # What two ledgers know was sent once.
            marks |= Counter(each.marks_after(store, handed))
            number = max(number, last.handed)
    # The next batch has a number that no ledger knows, whichever state is put in place later.
    number += 1
    with engine.transaction():
        meta.put(engine, meta.PROJECT, project)
        meta.put(engine, meta.HANDED, str(number))
        sent_before.keep(engine, marks.elements())
    ledger.note(store, number, (), now)
    return marks.total()
