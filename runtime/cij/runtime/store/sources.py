"""The tables `loaded_source` and `quarantine`: the last load of each source, and its bad
rows (S24)."""

from cij.compiler.sql import query

STATE = query(
    "SELECT s.fingerprint, s.rows, s.bad FROM loaded_source AS s WHERE s.source = $source"
)
FORGET_STATE = query("DELETE FROM loaded_source WHERE loaded_source.source = $source")
FORGET_BAD = query("DELETE FROM quarantine WHERE quarantine.source = $source")
