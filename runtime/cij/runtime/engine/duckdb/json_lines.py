"""Texts of statements over the lines of a JSON file. See `FileScan.json_lines`.

DuckDB reads a number with a fraction as a double, which has room for 15 digits. A line that may hold a
longer one gets quotes around its fractions, so that they are texts with all their digits. Inside of a text
a quote would end it, and the line would be no JSON any more: such a line is bad rather than inexact.
"""

from collections.abc import Sequence

# No line of text has the sign that separates its columns: each line is one value.
LINES = """
CREATE VIEW line AS SELECT ROW_NUMBER() OVER () - 1 AS ordinal, text
FROM read_csv({path}, columns = {{'text': 'VARCHAR'}}, delim = '\x01', quote = '', escape = '',
  header = false, auto_detect = false, max_line_size = 16777216, buffer_size = 33554432,
  store_rejects = true, rejects_table = 'csv_reject', rejects_scan = 'csv_reject_scan')
"""

_LONG = "'[0-9][0-9.]{15,}[0-9eE]*'"
_FRACTION = r"'([:\[,]\s*)(-?[0-9]+[.][0-9]+(?:[eE][+-]?[0-9]+)?)(\s*[,}\]])'"


def _quoted(text: str) -> str:
    # Twice, because two neighbours in a list share the comma between them.
    for _ in range(2):
        text = (
            f"regexp_replace({text}, {_FRACTION}, "
            "'\\1' || chr(34) || '\\2' || chr(34) || '\\3', 'g')"
        )
    return text


DOCUMENTS = f"""
CREATE VIEW document AS
SELECT ordinal, text, CASE WHEN json_valid(doc) THEN CAST(doc AS JSON) END AS doc
FROM (
  SELECT ordinal, text,
    CASE WHEN regexp_matches(text, {_LONG}) AND regexp_matches(text, {_FRACTION})
      THEN {_quoted("text")} ELSE text END AS doc
  FROM line WHERE NOT text IS NULL
)
"""


def arrays(path: str, width: int) -> str:
    """Return the query of `ordinal` and the items of each array, as r0, r1, ...

    `path` is a literal of SQL.
    """
    picks = "".join(f", item ->> {n} AS r{n}" for n in range(width))
    return f"""
SELECT ROW_NUMBER() OVER () - 1 AS ordinal{picks}
FROM read_csv({path}, columns = {{'item': 'JSON'}}, delim = ',', quote = '"', escape = '"',
  header = false, auto_detect = false, max_line_size = 67108864, buffer_size = 134217728)
"""


_IS_OBJECT = "COALESCE(json_type(doc) = 'OBJECT', FALSE)"
BAD_OBJECTS = f"SELECT ordinal, text FROM document WHERE NOT {_IS_OBJECT} ORDER BY ordinal"
STRUCTURE = f"SELECT json_group_structure(doc) FROM document WHERE {_IS_OBJECT}"


def members(names: Sequence[str]) -> str:
    """Return the query of `ordinal` and the text of each member, as r0, r1, ..."""
    picks = "".join(f", {_member(name)} AS r{n}" for n, name in enumerate(names))
    return f"SELECT ordinal{picks} FROM document WHERE {_IS_OBJECT}"


def _member(name: str) -> str:
    whole = _text_at(_pointer([name]))
    parts = name.split(".")
    if len(parts) == 1:
        return whole
    # A member may itself have a point in its name.
    return f"COALESCE({whole}, {_text_at(_pointer(parts))})"


def _text_at(pointer: str) -> str:
    # A number that no double can hold has no text, but it has a JSON text.
    return f"COALESCE(doc ->> {pointer}, NULLIF(CAST(doc -> {pointer} AS VARCHAR), 'null'))"


def _pointer(parts: Sequence[str]) -> str:
    """Return a JSON pointer (RFC 6901) as a literal of SQL."""
    path = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
    return "'" + path.replace("'", "''") + "'"
