"""The store: its tables, their migrations, and all fixed statements by table.

Statements that depend on a program are compiled (`cij.compiler.sql`). All others are here, one
module for each table or group of tables, so that each fact about a table has one place.
"""

from cij.runtime.store.preparing import STORE_VERSION, prepare

__all__ = ["STORE_VERSION", "prepare"]
