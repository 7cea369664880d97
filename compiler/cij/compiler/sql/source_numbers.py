"""Numbers of a source that are written with other signs than a point: `1.234,50`, `1 234.50`."""

import re

from sqlglot import exp

from cij.compiler.program import Source
from cij.compiler.sql.columns import literal
from cij.compiler.sql.template import fill

# What people write as a blank between thousands, too.
_BLANKS = " \u00a0\u202f"


def plain_number(source: Source, raw: exp.Expr) -> exp.Expr:
    """Return the text of a number with a point and without signs of thousands.

    Null where it is not written as the source says: with `decimal = ","`, `1.5` could be either.
    """
    point, thousands = source.settings.get("decimal", "."), source.settings.get("thousands")
    if point == "." and thousands is None:
        return raw
    text = raw
    for sign in _signs(thousands):
        text = fill("REPLACE({t}, {sign}, '')", t=text, sign=literal(sign))
    if point != ".":
        text = fill("REPLACE({t}, {point}, '.')", t=text, point=literal(point))
    pattern = literal(_pattern(point, _signs(thousands)))
    return fill(
        "CASE WHEN REGEXP_MATCHES({r}, {pattern}) THEN {t} END", r=raw, pattern=pattern, t=text
    )


def _signs(thousands: str | None) -> str:
    return _BLANKS if thousands in (*_BLANKS,) else thousands or ""


def _pattern(point: str, signs: str) -> str:
    """Digits in groups of three, or without groups; then a fraction, and perhaps a percent sign."""
    between = "".join(re.escape(sign) for sign in signs)
    grouped = f"|[0-9]{{1,3}}([{between}][0-9]{{3}})+" if signs else ""
    return f"^[+-]?([0-9]*{grouped})({re.escape(point)}[0-9]*)? ?%?$"
