"""From the staged text of a source to its typed rows, and to the rows that are bad (S24).

In the loader, which is DuckDB whatever the store is:

    staging(ordinal, r0, r1, ...)   all text, in the order of `Source.columns`
    parsed               the columns under their names and types, "#ordinal", "#reason"
    duplicate(ordinal, first)   rows whose key an earlier row has

In the store:

    source_<name>        the rows without a reason that pass the filter
    key_bad(key)         keys of the rows that are bad now
    key_now(key)         keys of all rows that are there now, good or bad
    known                rows of before with such a key: they stay as they were

Missing is a text that is empty or one of the setting `null`. A row is bad when some text does
not fit its type, or when its key or a column that must be known is missing.
"""

from collections.abc import Collection

from sqlglot import exp

from cij.compiler.program import Source, SourceColumn
from cij.compiler.source_kinds import EPOCHS, texts
from cij.compiler.sql.columns import (
    SQL_TYPES,
    all_of,
    column,
    literal,
    named,
    select,
)
from cij.compiler.sql.condition import Scope, condition
from cij.compiler.sql.epochs import datetime_formats, is_epoch, since_1970
from cij.compiler.sql.lists import one_of, parsed_list
from cij.compiler.sql.making import make, scratch
from cij.compiler.sql.parameters import list_of
from cij.compiler.sql.source_numbers import plain_number
from cij.compiler.sql.template import Statement, fill, query
from cij.compiler.sql.zones import UTC_NAMES, periods
from cij.compiler.types import Kind
from cij.compiler.written_values import (
    CALLED,
    DATETIME_OFFSET_GROUP,
    NO,
    PATTERNS,
    WHITE_SPACE,
    YES,
)

_DECIMAL = SQL_TYPES["decimal"]
STAGE, STAGE_OF_FILE, PARSED = "staging", "staging_file", "parsed"
BAD_KEY, KEY_NOW = "key_bad", "key_now"

DUPLICATES = query("SELECT d.ordinal, d.first FROM duplicate AS d ORDER BY d.ordinal")
BAD = query(
    'SELECT p."#ordinal", p."#reason" FROM parsed AS p '
    'WHERE NOT p."#reason" IS NULL ORDER BY p."#ordinal"'
)
CLEAR = tuple(
    query("DROP TABLE IF EXISTS {t}", t=t) for t in (STAGE, STAGE_OF_FILE, "parsed", "duplicate")
)


def table_of(source: str) -> str:
    """Return the name of the table that holds the clean rows of a source."""
    return f"source_{source}"


def columns_of(source: Source) -> list[tuple[str, str]]:
    """Return (name, SQL type) of the table of clean rows, in order."""
    return [(c.name, SQL_TYPES[c.type.kind]) for c in source.columns]


# --- in the loader ----------------------------------------------------------------------------


def staging(width: int, table: str = STAGE) -> Statement:
    """Return the statement that makes `staging`, empty, for a source of `width` columns."""
    columns = [("ordinal", "BIGINT"), *((f"r{i}", "VARCHAR") for i in range(width))]
    return scratch(table, columns)


def add_file(source: Source, given: Collection[str]) -> Statement:
    """Return the statement that adds the staged rows of one file, numbered from `$first` on.

    The values of the columns `given` are not in the file: they are `$v0`, `$v1`, ...
    """
    cells: list[exp.Expr] = [fill("s.ordinal + {first}", first=exp.Placeholder(this="first"))]
    inside = iter(range(len(source.columns)))
    places = {name: n for n, name in enumerate(given)}
    for c in source.columns:
        if c.outside in places:
            mark = exp.Placeholder(this=f"v{places[c.outside]}")
            cells.append(fill("CAST({v} AS VARCHAR)", v=mark))
        else:
            cells.append(column("s", f"r{next(inside)}"))
    rows = select(cells, "SELECT 1 FROM {t} AS s", t=STAGE_OF_FILE)
    return query("INSERT INTO {t} SELECT a.* FROM {rows} AS a", t=STAGE, rows=rows)


