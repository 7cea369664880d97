"""The type that the staged text of a column fits, for sources that declare no columns.

Stricter than the loader, which reads what its author has declared: `007` and `+34` stay text, for a
leading zero or a plus sign is part of a name, such as a phone number. A whole number
that does not fit 64 bits is a decimal.
"""

from sqlglot import exp

from cij.compiler.sql.columns import literal, select
from cij.compiler.sql.load import STAGE, without_words
from cij.compiler.sql.template import Statement, fill
from cij.compiler.written_values import PATTERNS, WHITE_SPACE

# Candidates from the narrowest to the widest. Text fits always, so it is not among them.
KINDS = ("boolean", "integer", "decimal", "date", "datetime")

_INTEGER = "^-?(0|[1-9][0-9]{0,17})$"
_DECIMAL = "^-?(0|[1-9][0-9]{0,27})([.][0-9]{1,10})?$"
_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_FITS = {
    "boolean": "LOWER({r}) IN ('true', 'false', 't', 'f')",
    "integer": "REGEXP_MATCHES({r}, {pattern})",
    "decimal": "REGEXP_MATCHES({r}, {pattern})",
    "date": "REGEXP_MATCHES({r}, {pattern}) AND NOT TRY_CAST({r} AS DATE) IS NULL",
    "datetime": (
        "REGEXP_MATCHES({r}, {pattern}) "
        "AND NOT TRY_CAST(REGEXP_EXTRACT({r}, {pattern}, 1) AS TIMESTAMP) IS NULL"
    ),
}
_PATTERNS = {
    "integer": _INTEGER,
    "decimal": _DECIMAL,
    "date": _DATE,
    "datetime": PATTERNS["datetime"],
}


def sniff(count: int, nulls: tuple[str, ...]) -> Statement:
    """Return the query that counts the values that fit each type, for the first `count` columns.

    `nulls` are the texts that mean missing. Shape: one row, with the number of rows; then for each
    column how many values are known, and how many of these fit each of KINDS.
    """
    counts: list[exp.Expr] = [fill("COUNT(*)")]
    for i in range(count):
        raw = _known(i, nulls)
        counts.append(fill("COUNT({r})", r=raw))
        counts += [fill("COUNT(*) FILTER (WHERE {fits})", fits=_fits(k, raw)) for k in KINDS]
    return Statement(select(counts, "SELECT 1 FROM {t} AS s", t=STAGE))


def _known(i: int, nulls: tuple[str, ...]) -> exp.Expr:
    raw = exp.column(f"r{i}", "s", quoted=True)
    tree = fill("NULLIF(TRIM({r}, {spaces}), '')", r=raw, spaces=literal(WHITE_SPACE))
    return without_words(tree, nulls)


def _fits(kind: str, raw: exp.Expr) -> exp.Expr:
    return fill(_FITS[kind], r=raw, pattern=literal(_PATTERNS.get(kind, "")))


# --- how a file writes them -------------------------------------------------------------------

_DAYS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y")
# Formats of dates that are tried where a column is text otherwise; those with a time after them.
DATE_FORMATS = (*_DAYS, *(f"{day} {time}" for day in _DAYS for time in ("%H:%M", "%H:%M:%S")))
# Words for a missing value that are found in files.
NULL_WORDS = ("NULL", "null", "None", "N/A", "n/a", "NA", "#N/A", "NaN", "nan", "\\N", "-", "?")
_COMMA = "^[+-]?([0-9]+|[0-9]{1,3}([.][0-9]{3})+)(,[0-9]+)?$"
_GROUPED = "^[+-]?[0-9]{1,3}([.][0-9]{3})+(,[0-9]+)?$"
_LIKE_A_DATE = "^[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}( [0-9]{1,2}:[0-9:]+)?$"
# Enough to know a form by; a row behind them that does not fit is a bad row like any other.
_ROWS_MAX = 50_000


def look(i: int, nulls: tuple[str, ...]) -> Statement:
    """Return the query for how the column `i` is written, in the first rows.

    Shape: one row, with the number of rows; then how many values are known, how many different ones
    there are, how many fit each of KINDS, how many fit each of DATE_FORMATS; how many are numbers with a
    comma as their point, how many have such a comma, how many have points between thousands; how many
    are each of NULL_WORDS.
    """
    raw, word = exp.column("r", "q", quoted=True), exp.column("w", "q", quoted=True)
    tests = [_fits(kind, raw) for kind in KINDS]
    tests += [_by_format(raw, format) for format in DATE_FORMATS]
    tests += [_matches(raw, _COMMA), fill("STRPOS({r}, ',') > 0", r=raw), _matches(raw, _GROUPED)]
    tests += [fill("{w} = {word}", w=word, word=literal(each)) for each in NULL_WORDS]
    counts: list[exp.Expr] = [fill("COUNT(*)"), fill("COUNT({r})", r=raw)]
    counts.append(fill("COUNT(DISTINCT {r})", r=raw))
    counts += [fill("SUM(CASE WHEN {test} THEN 1 ELSE 0 END)", test=test) for test in tests]
    rows = fill(
        "SELECT {r} AS r, {w} AS w FROM {t} AS s WHERE s.ordinal < {n}",
        r=_known(i, nulls),
        w=_known(i, ()),
        t=STAGE,
        n=exp.Literal.number(_ROWS_MAX),
    )
    return Statement(select(counts, "SELECT 1 FROM {rows} AS q", rows=rows))


def _by_format(raw: exp.Expr, format: str) -> exp.Expr:
    # Most texts are no date, and a failing TRY_STRPTIME takes longer than all other tests together.
    return fill(
        "CASE WHEN {may} THEN NOT TRY_STRPTIME({r}, {f}) IS NULL ELSE FALSE END",
        may=_matches(raw, _LIKE_A_DATE),
        r=raw,
        f=literal(format),
    )


def _matches(raw: exp.Expr, pattern: str) -> exp.Expr:
    return fill("REGEXP_MATCHES({r}, {pattern})", r=raw, pattern=literal(pattern))
