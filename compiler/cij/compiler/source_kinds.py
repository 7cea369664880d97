"""The kinds of source: one row each, with the settings that a source of this kind has.

The rows of a source are read by the module of the same name in `cij.runtime.sources`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

# Returns what the setting takes instead, or None if the value is right. `env:NAME` is a value that the
# environment gives when the program runs.
Check = Callable[[str], str | None]

# The share of its rows that a source may lose in one refresh (S24). It is among the settings of a program
# only where it is written, so that a program without it is the same as ever.
MAY_LOSE = "may_lose"


# A program keeps several texts of one setting as one text, with this between them.
BETWEEN_TEXTS = "\n"


@dataclass(frozen=True, slots=True)
class SourceSetting:
    """One setting of a source.

    Attributes:
        form: its value is a text or `env("NAME")`; one or several texts; `true` or `false`; or a whole
            number.
        check: judges a text, and each of several.
    """

    word: str
    is_needed: bool = False
    check: Check = lambda value: None
    form: Literal["text", "texts", "flag", "number"] = "text"


@dataclass(frozen=True, slots=True)
class SourceKind:
    """`settings` are those besides what every source has, such as `key` and `timezone`.

    Their order is that of a program's JSON: put those that are needed first. Of the settings `either`
    a source has exactly one. `may_be_half_written` is for what another program may be writing while it is
    read; a database is read in a transaction.
    """

    word: str
    settings: tuple[SourceSetting, ...]
    either: tuple[str, ...] = ()
    may_be_half_written: bool = False

    @property
    def is_of_files(self) -> bool:
        """Whether its rows are in files that may also be read over the network."""
        return _FILE_PATH in self.settings

    @property
    def needed(self) -> tuple[str, ...]:
        return tuple(setting.word for setting in self.settings if setting.is_needed)


def _delimiter(value: str) -> str | None:
    return None if len(value) <= 1 or value in ("tab", "\\t") else "one character"


def _one_character(value: str) -> str | None:
    return None if len(value) <= 1 else "one character"


def _decimal_sign(value: str) -> str | None:
    return None if value in (".", ",") else '`"."` or `","`'


def _thousands_sign(value: str) -> str | None:
    # A digit or a sign of a number would make another number.
    is_right = len(value) == 1 and not value.isalnum() and value not in "+-%"
    return None if is_right else 'one character, such as "." or " "'


def _only_environment(value: str) -> str | None:
    is_variable = value.startswith("env:")
    return None if is_variable else 'a variable of the environment: env("SHOP_DATABASE")'


def _only_secretly(value: str) -> str | None:
    is_variable = value.startswith("env:")
    return None if is_variable else 'a variable of the environment: env("SHOP_TOKEN")'


def _one_line(value: str) -> str | None:
    return "a text without line breaks" if BETWEEN_TEXTS in value else None


# What may follow a percent sign in DuckDB's format of dates; `-` allows numbers without a leading 0.
_DIRECTIVES = re.compile(r"%(?:-?[dHIjmMSy]|[aAbBcfgGnpuUVwWxXYzZ%])")


def _date_format(value: str) -> str | None:
    """Refuse a format by which no date can be read."""
    if value.startswith("env:"):
        return None
    if BETWEEN_TEXTS in value:
        return "a text without line breaks"
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


# Instants that are numbers: so many seconds, or thousandths of a second, since 1970 in UTC.
EPOCHS = {"epoch seconds": 1_000_000, "epoch milliseconds": 1_000}


def _datetime_format(value: str) -> str | None:
    return None if value in EPOCHS else _date_format(value)


# What a path may begin with that is not in the project, and the settings that are for it.
REMOTE_SETTINGS = {
    "https": ("token",),
    "http": ("token", "allow_http"),
    "s3": ("region", "endpoint", "access_key", "secret_key", "session_token", "allow_http"),
    "az": ("account", "endpoint", "sas", "allow_http"),
}


def scheme_of(path: str) -> str:
    """Return what a remote path begins with, such as `s3`; "" where it is in the project."""
    scheme, mark, _ = path.partition("://")
    return scheme if mark and scheme in REMOTE_SETTINGS else ""


def _path_of_file(value: str) -> str | None:
    _, mark, rest = value.partition("://")
    if not mark or value.startswith("env:"):
        return None
    if not scheme_of(value):
        return "a path in the project, or one that begins with https://, s3:// or az://"
    if "@" in rest.split("/")[0]:
        return "an address without a user and password; a secret is in a setting such as `token`"
    return None


def _path_of_table(value: str) -> str | None:
    is_web = scheme_of(value) in ("http", "https")
    fault = _path_of_file(value)
    return "a folder in the project, or one at s3:// or az://" if is_web or fault else None


_PATH = SourceSetting("path", is_needed=True)
# A file may also be read over the network.
_FILE_PATH = SourceSetting("path", is_needed=True, check=_path_of_file)
_TABLE_PATH = SourceSetting("path", is_needed=True, check=_path_of_table)
_SECRETS = ("access_key", "secret_key", "session_token", "sas", "token")
_NETWORK = (
    *(SourceSetting(word) for word in ("region", "endpoint", "account")),
    *(SourceSetting(word, check=_only_secretly) for word in _SECRETS),
    SourceSetting("allow_http", form="flag"),
)
# What the text of a value means, whatever it was read from.
_MEANING = (
    SourceSetting("null", check=_one_line, form="texts"),
    SourceSetting("date_format", check=_date_format, form="texts"),
    SourceSetting("datetime_format", check=_datetime_format, form="texts"),
    SourceSetting("decimal", check=_decimal_sign),
    SourceSetting("thousands", check=_thousands_sign),
)
_DATABASE = SourceSetting("database", is_needed=True, check=_only_environment)
_TABLE = (SourceSetting("table"), SourceSetting("query"))

_ROWS = (
    SourceKind(
        "csv",
        (
            _FILE_PATH,
            SourceSetting("delimiter", check=_delimiter),
            SourceSetting("quote", check=_one_character),
            SourceSetting("encoding"),
            SourceSetting("header", form="flag"),
            *_MEANING,
            *_NETWORK,
        ),
        may_be_half_written=True,
    ),
    SourceKind(
        "jsonl",
        (_FILE_PATH, SourceSetting("encoding"), *_MEANING, *_NETWORK),
        may_be_half_written=True,
    ),
    SourceKind("parquet", (_FILE_PATH, *_MEANING, *_NETWORK), may_be_half_written=True),
    SourceKind("sqlite", (_PATH, *_TABLE, *_MEANING), either=("table", "query")),
    SourceKind("duckdb", (_PATH, *_TABLE, *_MEANING), either=("table", "query")),
    SourceKind("postgres", (_DATABASE, *_TABLE, *_MEANING), either=("table", "query")),
    SourceKind("mysql", (_DATABASE, *_TABLE, *_MEANING), either=("table", "query")),
    SourceKind(
        "delta", (_TABLE_PATH, SourceSetting("version", form="number"), *_MEANING, *_NETWORK)
    ),
    SourceKind(
        "dbt",
        (
            SourceSetting("manifest", is_needed=True),
            SourceSetting("model", is_needed=True),
            SourceSetting("path"),
            SourceSetting("database", check=_only_environment),
            *_MEANING,
        ),
        either=("path", "database"),
    ),
)

SOURCE_KINDS: dict[str, SourceKind] = {row.word: row for row in _ROWS}
assert len(SOURCE_KINDS) == len(_ROWS), "two kinds of source share a name"

# Reserved words: reported as not available in this version.
LATER_SOURCE_KINDS = ("json", "iceberg", "api", "cloud")


def known_source_kind(word: str) -> str:
    """Return `word`; raise ValueError if no source of this version has that kind."""
    if word not in SOURCE_KINDS:
        raise ValueError(f"the kind is one of {', '.join(SOURCE_KINDS)}")
    return word


def texts(value: str | None) -> tuple[str, ...]:
    """Return the texts of a setting of the form "texts"; none where it is not set."""
    return () if value is None else tuple(value.split(BETWEEN_TEXTS))
