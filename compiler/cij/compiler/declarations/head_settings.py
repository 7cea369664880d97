"""The settings of a journey's head, `KEY = VALUE`: one row each.

The entries, `again` and the changes of steps are clauses with a syntax of their own; `journey.py`
reads those.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from cij.compiler import expression as ex
from cij.compiler.declarations import changes, entering
from cij.compiler.declarations.body import Body
from cij.compiler.naming import did_you_mean
from cij.compiler.pass_state import Build
from cij.compiler.typecheck import Environment, check_condition, check_value
from cij.compiler.types import TEXT
from cij.grammar import codes


@dataclass(frozen=True, slots=True)
class Written:
    """What a setting is read from.

    `customer` is the environment before the entry. `entered` is the one after it, which knows the
    entering event too.
    """

    body: Body
    customer: Environment
    entered: Environment
    build: Build


@dataclass(frozen=True, slots=True)
class HeadSetting:
    """`read` returns the value of `field` in `Head`, or None where the field keeps its default.

    It also returns None after it has reported a mistake. A setting without a field is for the
    readers of the text alone.
    """

    word: str
    field: str | None = None
    read: Callable[[Written], Any] = lambda written: None


def head_values(written: Written) -> dict[str, Any]:
    """Return the fields of `Head` that settings give a value to."""
    rows = [row for row in HEAD_SETTINGS if row.field is not None]
    found = {str(row.field): row.read(written) for row in rows}
    entering.check_dates(written.body, found["starts"], found["ends"])
    return {field: value for field, value in found.items() if value is not None}


def _per(written: Written) -> str | None:
    """Return the field of the entering events that distinguishes the passages of one customer."""
    body, env = written.body, written.entered
    name = body.name("per")
    if name is None or env.is_trigger_broken:
        return None
    span = body.settings["per"].value.span
    if not env.trigger:
        message = "`per` needs a field of the entering event, and no event enters this journey"
        env.report(codes.BAD_SETTING.at(span, message))
        return None
    for event in env.trigger:
        if name not in {f.name for f in event.fields}:
            hint = did_you_mean(name, [f.name for f in event.fields])
            message = f"event `{event.name}` has no field `{name}`"
            env.report(codes.UNKNOWN_NAME.at(span, message, help=hint))
            return None
    return name


def _holdout(written: Written) -> str | None:
    percent = written.body.percent("holdout")
    return str(percent.value / Decimal(100)) if percent else None


def _suppress(written: Written) -> ex.Expression | None:
    setting = written.body.settings.get("suppress")
    if not setting:
        return None
    # There is no passage yet, but the event by which the customer would enter.
    entered = written.entered
    env = replace(
        written.customer,
        trigger=entered.trigger,
        is_trigger_broken=entered.is_trigger_broken,
    )
    return check_condition(setting.value, env)


def _language(written: Written) -> ex.Expression | None:
    setting = written.body.settings.get("language")
    return check_value(setting.value, TEXT, written.entered) if setting else None


def _is_draft(written: Written) -> bool:
    return written.body.choice("stage", ("draft", "live")) == "draft"


HEAD_SETTINGS: tuple[HeadSetting, ...] = (
    HeadSetting("per", "per", _per),
    HeadSetting("holdout", "holdout", _holdout),
    HeadSetting("suppress", "suppress", _suppress),
    HeadSetting("limit", "limit", lambda w: entering.limit(w.body)),
    HeadSetting("starts", "starts", lambda w: w.body.local_time("starts")),
    HeadSetting("ends", "ends", lambda w: w.body.local_end("ends")),
    HeadSetting("stage", "is_draft", _is_draft),
    HeadSetting("language", "language", _language),
    HeadSetting("timezone", "timezone", lambda w: w.body.zone("timezone", w.build.is_zone)),
    HeadSetting("owner"),
    HeadSetting("priority", "priority", lambda w: w.body.whole("priority")),
    HeadSetting("in_flight", "in_flight", lambda w: changes.in_flight(w.body)),
)
# Reserved words: reported as not available in this version.
LATER_SETTINGS = ("content",)
