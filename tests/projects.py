"""Projects that make sense, drawn at random: mostly valid text over one small vocabulary.

`conditions` knows what can be compared with what; `steps` nests every step of the language. What
comes out may still be wrong, such as a wait for a message that was not sent: then the compiler
has to say so.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import strategies as st

HEAD = """
source people {
  kind = csv
  path = "people.csv"
  key = id
  columns {
    id = text
    email = text
    first_name = text
    language = text
    timezone = text
    points = integer
    balance = decimal
    born = date
    seen = datetime
    vip = boolean
    news = boolean
  }
}

profile customer {
  from people {
    email = email
    first_name = first_name
    language = language
    timezone = timezone
    points = points
    spent = money(balance, EUR)
    born = born
    seen = seen
    vip = vip
    consent.news = news
  }
}

topic news {
  purpose = "News"
  channels = [email, sms]
  consent = opt_in
}

topic service {
  purpose = "Service"
  channels = [email]
  consent = none
}

event purchase {
  fields {
    amount = money(EUR)
    coupon = text
    items = integer
    day = date
  }
}

event visited {
  fields {
    page = text
    minutes = decimal
  }
}

message email hello {
  topic = news
  locale "en" {
    subject = "Hello {{ first_name | default: 'you' }}"
    body = "{{ points | default: 0 }} {{ seen | default: '' }} {{ spent | default: '' }}"
  }
  locale "es" {
    subject = "Hola"
    body = "{{ purchases | default: 0 }}"
  }
}

message email code {
  topic = service
  locale "en" {
    subject = "{{ word | default: '-' }}"
    body = "{{ number | default: '-' }}"
  }
}

message sms text {
  topic = news
  locale "en" {
    text = "Hi {{ first_name | default: 'you' }}"
  }
}

