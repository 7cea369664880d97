"""The SQL of each function of `cij.compiler.functions`: one row each."""

from cij.compiler.types import LIST_SIGN

FUNCTION_SQL: dict[str, str] = {
    "lower": "LOWER({a})",
    "upper": "UPPER({a})",
    "trim": "TRIM({a}, {spaces})",
    "length": "LENGTH({a})",
    "round": "ROUND({a}, 0)",
    "year": "EXTRACT(YEAR FROM {a})",
    "month": "EXTRACT(MONTH FROM {a})",
    "day": "EXTRACT(DAY FROM {a})",
    "number": (
        "CAST(CASE WHEN REGEXP_MATCHES({a}, '^ *[+-]?[0-9]{1,18}([.][0-9]+)? *$') THEN {a} END "
        "AS DECIMAL(38, 6))"
    ),
    # Of the items of a list: each is followed by the sign, and one more stands before them.
    "count": f"LENGTH({{a}}) - LENGTH(REPLACE({{a}}, '{LIST_SIGN}', '')) - 1",
    "text": "CAST({a} AS TEXT)",
}
