"""The table `entry_queue`: customers who wait to enter a journey."""

from cij.compiler.sql import query

WAITING = query("SELECT COUNT(*) FROM entry_queue AS q WHERE q.journey = $journey")
