"""To version 5: members of segments and entries of queues hold their segment as a number."""

from collections.abc import Iterator

from cij.compiler.sql import Statement, query
from cij.compiler.sql.columns import stored_plainly
from cij.runtime.engine import Engine
from cij.runtime.store.interning import keep_names

_MAKE: dict[str, Statement] = {
    "segment_member": stored_plainly(
        query("CREATE TABLE segment_member (segment BIGINT, customer VARCHAR, since TIMESTAMP)"),
        "customer",
    ),
    "entry_queue": query(
        "CREATE TABLE entry_queue (number BIGINT, journey VARCHAR, customer VARCHAR, "
        "entry_key VARCHAR, trigger BIGINT, entered_from TIMESTAMP, segment BIGINT, "
        "queued_at TIMESTAMP)"
    ),
}
_OTHERS = {
    "segment_member": "customer, since",
    "entry_queue": "number, journey, customer, entry_key, trigger, entered_from, queued_at",
}


def run(engine: Engine) -> None:
    """Rewrite the tables in which a segment is a text."""
    for table in _MAKE:
        if engine.columns_of(table).get("segment") == "VARCHAR":
            texts = engine.rows(query("SELECT DISTINCT s.segment FROM {t} AS s", t=table))
            keep_names(engine, (text for (text,) in texts if text is not None))
            for statement in _written_anew(table):
                engine.execute(statement)


def _written_anew(table: str) -> Iterator[Statement]:
    columns, old = _OTHERS[table], f"{table}_named"
    yield query("ALTER TABLE {t} RENAME TO {old}", t=table, old=old)
    yield _MAKE[table]
    # The numbers have to equal those of `interning.number_of`.
    yield query(
        f"INSERT INTO {{t}} (segment, {columns}) "
        f"SELECT CAST('0x' || SUBSTRING(SHA256(segment), 1, 15) AS BIGINT), {columns} FROM {{old}}",
        t=table,
        old=old,
    )
    yield query("DROP TABLE {old}", old=old)
