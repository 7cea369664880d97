"""The tables `source_state` and `quarantine`: the last load of each source, and its bad
rows (S24)."""

from cij.compiler.sql import query

STATE = query("SELECT s.fingerprint, s.rows, s.bad FROM source_state AS s WHERE s.source = $source")
FORGET_STATE = query("DELETE FROM source_state WHERE source_state.source = $source")
FORGET_BAD = query("DELETE FROM quarantine WHERE quarantine.source = $source")
