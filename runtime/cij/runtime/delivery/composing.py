"""The messages of a batch, written: what can go, and the outcomes of what cannot."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from cij.compiler.program import Action, Message
from cij.runtime.delivery import outbox
from cij.runtime.delivery.channels.transport import Outcome, Prepared, outcome_of
from cij.runtime.delivery.defaults import Defaults
from cij.runtime.delivery.outbox import Row
from cij.runtime.engine import Engine
from cij.runtime.errors import DeliveryError, WorldError, reason_of
from cij.runtime.measured import granted

ACTIONS = "action"


@dataclass
class Composed:
    """What can go, the outcomes of what cannot, and the locale of each message.

    `measured` are the customers whose opens and clicks may be measured.
    """

    prepared: list[Prepared] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    locales: dict[str, str] = field(default_factory=dict)
    measured: frozenset[str] = frozenset()


def composed(engine: Engine, rows: Sequence[Row], defaults: Defaults, store: str = "") -> Composed:
    """Write the messages of `rows`. One that cannot be written fails alone (S28).

    `store` is the id of the store.
    """
    stored = outbox.contents(engine, sorted({row.content for row in rows}))
    found = Composed(measured=_measured(engine, rows, defaults))
    for row in rows:
        assert row.content in stored, f"the outbox names content {row.content}, which is not there"
        try:
            found.prepared.append(_prepared(row, stored[row.content], defaults, found, store))
        except DeliveryError as error:
            found.outcomes.append(outcome_of(row.key, error))
        except WorldError as error:
            # Such as keys that cannot be read: it is no fault of the message, which waits.
            found.outcomes.append(Outcome(row.key, "unsent", str(error)))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is of this message (S28)
            reason = f"it cannot be written: {reason_of(error)}"
            found.outcomes.append(Outcome(row.key, "failed", reason))
    return found


def _prepared(row: Row, content: str, defaults: Defaults, found: Composed, store: str) -> Prepared:
    # Composing loads a template engine and a renderer of Markdown, which most runs do not need.
    from cij.runtime.delivery.compose import compose, compose_action, locale_of

    if row.channel == ACTIONS:
        return compose_action(row, _action(content), store)
    message = _message(content)
    locale = locale_of(row, message)
    found.locales[row.key] = locale.locale
    if defaults.tracking is not None and row.customer not in found.measured:
        defaults = replace(defaults, is_measured=False)
    return compose(row, message, locale, defaults, store)


def _measured(engine: Engine, rows: Sequence[Row], defaults: Defaults) -> frozenset[str]:
    if defaults.tracking is None:
        return frozenset()
    people = sorted({row.customer for row in rows if row.channel != ACTIONS})
    return granted(engine, defaults.tracking.topic, people)


@lru_cache(maxsize=512)
def _action(text: str) -> Action:
    return Action.model_validate_json(text)


@lru_cache(maxsize=512)
def _message(text: str) -> Message:
    return Message.model_validate_json(text)
