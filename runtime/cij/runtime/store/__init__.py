"""The state: its tables, how older ones are brought over, and all fixed statements, by table.

Statements that depend on a program are compiled (`cij.compiler.sql`); those that do not are here, one
module for each table or group of tables, so that each fact has one place.
"""

from cij.runtime.store.preparing import STORE_VERSION, prepare

__all__ = ["STORE_VERSION", "prepare"]
