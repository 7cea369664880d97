"""The settings in `cij.toml`: the environment of a project. Its journeys define what happens.

Any text value may be `"env:NAME"`, which is read from the environment. A secret cannot be written
in the file: its setting takes the name of a variable.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from cij.app.delivery_tables import (
    FALLBACK,
    DeliveryTable,
    FilesDelivery,
    RowsDelivery,
    SmtpDelivery,
    WebhookDelivery,
)
from cij.app.delivery_way import Table, WarmUpTable
from cij.app.environment_settings import Environment, laid_over
from cij.app.http_tables import HttpDelivery, HttpMailDelivery
from cij.app.project_files import FILE_NAME
from cij.app.provider_tables import (
    MailgunDelivery,
    PostmarkDelivery,
    SendgridDelivery,
    TwilioDelivery,
    VonageDelivery,
)
from cij.app.secret_names import is_name, wrong_names
from cij.app.service_table import CallbacksTable, ServiceTable, TrackingTable
from cij.app.store_table import StoreTable
from cij.app.toml_places import KeyPath, key_lines, line_of
from cij.compiler.addresses import is_region
from cij.compiler.review.change_class import ChangeClass
from cij.compiler.wording import joined
from cij.runtime.errors import ConfigError
from cij.runtime.private_values import hidden, note
from cij.runtime.state_folder import current
from cij.runtime.zone_names import zone_names

_ENV = "env:"
# In the words of pydantic: 'eu' or 'global'.
_QUOTED = re.compile("'([^']*)'")


class ProjectTable(Table):
    """`[project]`.

    The zone is mandatory, so that the zone of a machine never decides a time (S4). `region` is the
    country of phone numbers without a country code, such as `ES` (S29).
    """

    name: str = Field(min_length=1)
    timezone: str
    language: str = "en"
    region: str | None = None

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in zone_names():
            raise ValueError(f"`{name}` is not an IANA time zone{_did_you_mean_zone(name)}")
        return name

    @field_validator("region")
    @classmethod
    def _is_region(cls, code: str | None) -> str | None:
        if code is not None and not is_region(code):
            raise ValueError(
                f"`{code}` is not the code of a country with phone numbers, such as `ES`"
            )
        return code


class RunTable(Table):
    """`[run]`: the intervals of `cij run`."""

    tick_seconds_max: float = Field(default=60.0, gt=0)


_AGE = re.compile(r"([1-9]\d{0,3}) (day|week|month|year)s?")
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}


def _as_age(text: object) -> timedelta:
    found = _AGE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError('write a time such as "90 days", "18 months" or "2 years"')
    return timedelta(days=int(found[1]) * _DAYS[found[2]])


_Age = Annotated[timedelta | None, BeforeValidator(_as_age)]


class RetentionTable(Table):
    """`[retention]`: how long what may hold personal data is kept; without a time for ever.

    A month counts 30 days and a year 365.
    """

    quarantine: _Age = None
    events: _Age = None
    messages: _Age = None
    history: _Age = None
    answers: _Age = None
    backups: _Age = None

    def ages(self) -> dict[str, timedelta]:
        """Return the ages that are set, by kind."""
        return {name: age for name in type(self).model_fields if (age := getattr(self, name))}


class ReviewRule(Table):
    """`[[review.rules]]`: changes that a group has to approve.

    A change falls under the rule if each list that is given has something that fits: one of the `classes`
    of `cij diff`; its address (`topic.*`, `journey.billing.*`); its file (`journeys/billing/*`).
    """

    needs: str
    classes: tuple[ChangeClass, ...] = ()
    addresses: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class ReviewTable(Table):
    """`[review]`: which people have to approve which changes. `approvers` has the addresses of each group.

    With `signed` only commits with a good signature approve anything. `allowed_signers` is a file in the format
    of git (`gpg.ssh.allowedSignersFile`); with it, signed entries of `approvals.toml` approve too.
    """

    approvers: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    rules: tuple[ReviewRule, ...] = ()
    signed: bool = False
    allowed_signers: str | None = None

    @model_validator(mode="after")
    def _has_approvers(self) -> Self:
        for rule in self.rules:
            if not self.approvers.get(rule.needs):
                raise ValueError(
                    f'`needs = "{rule.needs}"`, but `[review.approvers]` has nobody for it'
                )
        return self


class Settings(Table):
    """A valid `cij.toml`."""

    project: ProjectTable
    review: ReviewTable = ReviewTable()
    store: StoreTable = StoreTable()
    delivery: DeliveryTable = DeliveryTable()
    run: RunTable = RunTable()
    retention: RetentionTable = RetentionTable()
    service: ServiceTable = ServiceTable()
    _environment: Environment = PrivateAttr(default_factory=Environment)

    @property
    def environment(self) -> Environment:
        """The environment whose settings these are."""
        return self._environment


_TABLES: tuple[type[BaseModel], ...] = (
    Settings,
    ProjectTable,
    StoreTable,
    DeliveryTable,
    FilesDelivery,
    SmtpDelivery,
    SendgridDelivery,
    PostmarkDelivery,
    MailgunDelivery,
    TwilioDelivery,
    VonageDelivery,
    HttpDelivery,
    HttpMailDelivery,
    RowsDelivery,
    WebhookDelivery,
    RunTable,
    RetentionTable,
    ReviewTable,
    ReviewRule,
    ServiceTable,
    CallbacksTable,
    TrackingTable,
    WarmUpTable,
)


def load_settings(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read a `cij.toml` for the environment of this process.

    Raises: ConfigError, with all wrong keys and their lines.
    """
    name = current()
    try:
        text = path.read_bytes().decode("utf-8-sig")
        data = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path.name} is not valid TOML: {error}") from error
    lines = key_lines(text)
    wanted, of = laid_over(data, lines, name)
    settings = _valid(wanted, lines, environment)
    settings._environment = of
    return settings


