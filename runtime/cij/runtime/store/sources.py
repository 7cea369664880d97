"""The tables `loaded_source` and `quarantine`: the last load of each source, and its bad
rows (S24)."""

from cij.compiler.sql import query

STATE = query(
    "SELECT s.fingerprint, s.rows, s.bad FROM loaded_source AS s WHERE s.source = $source"
)
FORGET_STATE = query("DELETE FROM loaded_source WHERE loaded_source.source = $source")
FORGET_BAD = query("DELETE FROM quarantine WHERE quarantine.source = $source")
# What is remembered beside sources has a `#` in its name.
LOADS = query(
    "SELECT s.source, s.loaded_at, s.rows, s.bad FROM loaded_source AS s "
    "WHERE NOT s.source LIKE '#%' ORDER BY s.source"
)
BAD_ROWS = query(
    "SELECT q.file, q.line, q.reason FROM quarantine AS q WHERE q.source = $source "
    "ORDER BY q.file, q.line LIMIT $limit"
)
