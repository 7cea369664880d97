"""A source has another name: what the store keeps under the older one (S26)."""

from cij.compiler.sql import Statement, query

IS_KNOWN = query("SELECT 1 FROM customer_key AS k WHERE k.source = $old LIMIT 1")

# A key that both names have stays with the newer one.
MOVE = (
    query(
        "UPDATE customer_key SET source = $new WHERE customer_key.source = $old "
        "AND NOT EXISTS(SELECT 1 FROM customer_key AS k "
        "WHERE k.source = $new AND k.key = customer_key.key)"
    ),
    query("UPDATE newcomer SET of_source = $new WHERE newcomer.of_source = $old"),
    query("DELETE FROM quarantine WHERE quarantine.source = $old"),
)
STATE = query(
    "UPDATE loaded_source SET source = $new WHERE loaded_source.source = $old "
    "AND NOT EXISTS(SELECT 1 FROM loaded_source AS s WHERE s.source = $new)"
)
QUESTION = query("UPDATE meta SET name = $new_question WHERE meta.name = $old_question")


def table(old: str, new: str) -> Statement:
    """Return the statement that gives a table another name."""
    return query("ALTER TABLE {old} RENAME TO {new}", old=old, new=new)