def parse(source: Source) -> Statement:
    """Return the statement that makes `parsed` of `staging`."""
    zoned = [i for i, c in enumerate(source.columns) if _is_zoned(source, c)]
    columns = [named(_value(source, i), c.name) for i, c in enumerate(source.columns)]
    columns.append(named(column("t", "#ordinal"), "#ordinal"))
    rows = select(columns + _texts(source), "SELECT 1 FROM {t} AS t", t=_with_locals(source))
    for i in zoned:
        rows = _joined(rows, source, i)
    kept = [column("p", c.name) for c in source.columns] + [column("p", "#ordinal")]
    final = select(
        [*kept, named(_reason(source), "#reason")], "SELECT 1 FROM {rows} AS p", rows=rows
    )
    return make("parsed", final)


def duplicates(source: Source) -> Statement:
    """Return the statement that finds rows with the key of an earlier row that is good too."""
    rows = fill(
        """
SELECT p."#ordinal" AS ordinal, f.first AS first
FROM parsed AS p
JOIN (
  SELECT {key} AS k, MIN(p."#ordinal") AS first FROM parsed AS p
  WHERE {good} GROUP BY {key} HAVING COUNT(*) > 1
) AS f ON {key} = f.k
WHERE {good} AND p."#ordinal" > f.first
""",
        key=column("p", source.key),
        good=_good(source),
    )
    return make("duplicate", rows)


def good_rows(source: Source) -> Statement:
    """Return the query for the rows of the table of the source."""
    rows = select(
        [column("p", c.name) for c in source.columns],
        "SELECT 1 FROM parsed AS p WHERE {good} "
        'AND NOT EXISTS (SELECT 1 FROM duplicate AS d WHERE d.ordinal = p."#ordinal")',
        good=_good(source),
    )
    return Statement(rows)


def keys_of_good(source: Source) -> Statement:
    """Return the query for the keys, as `key`, of the rows of the table of the source."""
    return query(
        "SELECT {key} AS key FROM parsed AS p WHERE {good} "
        'AND NOT EXISTS (SELECT 1 FROM duplicate AS d WHERE d.ordinal = p."#ordinal")',
        key=column("p", source.key),
        good=_good(source),
    )


def keys_of_bad(source: Source) -> Statement:
    """Return the query for the keys, as `key`, of the bad rows in which it can be read."""
    return query(
        'SELECT {key} AS key FROM parsed AS p WHERE NOT p."#reason" IS NULL AND NOT {key} IS NULL',
        key=column("p", source.key),
    )


def keys_of_rejected(source: Source) -> Statement:
    """Return the query for `key` of `$keys`: texts of the key in rows that the reader rejected.

    Empty where the key is of a type that has more than one text for a value.
    """
    c = next(c for c in source.columns if c.name == source.key)
    raw = column("l", "item")
    value = _clean(source, c, raw) if c.type.kind == "text" else _parsed("integer", raw)
    return query(
        "SELECT DISTINCT r.key FROM (SELECT {value} AS key FROM {list} AS l) AS r "
        "WHERE NOT r.key IS NULL AND {is_known}",
        value=value,
        list=list_of("keys", "VARCHAR"),
        is_known=exp.true() if c.type.kind in ("text", "integer") else exp.false(),
    )


def counts(source: Source) -> Statement:
    """Return the query for (rows staged, bad before duplicates, dropped by the filter)."""
    return query(
        'SELECT COUNT(*), COUNT(*) FILTER (WHERE NOT p."#reason" IS NULL), '
        'COUNT(*) FILTER (WHERE p."#reason" IS NULL AND ({good}) IS NOT TRUE) FROM parsed AS p',
        good=_good(source),
    )


def contents(source: Source) -> Statement:
    """Return the query for (ordinal, text) of the staged rows `$ordinals`: `name=value, ...`."""
    parts = [
        fill("{label} || {r}", label=literal(f"{c.name}="), r=column("s", f"r{i}"))
        for i, c in enumerate(source.columns)
    ]
    text = exp.func("CONCAT_WS", literal(", "), *parts, dialect="duckdb")
    return query(
        "SELECT s.ordinal, {text} FROM staging AS s WHERE s.ordinal IN (SELECT l.item FROM {list} AS l)",
        text=text,
        list=list_of("ordinals", "BIGINT"),
    )


