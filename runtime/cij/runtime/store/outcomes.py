"""The type of outcomes in the store."""

from cij.compiler.program import OUTCOMES

# In DuckDB's spelling, so that it can be compared with `columns_of`.
OUTCOME = "ENUM({})".format(", ".join(f"'{outcome}'" for outcome in OUTCOMES))
