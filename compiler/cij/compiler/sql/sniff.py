"""The type that the staged text of a column fits, for sources that declare no columns.

Stricter than the loader, which reads what its author has declared: `007` and `+34` stay text, for a
leading zero or a plus sign is part of a name, such as a phone number. A whole number
that does not fit 64 bits is a decimal.
"""

from sqlglot import exp

from cij.compiler.sql.columns import literal, select
from cij.compiler.sql.load import STAGE
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
    for null in nulls:
        tree = fill("NULLIF({a}, {null})", a=tree, null=literal(null))
    return tree


def _fits(kind: str, raw: exp.Expr) -> exp.Expr:
    return fill(_FITS[kind], r=raw, pattern=literal(_PATTERNS.get(kind, "")))