def _good(source: Source) -> exp.Expr:
    parts = [fill('p."#reason" IS NULL')]
    if source.where is not None:
        parts.append(condition(source.where, Scope.source("p", source)))
    return all_of(parts)


# --- in the store -----------------------------------------------------------------------------


def key_column(source: Source) -> tuple[str, str]:
    """Return (name, SQL type) of the one column of a table of keys."""
    return "key", next(type for name, type in columns_of(source) if name == source.key)


def no_keys(source: Source, table: str) -> Statement:
    """Return the statement that makes a scratch table of keys, empty."""
    return scratch(table, [key_column(source)])


def lost(source: Source) -> Statement:
    """Return the query for (rows of the old table, those whose key is not there now, keys that are)."""
    return query(
        "SELECT COUNT(*), COUNT(*) FILTER (WHERE NOT {key} IN (SELECT k.key FROM key_now AS k)), "
        "(SELECT COUNT(*) FROM key_now AS c) FROM {t} AS o",
        t=table_of(source.name),
        key=column("o", source.key),
    )


def known_before(source: Source) -> Statement:
    """Return the statement that makes `known` of the rows in the old table whose rows are bad now."""
    rows = fill(
        "SELECT o.* FROM {t} AS o WHERE {key} IN (SELECT b.key FROM key_bad AS b)",
        t=table_of(source.name),
        key=column("o", source.key),
    )
    return make("known", rows)


def drop(source: Source) -> Statement:
    """Return the statement that removes the old table."""
    return query("DROP TABLE IF EXISTS {t}", t=table_of(source.name))


def stay(source: Source) -> Statement:
    """Return the statement that adds `known` to the new table, unless a good row has the key."""
    return query(
        "INSERT INTO {t} SELECT k.* FROM known AS k "
        "WHERE NOT {key} IN (SELECT {own} FROM {t} AS s)",
        t=table_of(source.name),
        key=column("k", source.key),
        own=column("s", source.key),
    )


# --- one column -------------------------------------------------------------------------------


def _is_free_text(c: SourceColumn) -> bool:
    return c.type.kind == "text" and c.type.values is None


def _raw(source: Source, i: int) -> exp.Expr:
    return _clean(source, source.columns[i], column("s", f"r{i}"))


def _clean(source: Source, c: SourceColumn, text: exp.Expr) -> exp.Expr:
    clean = "NFC_NORMALIZE({r})" if c.type.kind == "text" else "TRIM({r}, {spaces})"
    if c.type.values is not None:
        clean = "TRIM(NFC_NORMALIZE({r}), {spaces})"
    tree = fill(f"NULLIF({clean}, '')", r=text, spaces=literal(WHITE_SPACE))
    return without_words(tree, texts(source.settings.get("null")))


def without_words(tree: exp.Expr, nulls: tuple[str, ...]) -> exp.Expr:
    """Return the text, or null where it is one of `nulls`."""
    if not nulls:
        return tree
    # Not one NULLIF in another: an engine writes the inner one out twice, and so on.
    words = one_of(tree, nulls)
    return fill("CASE WHEN {words} THEN NULL ELSE {a} END", words=words, a=tree)


def _texts(source: Source) -> list[exp.Expr]:
    # The text of what is not text: for the reasons.
    columns = enumerate(source.columns)
    return [named(column("t", f"r{i}"), f"#r{i}") for i, c in columns if not _is_free_text(c)]


def _with_locals(source: Source) -> exp.Expr:
    """Raw texts (r) and, for each datetime, its local time (l) and its offset as text (o)."""
    raws = [named(_raw(source, i), f"r{i}") for i in range(len(source.columns))]
    rows = select([*raws, fill('s.ordinal AS "#ordinal"')], "SELECT 1 FROM staging AS s")
    columns = [column("q", f"r{i}") for i in range(len(source.columns))]
    columns.append(column("q", "#ordinal"))
    for i, c in enumerate(source.columns):
        if c.type.kind == "datetime":
            columns += [named(_local(source, i), f"l{i}"), named(_offset(source, i), f"o{i}")]
    return select(columns, "SELECT 1 FROM {rows} AS q", rows=rows)


