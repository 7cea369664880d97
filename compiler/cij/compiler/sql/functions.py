"""The SQL of the functions of `cij.compiler.functions`, one row for each."""

from cij.compiler.types import LIST_SIGN

FUNCTION_SQL: dict[str, str] = {
    "lower": "LOWER({a})",
    "upper": "UPPER({a})",
    "trim": "TRIM({a}, {spaces})",
    "replace": "REPLACE({a}, {b}, {c})",
    "length": "LENGTH({a})",
    "round": "ROUND({a}, 0)",
    "year": "EXTRACT(YEAR FROM {a})",
    "month": "EXTRACT(MONTH FROM {a})",
    "day": "EXTRACT(DAY FROM {a})",
    "hour": "EXTRACT(HOUR FROM {a})",
    "minute": "EXTRACT(MINUTE FROM {a})",
    # The smallest whole number divided by -1 would overflow.
    "mod": "{a} % CASE WHEN {b} = -1 THEN 1 ELSE NULLIF({b}, 0) END",
    # The pattern comes first, because a cast of other text fails the whole statement. Text that is
    # no number is unknown (S1).
    "number": (
        "CAST(CASE WHEN REGEXP_MATCHES({a}, '^ *[+-]?[0-9]{1,18}([.][0-9]+)? *$') THEN {a} END "
        "AS DECIMAL(38, 6))"
    ),
    # The number of items of a list. A sign follows each item, and one more is before the first.
    "count": f"LENGTH({{a}}) - LENGTH(REPLACE({{a}}, '{LIST_SIGN}', '')) - 1",
    "text": "CAST({a} AS TEXT)",
}
