"""SQL, as sqlglot trees: the only importer of sqlglot.

    program --condition, segment, load, unify, events, plan--> statements

Statements are written as DuckDB text with holes for trees (`template`), parsed once, and printed
for any dialect. Values are bound parameters and never part of the text, so no value can change a
statement.
"""

from cij.compiler.sql.template import Making, Statement, query

__all__ = ["Making", "Statement", "query"]