def _extract(i: int, group: int) -> exp.Expr:
    return fill(
        f"REGEXP_EXTRACT({{r}}, {{pattern}}, {group})",
        r=column("q", f"r{i}"),
        pattern=literal(PATTERNS["datetime"]),
    )


def _local(source: Source, i: int) -> exp.Expr:
    iso = fill("TRY_CAST({a} AS TIMESTAMP)", a=_extract(i, 1))
    # The formats first: `%Y-%d-%m` and ISO 8601 read the same text differently.
    for text in reversed(datetime_formats(source)):
        raw = column("q", f"r{i}")
        found = since_1970(text, raw) if text in EPOCHS else _by_format(text, raw)
        iso = fill("COALESCE(CAST({found} AS TIMESTAMP), {iso})", iso=iso, found=found)
    return _bounded(iso, "TIMESTAMP")


def _offset(source: Source, i: int) -> exp.Expr:
    found = _extract(i, DATETIME_OFFSET_GROUP)
    for text in datetime_formats(source):
        if text in EPOCHS:
            # A count from 1970 is in UTC, whatever the zone of the source.
            is_number = is_epoch(text, column("q", f"r{i}"))
            found = fill("CASE WHEN {n} THEN 'Z' ELSE {found} END", n=is_number, found=found)
    return found


def _is_zoned(source: Source, c: SourceColumn) -> bool:
    return c.type.kind == "datetime" and source.timezone not in UTC_NAMES


def _joined(rows: exp.Expr, source: Source, i: int) -> exp.Expr:
    assert isinstance(rows, exp.Select)
    joined = fill(
        "SELECT 1 FROM x AS t ASOF LEFT JOIN {zone} AS {z} ON {l} >= {z}.local_from",
        zone=periods(source.timezone),
        z=f"z{i}",
        l=column("t", f"l{i}"),
    )
    rows.append("joins", joined.args["joins"][0])
    return rows


# The offset `+05:30`, `+0530` or `-03` in seconds.
_OFFSET_S = """
(CASE WHEN SUBSTRING({o}, 1, 1) = '-' THEN -1 ELSE 1 END) * (
  CAST(SUBSTRING({o}, 2, 2) AS BIGINT) * 3600
  + CASE WHEN LENGTH({o}) > 3 THEN CAST(SUBSTRING({o}, LENGTH({o}) - 1, 2) AS BIGINT) * 60 ELSE 0 END
)
"""


def _instant(source: Source, i: int) -> exp.Expr:
    local, offset = column("t", f"l{i}"), column("t", f"o{i}")
    plain = local
    if _is_zoned(source, source.columns[i]):
        text = "GREATEST({l} - {z}.offset_s * INTERVAL '1' SECOND, {z}.utc_from)"
        plain = fill(text, l=local, z=f"z{i}")
    return fill(
        f"""
CASE
  WHEN COALESCE({{o}}, '') = '' THEN {{plain}}
  WHEN {{o}} IN ('Z', 'z') THEN {{l}}
  ELSE {{l}} - {_OFFSET_S} * INTERVAL '1' SECOND
END
""",
        l=local,
        o=offset,
        plain=plain,
    )


_PARSERS = {
    "integer": "CASE WHEN REGEXP_MATCHES({r}, {pattern}) THEN TRY_CAST({r} AS BIGINT) END",
    "decimal": f"CASE WHEN REGEXP_MATCHES({{r}}, {{pattern}}) THEN TRY_CAST({{r}} AS {_DECIMAL}) END",
    "money": f"CASE WHEN REGEXP_MATCHES({{r}}, {{pattern}}) THEN TRY_CAST({{r}} AS {_DECIMAL}) END",
    "percent": (
        "CASE WHEN NOT REGEXP_MATCHES({r}, {pattern}) THEN NULL "
        f"WHEN STRPOS({{r}}, '%') > 0 THEN TRY_CAST(REPLACE({{r}}, '%', '') AS {_DECIMAL}) * 0.01 "
        f"ELSE TRY_CAST({{r}} AS {_DECIMAL}) END"
    ),
    "boolean": "CASE WHEN {yes} THEN TRUE WHEN {no} THEN FALSE END",
    "date": "CASE WHEN REGEXP_MATCHES({r}, {pattern}) THEN TRY_CAST({r} AS DATE) END",
    "time": "CASE WHEN REGEXP_MATCHES({r}, {pattern}) THEN TRY_CAST({r} AS TIME) END",
}