def _valid(
    data: dict[str, Any], lines: dict[KeyPath, int], environment: Mapping[str, str]
) -> Settings:
    if wrong := [_at(lines, *fault) for fault in wrong_names(data)]:
        raise ConfigError("\n".join(wrong))
    # All missing variables are reported at once, and before other errors that they would cause.
    missing = [
        _at(lines, path, f"the variable {name} is not set (needed by `{'.'.join(path)}`)")
        for path, name in _variables(data, ())
        if name not in environment
    ]
    if missing:
        raise ConfigError("\n".join(missing))
    _require_variable(data, lines)
    try:
        return Settings.model_validate(_filled(data, environment))
    except ValidationError as error:
        faults = [_fault(data, detail) for detail in error.errors()]
        faults.sort(key=lambda fault: line_of(lines, fault[0]))
        raise ConfigError(
            "\n".join(hidden(_at(lines, *fault), least=1) for fault in faults)
        ) from None


def project_settings(
    data: bytes, label: str, environment: Mapping[str, str] = os.environ
) -> Settings:
    """Return the settings of a `cij.toml` that say what a project means; all others have their defaults.

    A comparison of texts sends nothing, so it must not need the secrets of an environment.
    Raises: ConfigError.
    """
    try:
        text = data.decode("utf-8-sig")
        found = tomllib.loads(text)
        kept = {key: value for key, value in found.items() if key in ("project", "review")}
        return _valid(kept, key_lines(text), environment)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{FILE_NAME} in {label} is not valid TOML: {error}") from error


def _require_variable(data: dict[str, Any], lines: dict[KeyPath, int]) -> None:
    """Refuse an address of a database in the file: it may hold a password."""
    store = data.get("store")
    dsn = store.get("dsn") if isinstance(store, dict) else None
    if isinstance(dsn, str) and not dsn.startswith(_ENV):
        text = '`store.dsn` names a variable: dsn = "env:CIJ_STORE_DSN"'
        raise ConfigError(_at(lines, ("store", "dsn"), text))