measure purchases {
  value = count(purchase)
}
"""

EVENTS = ("purchase", "visited", "opened", "unsubscribed")
FIELDS = {
    "purchase": {"amount": "money", "coupon": "text", "items": "integer", "day": "date"},
    "visited": {"page": "text", "minutes": "decimal"},
    "opened": {"channel": "text"},
    "unsubscribed": {"channel": "text", "topic": "text"},
}
CUSTOMER = {
    "text": ("email", "first_name", "language", "id"),
    "integer": ("points", "purchases"),
    "money": ("spent",),
    "date": ("born",),
    "datetime": ("seen",),
    "boolean": ("vip", "consent.news", "consent.news.email"),
}
CONSTANTS = {
    "text": ('"a"', '"LOYAL20"', '""', '"ñ\'"', '"100%"', '"a_b"'),
    "integer": ("0", "1", "3", "1_000", "-5"),
    "decimal": ("0.5", "2.25", "100.00"),
    "money": ("0 EUR", "50 EUR", "199.99 EUR"),
    "date": ("2026-03-01", "1990-02-28"),
    "datetime": ("2026-03-01 09:00", "2026-03-29 02:30"),
    "boolean": ("true", "false"),
}
DURATIONS: tuple[str, ...] = ("1 hour", "90 minutes", "1 day", "3 days", "1 week", "1 month")
DURATIONS += ("45 seconds", "2 days 3 hours", "1 month 2 days")
_DAYS = {"day", "days", "week", "month"}
TIMES = ("09:00", "02:30", "00:00")
ORDER = ("<", "<=", ">", ">=", "=", "!=")


@dataclass
class Scope:
    """What a condition may name. `event` is the event whose row is tested, if any."""

    segments: tuple[str, ...] = ()
    event: str | None = None
    trigger: str | None = None
    is_in_segment: bool = True


@dataclass
class Steps:
    """Labels so far: those of sends, and how many steps there are."""

    sends: list[str] = field(default_factory=list)
    count: int = 0
    left: int = 10


# --- values and conditions --------------------------------------------------------------------


@st.composite
def values(draw: st.DrawFn, kind: str, scope: Scope, depth: int = 1) -> str:
    """Return the text of a value of a kind."""
    choices = ["constant", "field"] if kind in CUSTOMER else ["constant"]
    choices += ["event"] if scope.event and _named(scope.event, kind) else []
    choices += ["trigger"] if scope.trigger and _named(scope.trigger, kind) else []
    choices += ["made"] if depth else []
    match draw(st.sampled_from(choices)):
        case "constant":
            return draw(st.sampled_from(CONSTANTS[kind]))
        case "field":
            prefix = "customer." if scope.event else ""
            name = draw(st.sampled_from(CUSTOMER[kind]))
            return name if name.startswith("consent") or name == "purchases" else prefix + name
        case "event":
            return f"event.{draw(st.sampled_from(_named(str(scope.event), kind)))}"
        case "trigger":
            return f"trigger.{draw(st.sampled_from(_named(str(scope.trigger), kind)))}"
    return draw(_made(kind, scope, depth - 1))


def _named(event: str, kind: str) -> list[str]:
    named = [name for name, found in FIELDS[event].items() if found == kind]
    return [*named, "at"] if kind == "datetime" else named


@st.composite
def _made(draw: st.DrawFn, kind: str, scope: Scope, depth: int) -> str:
    inner = values(kind, scope, depth)
    match kind:
        case "text":
            return draw(st.sampled_from(["lower({a})", "trim({a})", "{a} ?? {b}"])).format(
                a=draw(inner), b=draw(inner)
            )
        case "integer":
            return draw(st.one_of(counts(scope), _sums(inner), st.just("year(born)")))
        case "money":
            return draw(st.one_of(amounts(scope), _sums(inner)))
        case "date":
            return draw(st.sampled_from(["today()", "date(now())", "date(last(purchase.at))"]))
        case "datetime":
            length = draw(st.sampled_from(DURATIONS))
            made = ["now()", "last(visited.at)", "now() - {d}", "{a} + {d}", "first(purchase.at)"]
            return draw(st.sampled_from(made)).format(a=draw(inner), d=length)
        case "decimal":
            return draw(st.sampled_from(["avg(visited.minutes)", "points / 3", "{a} * 2"])).format(
                a=draw(inner)
            )
    return draw(conditions(scope, 0))


@st.composite
def _sums(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    return f"({draw(inner)} {draw(st.sampled_from('+-'))} {draw(inner)})"


@st.composite
def windows(draw: st.DrawFn, event: str) -> str:
    """Return a window and a filter of an aggregate, or nothing."""
    length = draw(st.sampled_from(DURATIONS))
    since = [f" within last {length}", " since last(visited.at)", " since 2026-03-02 12:00"]
    window = draw(st.sampled_from(["", "", *since]))
    if draw(st.integers(0, 3)):
        return window
    return f"{window} where {draw(_comparison(Scope(event=event)))}"


@st.composite
def counts(draw: st.DrawFn, scope: Scope) -> str:
    event = draw(st.sampled_from(EVENTS))
    return f"count({event}{draw(windows(event))})"


@st.composite
def amounts(draw: st.DrawFn, scope: Scope) -> str:
    function = draw(st.sampled_from(["sum", "avg", "min", "max", "last", "last known"]))
    return f"{function}(purchase.amount{draw(windows('purchase'))})"


@st.composite
def _comparison(draw: st.DrawFn, scope: Scope) -> str:
    depth = 0 if scope.event else 1
    kinds = ["text", "integer", "money", "date", "datetime"]
    kinds += ["decimal"] * (depth or scope.event == "visited")
    kind = draw(st.sampled_from(kinds))
    # A value beside itself, or two constants, would be proven to be always or never true.
    left = draw(values(kind, scope, depth).filter(lambda v: v not in CONSTANTS[kind]))
    right = draw(values(kind, scope, depth).filter(lambda v: v != left))
    forms = ["compare", "compare", "known", "in", "between"] + ["text"] * (kind == "text")
    match draw(st.sampled_from(forms)):
        case "known":
            return f"{left} is {draw(st.sampled_from(['known', 'unknown']))}"
        case "in":
            return f"{left} {draw(st.sampled_from(['in', 'not in']))} [{right}]"
        case "between":
            return f"{left} between {right} and {draw(st.sampled_from(CONSTANTS[kind]))}"
        case "text":
            return f"{left} {draw(st.sampled_from(['contains', 'starts with']))} {right}"
    return f"{left} {draw(st.sampled_from(ORDER))} {right}"


@st.composite
def conditions(draw: st.DrawFn, scope: Scope, depth: int = 2) -> str:
    """Return the text of a condition."""
    forms = ["compare", "compare", "boolean"]
    forms += ["any", "top"] if scope.event is None else []
    forms += ["segment"] if scope.segments and scope.is_in_segment else []
    forms += ["and", "or", "not"] if depth else []
    match draw(st.sampled_from(forms)):
        case "compare":
            return draw(_comparison(scope))
        case "boolean":
            return draw(st.sampled_from(CUSTOMER["boolean"]))
        case "any":
            event = draw(st.sampled_from(EVENTS))
            return f"any({event}{draw(windows(event))})"
        case "top":
            return f"{draw(st.sampled_from(['points', 'spent', 'purchases']))} in top 30%"
        case "segment":
            word = draw(st.sampled_from(["in", "not in"]))
            return f"{word} segment {draw(st.sampled_from(scope.segments))}"
        case "not":
            return f"not ({draw(conditions(scope, depth - 1))})"
        case word:
            inner = conditions(scope, depth - 1)
            return f"({draw(inner)} {word} {draw(inner)})"


# --- steps ------------------------------------------------------------------------------------

_FORMS = ("send", "send", "wait", "until", "for", "first", "if", "if", "switch", "split")
_LEAVES = ("send", "wait", "until")


@st.composite
def blocks(draw: st.DrawFn, scope: Scope, made: Steps, depth: int) -> str:
    """Return a block of steps in braces."""
    before = list(made.sends)
    count = draw(st.integers(0 if depth < 3 else 2, 3))
    lines = [draw(_step(scope, made, depth)) for _ in range(count)]
    if draw(st.integers(0, 5)) == 5:
        lines.append(draw(st.sampled_from(["end", "end done", "end `not now`"])))
    # What was sent in a branch was not sent on every path.
    made.sends = before
    return "{\n" + "\n".join(lines) + "\n}"


@st.composite
def _step(draw: st.DrawFn, scope: Scope, made: Steps, depth: int) -> str:
    made.count += 1
    made.left -= 1
    form = draw(st.sampled_from(_FORMS if depth and made.left > 0 else _LEAVES))
    odd = st.sampled_from(["`send hello`", "`a'b`", "si", "`wait 1 day`"])
    is_odd = draw(st.integers(0, 50)) == 50
    label = draw(odd) if is_odd else f"{form}_{made.count}"
    shown = f"{label}: " if is_odd or form == "send" or draw(st.booleans()) else ""
    inner = blocks(scope, made, depth - 1)
    match form:
        case "send":
            text = draw(_send(scope))
            made.sends += [label] * text.startswith("send email")
        case "wait" | "until":
            text = draw(_wait(form, scope))
        case "for" | "first":
            text = draw(_wait_event(form, scope, made, inner))
        case "if":
            text = f"if {draw(conditions(scope, 1))} {draw(inner)}"
            text += f" else {draw(inner)}" if draw(st.booleans()) else ""
        case "switch":
            text = f'switch language {{ case "en", "es" {draw(inner)} else {draw(inner)} }}'
        case _:
            name = draw(st.sampled_from(["ab", "`long name`"]))
            text = f"split {name} {{ 45% short {draw(inner)} 45.5% long {draw(inner)} }}"
    return shown + text


@st.composite
def _send(draw: st.DrawFn, scope: Scope) -> str:
    form = draw(st.sampled_from(["send email hello", "send sms text", "send email code"]))
    if not form.endswith("code"):
        return form
    kind = draw(st.sampled_from(["integer", "money", "datetime", "date", "decimal", "boolean"]))
    word = draw(values("text", scope))
    return f"{form} {{ word = {word}\nnumber = {draw(values(kind, scope))} }}"


@st.composite
def _wait(draw: st.DrawFn, form: str, scope: Scope) -> str:
    at = draw(st.sampled_from(["", f" at {draw(st.sampled_from(TIMES))}"]))
    if form == "until":
        moments = st.one_of(
            values("datetime", scope), values("date", scope), st.sampled_from(["monday", "sunday"])
        )
        return f"wait until {draw(moments)}{at}"
    length = draw(st.sampled_from([*DURATIONS, "1 day", "2 days"]))
    return f"wait {length}{at if {*length.split()[1::2]} <= _DAYS else ''}"


@st.composite
def _wait_event(
    draw: st.DrawFn, form: str, scope: Scope, made: Steps, inner: st.SearchStrategy[str]
) -> str:
    length = draw(st.sampled_from(DURATIONS))
    if form == "for":
        otherwise = f" else {draw(inner)}" if draw(st.booleans()) else ""
        return f"wait for {draw(_pattern(scope, made))} up to {length} {draw(inner)}{otherwise}"
    arms = [f"on {draw(_pattern(scope, made))} {draw(inner)}" for _ in range(2)]
    return f"wait up to {length} {{\n{arms[0]}\n{arms[1]}\nelse {draw(inner)} }}"


@st.composite
def _pattern(draw: st.DrawFn, scope: Scope, made: Steps) -> str:
    event = draw(st.sampled_from(EVENTS))
    text = event
    if made.sends and event == "opened" and draw(st.integers(0, 3)):
        text += f"({draw(st.sampled_from(made.sends))})"
    if draw(st.booleans()):
        test = _comparison(Scope(scope.segments, event, scope.trigger))
        text += f" where {draw(test)}"
    return text


# --- journeys and projects --------------------------------------------------------------------


@st.composite
def journeys(draw: st.DrawFn, name: str, segments: tuple[str, ...], entered: str) -> str:
    """Return the text of a journey."""
    entry, trigger = draw(_entry(segments, entered))
    scope = Scope(segments, trigger=trigger)
    lines = [entry]
    again = ["", "again always", "again always", "again after 3 days", "again after 36 hours"]
    lines.append(draw(st.sampled_from(again)))
    lines += [draw(_header(scope, number)) for number in range(draw(st.integers(0, 2)))]
    if trigger == "purchase" and draw(st.booleans()):
        lines.append(draw(st.sampled_from(["per = coupon", "per = items", "per = day"])))
    settings = ["holdout = 20%", 'timezone = "Asia/Tokyo"', "suppress = vip"]
    field = {"purchase": "coupon", "visited": "page"}.get(trigger or "")
    settings.append(f'language = trigger.{field} ?? "es"' if field else 'language = "es"')
    lines += draw(st.lists(st.sampled_from(settings), max_size=2, unique=True))
    body = "\n".join(lines)
    return f"journey {name} {{\n{body}\nsteps {draw(blocks(scope, Steps(), 3))}\n}}\n"


@st.composite
def _entry(draw: st.DrawFn, segments: tuple[str, ...], by: str) -> tuple[str, str | None]:
    if by == "segment":
        once = draw(st.sampled_from(["", "", " once"]))
        return f"enter from segment {draw(st.sampled_from(segments))}{once}", None
    event = draw(st.sampled_from(["purchase", "visited", "purchase"]))
    where = f" where {draw(_comparison(Scope(event=event)))}"
    return f"enter on {event}{draw(st.sampled_from(['', '', '', where]))}", event


@st.composite
def _header(draw: st.DrawFn, scope: Scope, number: int) -> str:
    event = draw(st.sampled_from(EVENTS))
    inside = Scope(scope.segments, event, scope.trigger)
    where = f" where {draw(_comparison(inside))}" if draw(st.booleans()) else ""
    length = draw(st.sampled_from(DURATIONS))
    name, out = f"won_{number}", draw(st.sampled_from(["", "out ", "gone "]))
    forms = [
        f"goal {name} on {event}{where}",
        f"goal {name} on {event}{where} within {length}",
        f"goal {name} on {event}{where} within {length} and stay",
        f"goal {name} when {draw(conditions(scope, 1))}",
        f"exit {out}on {event}{where}",
        f"exit {out}when {draw(conditions(scope, 1))}",
    ]
    return draw(st.sampled_from(forms))


@st.composite
def projects(draw: st.DrawFn, entered: str) -> str:
    """Return the text of a whole project, its first journey `entered` by segment or event."""
    text = HEAD
    names: tuple[str, ...] = ()
    for name in ("one", "`two words`", "three")[: draw(st.integers(1, 3))]:
        usual = st.sampled_from(["points >= 0", "email is known", "any(purchase)", "not vip"])
        body = draw(st.one_of(usual, conditions(Scope(names))))
        text += f"\nsegment {name} {{\nwhere {body}\nrefresh = 3 days\n}}\n"
        names = (*names, name)
    text += "\n" + draw(journeys("first_journey", names, entered))
    if draw(st.booleans()):
        other = draw(st.sampled_from(["segment", "event"]))
        text += "\n" + draw(journeys("`second one`", names, other))
    return text


# --- what happens -----------------------------------------------------------------------------

START = datetime(2026, 3, 2, 10, 0)


@dataclass(frozen=True)
class Arrival:
    """An event that comes in at `now`; `of` picks the message it is about, if it is about one."""

    now: datetime
    at: datetime
    event: str
    customer: int
    of: int
    fields: dict[str, object]


@st.composite
def arrivals(draw: st.DrawFn, days: int) -> list[Arrival]:
    """Return events in the order of their arrival; some are late, some come together."""
    minutes = draw(st.lists(st.integers(0, days * 1440), min_size=5, max_size=14))
    found = []
    for minute in sorted(minutes):
        now = START + timedelta(minutes=minute)
        late = draw(st.sampled_from([0, 0, 0, 1, 60 * 24 * 3]))
        event = draw(
            st.sampled_from(["purchase", "purchase", "visited", "opened", "opened", "unsubscribed"])
        )
        at = now - timedelta(minutes=late)
        fields = {} if event == "opened" else draw(_fields(event))
        customer, of = draw(st.integers(0, 4)), draw(st.integers(0, 9))
        found.append(Arrival(now, at, event, customer, of, fields))
    return found


def _fields(event: str) -> st.SearchStrategy[dict[str, object]]:
    some: dict[str, dict[str, st.SearchStrategy[object]]] = {
        "purchase": {
            "amount": st.sampled_from(["10", "49.90", "500"]),
            "coupon": st.sampled_from(["LOYAL20", "a", ""]),
            "items": st.integers(0, 4),
            "day": st.just("2026-03-05"),
        },
        "visited": {"page": st.sampled_from(["a", "b"]), "minutes": st.sampled_from([0.5, 3])},
        "unsubscribed": {"topic": st.just("news")},
    }
    return st.fixed_dictionaries({}, optional=some[event])
