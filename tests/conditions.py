"""Conditions drawn at random: text over one small vocabulary that uses every operator.

`conditions` knows what goes with what, so all of it compiles. `customers.py` draws customers whose
values meet the constants here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import TypeVar

from hypothesis import strategies as st

HEAD = """
source people {
  kind = csv
  path = "people.csv"
  key = id
  columns { id = text }
}

profile customer {
  from people {
    name = text(0)
    city = text(0)
    points = 0
    age = 0
    score = 0.5
    discount = 10%
    spent = money(0, EUR)
    born = 2000-01-01
    seen = 2000-01-01 00:00
    wakes = 09:00
    vip = true
    staff = true
  }
}

topic news {
  purpose = "News"
  channels = [email, sms]
  consent = opt_in
}

event purchase {
  fields {
    amount = money(EUR)
    coupon = text
    items = integer
    weight = decimal
    day = date
    shipped = datetime
    gift = boolean
  }
}

event visited {
  fields {
    page = text
    minutes = decimal
    share = percent
    hour = time
  }
}

measure purchases { value = count(purchase) }
measure recent { value = sum(purchase.amount within last 1 month) }
measure basket { value = avg(purchase.amount) }
measure latest { value = last(purchase.coupon) }
measure gifted { value = last(purchase.gift) }
measure left { value = last(visited.at) }
"""

CUSTOMER: dict[str, tuple[str, ...]] = {
    "text": ("name", "city", "id", "latest"),
    "integer": ("points", "age", "purchases"),
    "decimal": ("score",),
    "percent": ("discount",),
    "money": ("spent", "recent", "basket"),
    "date": ("born",),
    "datetime": ("seen", "left"),
    "time": ("wakes",),
    "boolean": ("vip", "staff", "gifted", "consent.news", "consent.news.sms"),
}
MEASURES = ("latest", "purchases", "recent", "basket", "left", "gifted")
EVENTS: dict[str, dict[str, str]] = {
    "purchase": {
        "amount": "money",
        "coupon": "text",
        "items": "integer",
        "weight": "decimal",
        "day": "date",
        "shipped": "datetime",
        "gift": "boolean",
        "at": "datetime",
    },
    "visited": {
        "page": "text",
        "minutes": "decimal",
        "share": "percent",
        "hour": "time",
        "at": "datetime",
    },
}
NUMBERS = ("integer", "decimal", "percent")

TEXTS: tuple[str, ...] = (
    "Ana",
    "ana",
    " ana",
    "José",
    "ñandú",
    "😀 party 👩‍👧",
    "مرحبا",
    "שלום",
    "100%",
    "a_b",
    "",
)
TEXTS += ("O'Neil", "İzmir", "ΣΊΣΥΦΟΣ", "12.5", " 7 ", "-3", "1e3", "\u00a0x\u3000", "Jose\u0301")
TEXTS += ("%(now)s", "back\\slash", "\U0001d54f", "\uffee")
DATES = ("2026-03-29", "2026-01-31", "2024-02-29", "1990-02-28", "2025-12-31", "2026-03-01")
INSTANTS: tuple[str, ...] = (
    "2026-03-29 02:30",
    "2026-03-29 01:00:30",
    "2026-02-28 23:59",
    "2026-04-05 02:15",
)
INSTANTS += ("2026-10-25 02:30", "2026-03-28 09:00")
TIMES = ("09:00", "00:00", "23:59")
VALUES: dict[str, tuple[str, ...]] = {
    "text": TEXTS,
    "integer": ("0", "1", "2", "3", "7", "-5", "1000"),
    "decimal": ("0.5", "2.25", "-1.0001", "0.3333", "10.0", "100000.0001"),
    "percent": ("0.1", "0.333333", "1", "0"),
    "money": ("0", "10", "49.99", "50", "199.99", "-3.5", "0.0001"),
    "date": DATES,
    "datetime": INSTANTS,
    "time": TIMES,
    "boolean": ("true", "false"),
}
# Constants that no column holds.
ODD = {"integer": ("2_000_000_000",), "decimal": ("0.000001", "0.123457"), "money": ("0.00005",)}
DURATIONS: tuple[str, ...] = (
    "1 hour",
    "90 minutes",
    "36 hours",
    "45 seconds",
    "1 day",
    "3 days",
    "2 weeks",
)
DURATIONS += ("1 month", "13 months", "1 year")
DURATIONS += ("2 days 3 hours", "1 day 90 minutes", "1 month 5 hours", "1 month 2 days")


_Option = TypeVar("_Option")


@dataclass(frozen=True)
class Scope:
    """What a condition may name; `event` is the event of the row that is tested, `outer`
    that of the row around it."""

    segments: int = 0
    event: str | None = None
    depth: int = 2
    outer: str | None = None

    @property
    def inner(self) -> "Scope":
        return replace(self, depth=self.depth - 1)


def pick(draw: st.DrawFn, options: Sequence[_Option]) -> _Option:
    """Draw one of some options. Making a strategy of each list would take longer than drawing."""
    return options[draw(_below(len(options)))]


@cache
def _below(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


# --- values -----------------------------------------------------------------------------------


def literal(kind: str, value: str) -> str:
    """Return the text of a constant."""
    if kind == "text":
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if kind == "money":
        return f"{value} EUR"
    if kind == "percent":
        return f"{Decimal(value) * 100:f}%"
    return value


@cache
@st.composite
def values(draw: st.DrawFn, kind: str, scope: Scope) -> str:
    """Return the text of a value of a kind."""
    forms = ["field", "constant"] + ["event"] * bool(_fields(scope, kind))
    forms += ["made", "made", "aggregate"] if scope.depth > 0 else []
    if scope.depth > 0 and kind != "boolean" and not draw(_below(12)):
        return draw(_by_cases(kind, scope.inner))
    match pick(draw, forms):
        case "constant":
            return literal(kind, pick(draw, VALUES[kind] + ODD.get(kind, ())))
        case "field":
            name = pick(draw, CUSTOMER[kind])
            bare = scope.event is None or name in MEASURES or name.startswith("consent")
            return name if bare else f"customer.{name}"
        case "event":
            return pick(draw, _fields(scope, kind))
        case "aggregate":
            return draw(aggregates(kind, scope.inner))
    return draw(_MADE[kind](kind, scope.inner))


@cache
@st.composite
def _by_cases(draw: st.DrawFn, kind: str, scope: Scope) -> str:
    kinds = NUMBERS if kind == "decimal" else (kind,)
    cases = [
        f"when {_asked(draw(conditions(scope)))} then {draw(values(pick(draw, kinds), scope))}"
        for _ in range(pick(draw, [1, 1, 2]))
    ]
    return f"({' '.join(cases)} else {draw(values(kind, scope))})"


def _asked(condition: str) -> str:
    return f"({condition})" if condition.startswith("-") else condition


def _fields(scope: Scope, kind: str) -> list[str]:
    if scope.event is None:
        return []
    # A field that both rows have is ambiguous, and refused.
    both = EVENTS[scope.outer] if scope.outer else {}
    mine = EVENTS[scope.event].items()
    return [f"event.{name}" for name, found in mine if found == kind and name not in both]


@cache
@st.composite
def aggregates(draw: st.DrawFn, kind: str, scope: Scope) -> str:
    """Return an aggregate whose value is of a kind."""
    found = [(e, f) for e, fields in EVENTS.items() for f, k in fields.items() if k == kind]
    functions = ["first", "last", "last known"] + ["min", "max"] * (kind != "boolean")
    functions += ["sum"] * (kind in (*NUMBERS, "money")) + ["avg"] * (kind in ("decimal", "money"))
    if kind == "boolean" or (kind == "integer" and draw(st.booleans())):
        event = pick(draw, [*EVENTS])
        return f"{'any' if kind == 'boolean' else 'count'}({event}{draw(_rest(event, scope))})"
    if kind == "integer" and draw(st.booleans()):
        event = pick(draw, [*EVENTS])
        name = pick(draw, [*EVENTS[event]])
        return f"count(distinct {event}.{name}{draw(_rest(event, scope))})"
    event, name = pick(draw, found)
    return f"{pick(draw, functions)}({event}.{name}{draw(_rest(event, scope))})"


@cache
@st.composite
def _rest(draw: st.DrawFn, event: str, scope: Scope) -> str:
    forms = ["", " within last {d}", " within last {d}", " since {a}", " between {a} and {b}"]
    text = pick(draw, forms)
    instants = st.one_of(values("datetime", scope), st.sampled_from(DATES))
    window = text.format(
        d=pick(draw, DURATIONS) if "{d}" in text else "",
        a=draw(instants) if "{a}" in text else "",
        b=draw(instants) if "{b}" in text else "",
    )
    if draw(st.integers(0, 2)):
        return window
    inside = Scope(scope.segments, event, min(scope.depth, 1), scope.event)
    return f"{window} where {draw(conditions(inside))}"


@cache
@st.composite
def _made_part(draw: st.DrawFn, scope: Scope) -> str:
    """Draw a part of a date or of a time."""
    if draw(st.booleans()):
        return f"{pick(draw, ['year', 'month', 'day'])}({draw(values('date', scope))})"
    kind = pick(draw, ["datetime", "time"])
    return f"{pick(draw, ['hour', 'minute'])}({draw(values(kind, scope))})"


@cache
@st.composite
def _made_number(draw: st.DrawFn, kind: str, scope: Scope) -> str:
    own, number = values(kind, scope), values(pick(draw, NUMBERS), scope)
    match draw(st.integers(0, 6)):
        case 0:
            return f"({draw(own)} {pick(draw, '+-')} {draw(own)})"
        case 1 if kind == "integer":
            return f"length({draw(values('text', scope))})"
        case 1:
            return f"({draw(own)} * {draw(number)})"
        case 2 if kind == "integer":
            return draw(_made_part(scope))
        case 2:
            return f"({draw(own)} / {draw(number)})"
        case 3:
            return f"({draw(own)} ?? {draw(own)})"
        case 4 if kind == "decimal":
            return f"({draw(values('money', scope))} / {draw(values('money', scope))})"
        case 4 if kind == "integer":
            return pick(draw, [f"({draw(own)} * {draw(own)})", f"mod({draw(own)}, {draw(own)})"])
        case 5 if kind == "decimal":
            return f"number({draw(values(pick(draw, ['text', 'integer']), scope))})"
    return f"{pick(draw, ['round', 'abs', '-'])}({draw(own)})"


@cache
@st.composite
def _made_text(draw: st.DrawFn, kind: str, scope: Scope) -> str:
    text = values("text", scope)
    match draw(st.integers(0, 4)):
        case 0:
            if not draw(st.integers(0, 3)):
                return (
                    f"{pick(draw, ['replace', 'concat'])}({draw(text)}, {draw(text)}, {draw(text)})"
                )
            return f"({draw(text)} ?? {draw(text)})"
        case 1:
            return f"text({draw(values(pick(draw, ['integer', 'boolean']), scope))})"
    return f"{pick(draw, ['lower', 'upper', 'trim'])}({draw(text)})"


@cache
@st.composite
def _made_date(draw: st.DrawFn, kind: str, scope: Scope) -> str:
    match draw(st.integers(0, 3)):
        case 0:
            return "today()"
        case 1:
            return f"date({draw(values('datetime', scope))})"
        case 2:
            return f"({draw(values('date', scope))} ?? {draw(values('date', scope))})"
    length = pick(draw, [d for d in DURATIONS if {u[:3] for u in d.split()[1::2]} <= {*_WHOLE}])
    return f"({draw(values('date', scope))} {pick(draw, '+-')} {length})"


_WHOLE = ("day", "wee", "mon", "yea")


@cache
@st.composite
def _made_datetime(draw: st.DrawFn, kind: str, scope: Scope) -> str:
    instants = values("datetime", scope)
    match draw(st.integers(0, 3)):
        case 0:
            return "now()"
        case 1:
            return f"({draw(instants)} ?? {draw(instants)})"
    length = pick(draw, DURATIONS)
    return f"({draw(instants)} {pick(draw, '+-')} {length})"


@cache
@st.composite
def _made_other(draw: st.DrawFn, kind: str, scope: Scope) -> str:
    return f"({draw(values(kind, scope))} ?? {draw(values(kind, scope))})"


@cache
@st.composite
def _made_boolean(draw: st.DrawFn, kind: str, scope: Scope) -> str:
    if draw(st.booleans()):
        return draw(_made_other(kind, scope))
    return f"({draw(conditions(scope))})"


_MADE: Mapping[str, Callable[[str, Scope], st.SearchStrategy[str]]] = {
    "text": _made_text,
    "integer": _made_number,
    "decimal": _made_number,
    "percent": _made_other,
    "money": _made_number,
    "date": _made_date,
    "datetime": _made_datetime,
    "time": _made_other,
    "boolean": _made_boolean,
}


# --- conditions -------------------------------------------------------------------------------


@cache
@st.composite
def conditions(draw: st.DrawFn, scope: Scope) -> str:
    """Return the text of a condition."""
    forms = ["compare", "compare", "compare", "boolean", "elapsed"]
    forms += ["top", "not", "and", "or"] if scope.depth > 0 else []
    forms += ["segment"] if scope.segments else []
    match pick(draw, forms):
        case "compare":
            return draw(_comparison(scope))
        case "boolean":
            return draw(values("boolean", scope))
        case "elapsed":
            return draw(_elapsed(scope))
        case "top":
            kind = pick(draw, [*NUMBERS, "money"])
            word, percent = pick(draw, ["in", "not in"]), pick(draw, _SHARES)
            everybody = replace(scope.inner, event=None)
            return f"{draw(values(kind, everybody))} {word} top {percent}"
        case "segment":
            word = pick(draw, ["in", "not in"])
            return f"{word} segment s{draw(st.integers(0, scope.segments - 1))}"
        case "not":
            return f"not ({draw(conditions(scope.inner))})"
        case word:
            return f"({draw(conditions(scope.inner))} {word} {draw(conditions(scope.inner))})"


_SHARES = ("30%", "50%", "7.5%", "100%", "0%")
PATTERNS = ("a|b", "[a-z]*", ".+", "[^a-z]*", "(go|si).{1,9}", "[0-9]+")
_ORDER = ("<", "<=", ">", ">=", "=", "!=")


@cache
@st.composite
def _comparison(draw: st.DrawFn, scope: Scope) -> str:
    kind = pick(draw, [*VALUES])
    other = pick(draw, NUMBERS) if kind in NUMBERS else kind
    left, right = values(kind, scope), values(other, scope)
    forms = ["compare", "compare", "known", "in"] + ["text"] * (kind == "text")
    forms += ["between"] if kind != "boolean" else []
    no = pick(draw, ["", "not "])
    match pick(draw, forms):
        case "known":
            return f"{draw(left)} is {'un' if no else ''}known"
        case "in":
            items = ", ".join(draw(st.lists(right, min_size=1, max_size=3)))
            return f"{draw(left)} {no}in [{items}]"
        case "between":
            return f"{draw(left)} {no}between {draw(right)} and {draw(right)}"
        case "text":
            word = pick(draw, ["contains", "starts with"])
            if not draw(st.integers(0, 3)):
                items = ", ".join(draw(st.lists(right, min_size=1, max_size=3)))
                return f"{draw(left)} {word} any of [{items}]"
            if not draw(st.integers(0, 3)):
                return f'{draw(left)} matches "{pick(draw, PATTERNS)}"'
            return f"{draw(left)} {word} {draw(right)}"
    if kind == "datetime" and draw(st.integers(0, 4)) == 4:
        right = st.sampled_from(DATES)
    order = st.sampled_from(_ORDER[4:] if kind == "boolean" else _ORDER)
    return f"{draw(left)} {draw(order)} {draw(right)}"


@cache
@st.composite
def _elapsed(draw: st.DrawFn, scope: Scope) -> str:
    kind = pick(draw, ["date", "datetime"])
    value = values(kind, replace(scope, depth=min(scope.depth, 1)))
    fixed = [d for d in DURATIONS if d.split()[1][:3] not in ("mon", "yea")]
    limit = pick(draw, fixed)
    if not draw(st.integers(0, 3)):
        limit = f"{draw(value)} - {draw(value)}"
    return f"{draw(value)} - {draw(value)} {pick(draw, _ORDER)} {limit}"


@st.composite
def segments(draw: st.DrawFn, count_max: int) -> list[str]:
    """Return conditions, each of which may use the segments before it: `s0`, `s1` and so on."""
    count = pick(draw, [1, count_max, count_max, count_max, count_max])
    return [draw(conditions(Scope(min(i, 2)))) for i in range(count)]
