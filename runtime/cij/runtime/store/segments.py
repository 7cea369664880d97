"""The tables `segment_state` and `segment_member`."""

from cij.compiler.sql import query

DEFINITION = query("SELECT s.definition FROM segment_state AS s WHERE s.segment = $segment")
# A segment without a state is evaluated at the next tick.
FORGET = query("DELETE FROM segment_state WHERE segment = $segment")

STATES = query("SELECT s.segment, s.evaluated_at, s.joined_at FROM segment_state AS s")
# All segments are evaluated at the next tick.
FORGET_ALL = query("UPDATE segment_state SET evaluated_at = NULL")
KEEP = query(
    "INSERT INTO segment_state (segment, evaluated_at, definition, joined_at) "
    "VALUES ($segment, $now, $definition, $joined_at)"
)
# After an evaluation of all or only of the active customers.
LOOKED = query(
    "UPDATE segment_state SET evaluated_at = $at, joined_at = $joined_at WHERE segment = $segment"
)
