"""The tables `segment_state` and `segment_member`."""

from cij.compiler.sql import query

DEFINITION = query("SELECT s.definition FROM segment_state AS s WHERE s.segment = $segment")
# A segment without a state is evaluated at the next tick.
FORGET = query("DELETE FROM segment_state WHERE segment = $segment")
