"""Values at the ends of what a type takes, and beyond, for `tests/value_fuzzing.py`."""

NUMBERS = (
    *("0", "-0", "1", "-1", "0.1", "-0.0000000001", "2147483648", "9223372036854775807"),
    *("9223372036854775808", "-9223372036854775808", "9" * 27, "9" * 28, "9" * 38, "9" * 60),
    *("0." + "3" * 10, "0." + "3" * 30, "1e3", "1e400", "-1e-400", "1_000", "0x10", "१२", "½"),
    *("NaN", "Infinity", "-inf", "+5", " 7 ", "1,5", "1.", ".5", "00012", "12.50 EUR"),
)
DATES = (
    *("2026-03-02", "0001-01-01", "0000-01-01", "9999-12-31", "10000-01-01", "1582-10-10"),
    *("2024-02-29", "2023-02-29", "26-03-02", "2026-3-2", "-0044-03-15", "+2026-03-02"),
)
INSTANTS = (
    *("2026-03-02T10:00:00Z", "2026-03-02 10:00", "9999-12-31T23:59:59.999999Z"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"),
    *("2026-03-29T02:30:00", "2026-10-25T02:30:00", "2016-12-31T23:59:60Z", "2026-03-02T24:00:00Z"),
    *("2026-03-02T10:00:00.123456789Z", "2026-03-02T10:00:00+99:99", "1969-12-31T23:59:59.9Z"),
)
TIMES = ("00:00", "23:59:59", "24:00", "08:15:30.5", "8:15", "25:61")
TEXTS = (
    *(
        "",
        " ",
        "plain",
        "o'brien",
        '"',
        "\\",
        "\x00",
        "\x1b[2J\x1b]0;x\x07",
        "\u2028",
        "\u2029",
        "\x85",
    ),
    *(
        "\ud800",
        "\udfff",
        "\ud83d\udca9",
        "é",
        "e\u0301",
        "\u3164",
        "\u202e",
        "\ufeff",
        "\t\r\n",
        "a\rb",
    ),
    *(
        "%s %d {0} {{ x }} {% if %}",
        "<b>&amp;</b>",
        "cijmark0x",
        "cijmark99x",
        "]]>",
        "'; DROP TABLE x; --",
    ),
    *(
        "x" * 60_000,
        "字" * 20_000,
        "a" * 5_000 + "@example.com",
        "\U0010ffff",
        "null",
        "true",
        "[]",
        "{}",
    ),
)
ADDRESSES = (
    *(
        "ana@example.com",
        "ANA@Example.COM",
        "a@straße.example",
        "a@b",
        "@",
        "a@@b",
        '"a b"@example.com',
    ),
    *(
        "a@" + "x" * 300 + ".example",
        "é@example.com",
        "a@[127.0.0.1]",
        "+34600000001",
        "0034 600 000 001",
    ),
    *("shop:1", "shop:", ":1", "shop:\u2028", "c0123456789abcde"),
)
LISTS = ("", ";", "a;b", ";".join("x" * 5_000), "a;;b", '["a", "b"]', "1;2;x")
KINDS: dict[str, tuple[str, ...]] = {
    "email": ADDRESSES,
    "points": NUMBERS,
    "spent": NUMBERS,
    "share": (*NUMBERS, "10%", "1000000%"),
    "rate": NUMBERS,
    "born_on": DATES,
    "seen_at": INSTANTS,
    "opens": TIMES,
    "is_vip": ("yes", "no", "true", "0", "vrai", "maybe"),
    "tags": LISTS,
    "sizes": (*LISTS, "9223372036854775808;1"),
    "plan": ("free", "paid", "FREE", "other"),
}
# What a source takes, at the ends of what it takes: with these the calculations begin.
VALID: dict[str, tuple[str, ...]] = {
    "email": ("ana@example.com", "", "a@xn--strae-oqa.example"),
    "points": ("0", "1", "-1", "9223372036854775807", "-9223372036854775808", ""),
    "spent": ("0", "0.01", "-5", "9" * 27, "1" + "0" * 25, ""),
    "share": ("0%", "100%", "0.0000000001", "99999999999%", ""),
    "rate": ("0", "0.0000000001", "-" + "9" * 27, "9" * 27 + ".9999999999", "1", ""),
    "born_on": ("0001-01-01", "9999-12-31", "2024-02-29", "1970-01-01", ""),
    "seen_at": ("0001-01-02 00:00:00", "9999-12-30 23:59:59", "2026-03-29 02:30:00", ""),
    "opens": ("00:00", "23:59:59", ""),
    "is_vip": ("yes", "no", ""),
    "tags": ("a;b", "", "x"),
    "sizes": ("1;2", "9223372036854775807", ""),
    "plan": ("free", "paid", ""),
}
EVENT = """
event happened {
  fields {
    a_text = text
    a_number = decimal
    a_whole = integer
    an_amount = money(EUR)
    a_date = date
    a_time = datetime
    a_list = list(text, ";")
  }
}
"""
EVENT_FIELDS: dict[str, tuple[str, ...]] = {
    "a_text": TEXTS,
    "a_number": NUMBERS,
    "a_whole": NUMBERS,
    "an_amount": NUMBERS,
    "a_date": DATES,
    "a_time": INSTANTS,
    "a_list": LISTS,
}
FILTERS = (
    *(
        "abs",
        "ceil",
        "floor",
        "round",
        "round: 3",
        "round: points",
        "plus: 1",
        "minus: rate",
        "times: 99",
    ),
    *(
        "divided_by: points",
        "divided_by: 0.3",
        "modulo: points",
        "modulo: rate",
        "at_least: 3",
        "at_most: rate",
    ),
    *(
        "append: '!'",
        "prepend: tags",
        "upcase",
        "capitalize",
        "size",
        "slice: 2",
        "slice: -1, 400",
        "truncate: 3",
    ),
    *(
        "truncatewords: 2",
        "split: ','",
        "join: ' '",
        "first",
        "last",
        "reverse",
        "sort",
        "uniq",
        "strip",
    ),
    *(
        "replace: 'a', 'b'",
        "remove: ' '",
        "url_encode",
        "strip_newlines",
        "squish",
        "date: '%Y'",
        "date: '%'",
    ),
    *("date: plan", "default: 'x'", "default: 0"),
)
FIELDS = tuple(KINDS)
WHOLES = (
    "points",
    "rate",
    "share",
    "points + 1",
    "rate * rate",
    "count(happened)",
    "sum(happened.a_number)",
)
CONDITIONS = (
    "{n} / {m} > {x}",
    "{n} * {m} * {n} < {x}",
    "{n} - {m} * {x} = {x} + {n}",
    "abs({n}) > {x} or not (round({m}) <= {x})",
    "spent > 99999999999999999999 EUR or spent * 9 > 1 EUR",
    "born_on + {d} > today()",
    "seen_at - {d} < now()",
    "any(happened within last {d})",
    "any(happened where a_time > seen_at and a_date <= born_on)",
    "count(happened since 0001-01-01) > 0 or any(happened between 1970-01-01 and 9999-12-31)",
    "max(happened.a_number) / min(happened.a_whole) > {x}",
    "sum(happened.an_amount) > 5 EUR and avg(happened.a_number) < {x}",
    'last(happened.a_text) = email or first(happened.a_list) contains "x"',
    "year(born_on) + month(seen_at) > {x}",
    "number(plan) > {x} or number(email) / {n} > 1",
)
LITERALS = ("0", "0.0000000001", "999999999999999999999999999", "1", "22.5")
PERIODS = ("1 day", "9999 days", "12000 months", "3 hours", "1000 years", "999999 weeks")
