"""The audit of keys: there is no index on them, so a query tells whether each stands once (S19)."""

from dataclasses import dataclass

from cij.runtime.engine import Engine
from cij.runtime.store import keys


@dataclass(frozen=True, slots=True)
class Audit:
    """How many rows have a key, and the keys that more than one of a table has."""

    count: int
    doubles: tuple[str, ...]


def audit_keys(engine: Engine) -> Audit:
    """Look at all keys; of a store that nothing ran on, none."""
    tables = [table for table in keys.KEYED if engine.columns_of(table)]
    rows = [row for table in tables for row in engine.rows(keys.doubles(table))]
    count = sum(engine.rows(keys.count(table))[0][0] for table in tables)
    return Audit(count, tuple(key for key, _ in rows))
