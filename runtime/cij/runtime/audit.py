"""The audit of keys: there is no index on them, so a query tells whether each stands once (S19)."""

from dataclasses import dataclass

from cij.compiler.sql import Statement, query
from cij.compiler.sql.columns import COLUMNS_THERE
from cij.compiler.sql.store import KEYED, audit
from cij.runtime.engine import Engine


@dataclass(frozen=True, slots=True)
class Audit:
    """How many rows have a key, and the keys that more than one of a table has."""

    count: int
    doubles: tuple[str, ...]


def audit_keys(engine: Engine) -> Audit:
    """Look at all keys; of a store that nothing ran on, none."""
    tables = [table for table in KEYED if engine.rows(COLUMNS_THERE, {"table": table})]
    rows = [row for table in tables for row in engine.rows(audit(table))]
    count = sum(engine.rows(_count(table))[0][0] for table in tables)
    return Audit(count, tuple(key for key, _ in rows))


def _count(table: str) -> Statement:
    return query("SELECT COUNT(*) FROM {table}", table=table)
