"""The body of a declaration: its settings and blocks, checked against what the kind has."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypeVar

from cij.compiler.naming import did_you_mean, near, near_hint
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Diagnostic, Edit, Fix, Label
from cij.grammar.span import Span

Report = Callable[[Diagnostic], None]
Advice = tuple[str | None, Sequence[Fix]]
Advise = Callable[[syntax.Setting, Sequence[str]], Advice]
T = TypeVar("T")

SHARE = "a share, such as 5%"


@dataclass(slots=True)
class Body:
    """Items by kind. Readers return None where a setting is absent or was reported."""

    what: str
    span: Span
    report: Report
    settings: dict[str, syntax.Setting] = field(default_factory=dict)
    blocks: list[syntax.Block] = field(default_factory=list)
    wheres: list[syntax.Where] = field(default_factory=list)
    excepts: list[syntax.Except] = field(default_factory=list)
    renames: list[syntax.Renamed] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def need(self, key: str, example: str) -> syntax.Setting | None:
        """Return a mandatory setting, or report that it is missing."""
        found = self.settings.get(key)
        if found is None and not self.is_misspelt(key):
            message = f"{self.what} needs `{key}`"
            self.report(codes.MISSING_SETTING.at(self.span, message, help=f"add `{example}`"))
        return found

    def is_misspelt(self, key: str) -> bool:
        """Tell whether a setting that was reported as unknown is likely to be this one."""
        return any(near(unknown, [key]) for unknown in self.unknown)

    def text(self, key: str) -> str | None:
        """Return a text setting."""
        return self._read(key, syntax.Text, 'a text, such as "…"', lambda v: v.value)

    def name(self, key: str) -> str | None:
        """Return a setting that is a bare name."""
        return self._read(key, syntax.Path, "a name", lambda v: v.text)

    def names(self, key: str) -> tuple[syntax.Path, ...] | None:
        """Return a setting that is a list of names; a lone name is a list of one."""
        setting = self.settings.get(key)
        if setting is None:
            return None
        value = setting.value
        items = value.items if isinstance(value, syntax.ListOf) else (value,)
        if not all(isinstance(i, syntax.Path) for i in items):
            self.wrong(setting, "names, such as [email, phone]")
            return None
        return tuple(i for i in items if isinstance(i, syntax.Path))

    def choice(self, key: str, options: Sequence[str]) -> str | None:
        """Return a setting that is one of a few words."""
        words = f"one of {', '.join(f'`{o}`' for o in options)}"
        found = self._read(key, syntax.Path, words, lambda v: v.text)
        if found is None or found in options:
            return found
        hint = near_hint(found, options)
        message = f"`{key}` is {words}"
        self.report(codes.BAD_SETTING.at(self.settings[key].value.span, message, help=hint))
        return None

    def percent(self, key: str) -> syntax.Percent | None:
        found = self._read(key, syntax.Percent, SHARE, lambda v: v)
        if found is not None and found.value > 100:
            self.wrong(self.settings[key], "a share of 100% at most")
            return None
        return found

    def zone(self, key: str, is_zone: Callable[[str], bool]) -> str | None:
        """Return a setting that is the name of a time zone."""
        found = self.text(key)
        if found is None or is_zone(found):
            return found
        self.wrong(self.settings[key], 'the name of a time zone, such as "Europe/Madrid"')
        return None

    def whole(self, key: str) -> int | None:
        """Return a setting that is a whole number from 0 on."""
        wanted = "a whole number, such as 10"
        found = self._read(key, syntax.Number, wanted, lambda v: v)
        if found is not None and not found.is_integer:
            self.wrong(self.settings[key], wanted)
            return None
        return int(found.value) if found is not None else None

    def duration(self, key: str) -> syntax.Duration | None:
        return self._read(key, syntax.Duration, "a duration, such as 1 hour", lambda v: v)

    def rate(self, key: str) -> syntax.Rate | None:
        return self._read(key, syntax.Rate, "a number and a time, such as 500 per day", lambda v: v)

    def local_time(self, key: str) -> str | None:
        """Return a setting that is a local date and time, in ISO form; a date means its midnight."""
        wanted = "a date and time, such as 2026-12-01 09:00"
        setting = self.settings.get(key)
        if setting is not None and isinstance(setting.value, syntax.Date):
            return f"{setting.value.value.isoformat()}T00:00:00"
        return self._read(key, syntax.DateTime, wanted, lambda v: v.value.isoformat())

    def local_end(self, key: str) -> str | None:
        """Return a setting that is a local end, in ISO form; a date means the end of that day."""
        setting = self.settings.get(key)
        if setting is not None and isinstance(setting.value, syntax.Date):
            # The last date that there is has no day after it.
            day = min(setting.value.value, date.max - timedelta(days=1)) + timedelta(days=1)
            return f"{day.isoformat()}T00:00:00"
        return self.local_time(key)

    def wrong(self, setting: syntax.Setting, wanted: str) -> None:
        """Report a setting with another kind of value than it takes."""
        message = f"`{setting.key.text}` takes {wanted}"
        fixes = _share_fixes(setting.value) if wanted == SHARE else ()
        help = fixes[0].title if fixes else None
        self.report(codes.BAD_SETTING.at(setting.value.span, message, help=help, fixes=fixes))

    def _read(self, key: str, kind: type, wanted: str, read: Callable[..., T]) -> T | None:
        setting = self.settings.get(key)
        if setting is None:
            return None
        if not isinstance(setting.value, kind):
            self.wrong(setting, wanted)
            return None
        return read(setting.value)


def did_you_mean_setting(item: syntax.Setting, known: Sequence[str]) -> Advice:
    """Name the setting that an unknown one may be a slip of."""
    return did_you_mean(item.key.text, known), ()


def _share_fixes(value: syntax.Expression) -> tuple[Fix, ...]:
    """Offer `10%` for `10`, and for `0.1`, which is what it is worth."""
    if not isinstance(value, syntax.Number) or not 0 < value.value <= 100:
        return ()
    number = value.value if value.is_integer else value.value * 100
    if number > 100:
        return ()
    share = f"{number.normalize():f}%"
    return (Fix(f"write `{share}`", (Edit(value.span, share),), is_safe=False),)


def read_body(
    what: str,
    span: Span,
    items: Sequence[syntax.Item],
    report: Report,
    *,
    settings: Sequence[str] | None,
    blocks: Sequence[str] = (),
    clauses: Sequence[type] = (),
    later: Sequence[str] = (),
    advise: Advise = did_you_mean_setting,
) -> Body:
    """Sort the items of a body and report what does not belong there.

    `settings` None lets any key stand; `later` are keys and blocks of a later version. `advise` says
    what to do about a setting that is none of the `settings`.
    """
    body = Body(what, span, report)
    for item in items:
        if isinstance(item, syntax.Setting):
            _add_setting(body, item, settings, later, advise)
        elif isinstance(item, syntax.Block):
            _add_block(body, item, blocks, later)
        elif type(item) in clauses:
            _add_clause(body, item)
        else:
            word = type(item).__name__.lower()
            report(codes.UNKNOWN_SETTING.at(item.span, f"{what} has no `{word}`"))
    return body


def _add_clause(body: Body, item: syntax.Item) -> None:
    match item:
        case syntax.Where():
            body.wheres.append(item)
        case syntax.Except():
            body.excepts.append(item)
        case syntax.Renamed():
            body.renames.append(item)


def _add_setting(
    body: Body,
    item: syntax.Setting,
    known: Sequence[str] | None,
    later: Sequence[str],
    advise: Advise,
) -> None:
    key = item.key.text
    if key in later:
        _not_yet(body, f"`{key}`", item.span)
    elif known is not None and key not in known:
        body.unknown.append(key)
        hint, fixes = advise(item, known)
        message = f"{body.what} has no setting `{key}`"
        body.report(codes.UNKNOWN_SETTING.at(item.key.span, message, help=hint, fixes=fixes))
    elif key in body.settings:
        first = Label(body.settings[key].span, "first here")
        message = f"`{key}` is set twice"
        body.report(codes.DUPLICATE_NAME.at(item.key.span, message, related=[first]))
    elif known is None and (twin := _twin(key, body.settings)):
        first = Label(body.settings[twin].span, "first here")
        message = f"`{key}` and `{twin}` differ only in upper and lower case"
        body.report(codes.DUPLICATE_NAME.at(item.key.span, message, related=[first]))
    else:
        body.settings[key] = item


def _twin(key: str, known: Iterable[str]) -> str | None:
    """Return a name that a database would take for `key`: columns do not differ by capitals."""
    return next((name for name in known if name.casefold() == key.casefold()), None)


def _add_block(body: Body, item: syntax.Block, known: Sequence[str], later: Sequence[str]) -> None:
    word = item.word.text
    if word in later:
        _not_yet(body, f"`{word}`", item.span)
    elif word not in known:
        hint = did_you_mean(word, known)
        message = f"{body.what} has no block `{word}`"
        body.report(codes.UNKNOWN_SETTING.at(item.word.span, message, help=hint))
    elif (first := _same_block(item, body.blocks)) is not None:
        related = [Label(first.word.span, "first here")]
        message = f"{body.what} has the block `{_block_words(item)}` twice"
        body.report(codes.DUPLICATE_NAME.at(item.word.span, message, related=related))
    else:
        body.blocks.append(item)


def _same_block(item: syntax.Block, blocks: Sequence[syntax.Block]) -> syntax.Block | None:
    return next((b for b in blocks if _block_words(b) == _block_words(item)), None)


def _block_words(block: syntax.Block) -> str:
    match block.argument:
        case syntax.Name(text=text):
            return f"{block.word.text} {text}"
        case syntax.Text(value=value):
            return f'{block.word.text} "{value}"'
    return block.word.text


def _not_yet(body: Body, what: str, span: Span) -> None:
    message = f"{what} of {body.what} is understood, but not available in this version"
    body.report(codes.NOT_YET_AVAILABLE.at(span, message))