def _value(source: Source, i: int) -> exp.Expr:
    type, raw = source.columns[i].type, column("t", f"r{i}")
    kind = type.kind
    if type.values is not None:
        return fill("CASE WHEN {found} THEN {r} END", found=one_of(raw, type.values), r=raw)
    if type.item is not None:
        return parsed_list(raw, type.item, source.columns[i].separator)
    if kind == "datetime":
        # Of a local time in the last hours of the year 9999 the instant may be later.
        return _bounded(_instant(source, i), "TIMESTAMP")
    if kind == "date":
        return _bounded(_date(source, raw), "DATE")
    if kind in ("integer", "decimal", "money", "percent"):
        raw = plain_number(source, raw)
    return _parsed(kind, raw) if kind in _PARSERS else raw


def _parsed(kind: Kind, raw: exp.Expr) -> exp.Expr:
    if kind == "boolean":
        lower = fill("LOWER({r})", r=raw)
        return fill(_PARSERS[kind], yes=one_of(lower, YES), no=one_of(lower, NO))
    return fill(_PARSERS[kind], r=raw, pattern=literal(PATTERNS[kind]))


def _date(source: Source, raw: exp.Expr) -> exp.Expr:
    iso = _parsed("date", raw)
    for text in reversed(texts(source.settings.get("date_format"))):
        found = _by_format(text, raw)
        iso = fill("COALESCE(CAST({found} AS DATE), {iso})", iso=iso, found=found)
    return iso


_LAST = {"DATE": "9999-12-31", "TIMESTAMP": "9999-12-31 23:59:59.999999"}


def _bounded(tree: exp.Expr, type: str) -> exp.Expr:
    # No infinity, and no year that ISO 8601 and Python do not have.
    return fill(
        f"CASE WHEN {{v}} BETWEEN CAST('0001-01-01' AS {type}) "
        f"AND CAST('{_LAST[type]}' AS {type}) THEN {{v}} END",
        v=tree,
    )


def _by_format(text: str, raw: exp.Expr) -> exp.Expr:
    """Read a text by a format of the source. A year of two digits is none, unless it is declared: `%y`."""
    found = fill("TRY_STRPTIME({r}, {format})", r=raw, format=literal(text))
    if "%y" in text or "%-y" in text:
        return found
    first = fill("CAST('1000-01-01' AS TIMESTAMP)")
    return fill("CASE WHEN {v} >= {first} THEN {v} END", v=found, first=first)


# --- reasons ----------------------------------------------------------------------------------


def _reason(source: Source) -> exp.Expr:
    parts = [_wrong(i, c) for i, c in enumerate(source.columns) if not _is_free_text(c)]
    parts += [_missing(source, c) for c in source.columns if _must_be_known(source, c)]
    return exp.Coalesce(this=parts[0], expressions=parts[1:]) if parts else exp.null()


def _must_be_known(source: Source, c: SourceColumn) -> bool:
    return c.name == source.key or not c.is_nullable


def _wrong(i: int, c: SourceColumn) -> exp.Expr:
    return fill(
        "CASE WHEN {v} IS NULL AND NOT {r} IS NULL THEN CONCAT({head}, {r}, {tail}) END",
        v=column("p", c.name),
        r=column("p", f"#r{i}"),
        head=literal(f'column {c.name}: "'),
        tail=literal(f'" is not {_a(c)}'),
    )


def _a(c: SourceColumn) -> str:
    if c.type.values is not None:
        return "one of " + ", ".join(f'"{v}"' for v in c.type.values)
    if c.type.item is not None:
        form = "a JSON array" if c.separator is None else f'a list separated by "{c.separator}"'
        return f"{form} of {c.type.item}"
    return CALLED[c.type.kind]


def _missing(source: Source, c: SourceColumn) -> exp.Expr:
    text = f"the key {c.name} is missing" if c.name == source.key else f"{c.name} is missing"
    return fill("CASE WHEN {v} IS NULL THEN {text} END", v=column("p", c.name), text=literal(text))