def _at(lines: dict[KeyPath, int], path: KeyPath, message: str) -> str:
    return f"{FILE_NAME}:{line_of(lines, path)}: {message}"


def _variables(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _variables(inner, (*path, key))
    elif isinstance(value, list):
        for inner in value:
            yield from _variables(inner, path)
    elif isinstance(value, str) and value.startswith(_ENV):
        yield path, value.removeprefix(_ENV)


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, environment) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, environment) for inner in value]
    if isinstance(value, str) and value.startswith(_ENV):
        name = value.removeprefix(_ENV)
        return note(name, environment[name])
    return value


def _fault(data: dict[str, Any], detail: ErrorDetails) -> tuple[KeyPath, str]:
    path = _written_path(data, detail)
    key, table = path[-1], f"[{'.'.join(path[:-1])}]" if path[1:] else f"the top of {FILE_NAME}"
    if detail["type"] == "extra_forbidden":
        return path, f"`{key}` is not a setting of {table}{_did_you_mean_key(key)}"
    if detail["type"] in ("missing", "union_tag_not_found"):
        return path, f"`{key}` is missing in {table}" if path[1:] else f"[{key}] is missing"
    if detail["type"] in ("literal_error", "union_tag_invalid"):
        return path, _one_of(path, detail)
    return path, f"`{'.'.join(path)}`: {detail['msg'].removeprefix('Value error, ')}"


def _one_of(path: KeyPath, detail: ErrorDetails) -> str:
    """Say which words a setting takes. Its own is not shown: it may be a secret in the wrong place."""
    context = detail.get("ctx", {})
    words = _QUOTED.findall(str(context.get("expected_tags", context.get("expected"))))
    close = difflib.get_close_matches(str(context.get("tag", detail["input"])), words, n=1)
    return f"`{'.'.join(path)}` can be {joined(words, 'or')}{_suggestion(close)}"


def _written_path(data: dict[str, Any], detail: ErrorDetails) -> KeyPath:
    """Return the path of a key without the names of alternatives that pydantic adds to it."""
    path: list[str] = []
    table: Any = data
    *around, last = _as_in_file(detail["loc"])
    for part in around:
        if isinstance(table, dict) and part in table:
            path.append(part)
            table = table[part]
    if detail["type"].startswith("union_tag"):
        # A list of tables has its number last.
        return (*path, *([] if last.isdecimal() else [last]), "kind")
    return (*path, last)


def _as_in_file(loc: tuple[int | str, ...]) -> Iterator[str]:
    """Yield the parts of a place as they are written: a table of ways that stand in is inside its channel's."""
    for part in map(str, loc):
        yield from [part.removesuffix(FALLBACK), "fallback"] if part.endswith(FALLBACK) else [part]


def _did_you_mean_key(key: str) -> str:
    known = {f.alias or name for table in _TABLES for name, f in table.model_fields.items()}
    known.discard(key)
    return _suggestion(difflib.get_close_matches(key, sorted(known), n=1))


def _did_you_mean_zone(name: str) -> str:
    return _suggestion(difflib.get_close_matches(name, sorted(zone_names()), n=1))


def _suggestion(close: list[str]) -> str:
    return f"; did you mean `{close[0]}`?" if close else ""


def variable_names(path: Path) -> list[str]:
    """Return the environment variables that a `cij.toml` names, in all environments.

    What is no name may be a secret, and is left out: see `variable_faults`.
    """
    data = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    secrets = [value for key, value in _leaves(data) if key.endswith("_env")]
    found = {*secrets, *(name for _, name in _variables(data, ()))}
    return sorted(name for name in found if is_name(name))


def variable_faults(path: Path) -> list[str]:
    """Return what is wrong with names of variables in a `cij.toml`, in all environments."""
    text = path.read_bytes().decode("utf-8-sig")
    lines = key_lines(text)
    return [_at(lines, *fault) for fault in wrong_names(tomllib.loads(text))]


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for inner_key, inner in value.items():
            yield from _leaves(inner, inner_key)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, key)
    elif isinstance(value, str):
        yield key, value
