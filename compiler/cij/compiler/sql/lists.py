"""Lists and enums out of the staged text of a source."""

from collections.abc import Sequence

from sqlglot import exp

from cij.compiler.sql.columns import literal
from cij.compiler.sql.template import fill
from cij.compiler.types import LIST_SIGN, Type
from cij.compiler.written_values import WHITE_SPACE

_JSON = "TRY_CAST(TRY_CAST({r} AS JSON) AS VARCHAR[])"
_SEPARATED = "STRING_SPLIT({r}, {separator})"

# Whether an item is of its type, as `x`.
_FITS = {
    "text": "STRPOS(x, {sign}) = 0",
    "integer": "REGEXP_MATCHES(x, {pattern})",
    "date": "REGEXP_MATCHES(x, {pattern}) AND NOT TRY_CAST(x AS DATE) IS NULL",
}
_PATTERNS = {
    "integer": "^(0|-?[1-9][0-9]{0,17})$",
    "date": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
}


def one_of(tree: exp.Expr, values: Sequence[str]) -> exp.Expr:
    """Return whether a text is one of the values of an enum."""
    found = fill("{a} IN (0)", a=tree)
    found.set("expressions", [literal(v) for v in values])
    return found


def parsed_list(raw: exp.Expr, item: Type, separator: str | None) -> exp.Expr:
    """Return the text that a list is kept as, null where the raw text is no list of such items.

    Spaces around items and empty items say nothing.
    """
    holes = {"r": raw, "separator": literal(separator or "")}
    read = fill(_JSON if separator is None else _SEPARATED, **holes)
    items = fill(
        "LIST_FILTER(LIST_TRANSFORM({read}, x -> NFC_NORMALIZE(TRIM(x, {spaces}))), "
        "x -> NOT x IS NULL AND x <> '')",
        read=read,
        spaces=literal(WHITE_SPACE),
    )
    return fill(
        "CASE WHEN LENGTH(LIST_FILTER({items}, x -> {fits})) = LENGTH({items}) "
        "THEN ARRAY_TO_STRING(LIST_PREPEND('', LIST_APPEND({items}, '')), {sign}) END",
        items=items,
        fits=_fits(item),
        sign=literal(LIST_SIGN),
    )


def _fits(item: Type) -> exp.Expr:
    if item.values is not None:
        return one_of(exp.column("x"), item.values)
    pattern = literal(_PATTERNS.get(item.kind, ""))
    return fill(_FITS[item.kind], sign=literal(LIST_SIGN), pattern=pattern)
