"""The kinds of source: one row each, with the settings that a source of this kind has.

The rows of a source are read by the module of the same name in `cij.runtime.sources`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

# Returns what the setting takes instead, or None if the value is right. `env:NAME` is a value that the
# environment gives when the program runs.
Check = Callable[[str], str | None]

# The share of its rows that a source may lose in one refresh (S24). It is among the settings of a program
# only where it is written, so that a program without it is the same as ever.
MAY_LOSE = "may_lose"


@dataclass(frozen=True, slots=True)
class SourceSetting:
    """One setting of a source; its value is a text or `env("NAME")`."""

    word: str
    is_needed: bool = False
    check: Check = lambda value: None


@dataclass(frozen=True, slots=True)
class SourceKind:
    """`settings` are those besides what every source has, such as `key` and `timezone`.

    Their order is that of a program's JSON: put those that are needed first.
    """

    word: str
    settings: tuple[SourceSetting, ...]

    @property
    def needed(self) -> tuple[str, ...]:
        return tuple(setting.word for setting in self.settings if setting.is_needed)


def _delimiter(value: str) -> str | None:
    return None if len(value) <= 1 or value in ("tab", "\\t") else "one character"


def _quote(value: str) -> str | None:
    return None if len(value) <= 1 else "one character"


# What may follow a percent sign in DuckDB's format of dates; `-` allows numbers without a leading 0.
_DIRECTIVES = re.compile(r"%(?:-?[dHIjmMSy]|[aAbBcfgGnpuUVwWxXYzZ%])")


def _date_format(value: str) -> str | None:
    """Refuse a format by which no date can be read."""
    if value.startswith("env:"):
        return None
    if "%" in _DIRECTIVES.sub("", value):
        return 'a letter such as d, m or Y after each `%`: "%d.%m.%Y"'
    if not _has_day(value):
        return 'a format with day, month and year: "%d.%m.%Y"'
    return None


def _has_day(value: str) -> bool:
    parts = {part.lstrip("%-") for part in _DIRECTIVES.findall(value)}
    has_year = bool(parts & {"y", "Y"})
    has_month_and_day = "d" in parts and bool(parts & {"m", "b", "B"})
    # `c` and `x` are whole dates, `j` is the day of the year.
    return bool(parts & {"c", "x"}) or (has_year and (has_month_and_day or "j" in parts))


_PATH = SourceSetting("path", is_needed=True)
_NULL = SourceSetting("null")
_DATE_FORMAT = SourceSetting("date_format", check=_date_format)

_ROWS = (
    SourceKind(
        "csv",
        (
            _PATH,
            SourceSetting("delimiter", check=_delimiter),
            SourceSetting("quote", check=_quote),
            SourceSetting("encoding"),
            _NULL,
            _DATE_FORMAT,
        ),
    ),
    SourceKind("sqlite", (_PATH, SourceSetting("table", is_needed=True), _NULL, _DATE_FORMAT)),
)

SOURCE_KINDS: dict[str, SourceKind] = {row.word: row for row in _ROWS}
assert len(SOURCE_KINDS) == len(_ROWS), "two kinds of source share a name"

# Reserved words: reported as not available in this version.
LATER_SOURCE_KINDS = ("json", "jsonl", "parquet", "postgres", "delta", "dbt", "api", "cloud")


def known_source_kind(word: str) -> str:
    """Return `word`; raise ValueError if no source of this version has that kind."""
    if word not in SOURCE_KINDS:
        raise ValueError(f"the kind is one of {', '.join(SOURCE_KINDS)}")
    return word
