"""Questions and orders that a running project takes from other programs, by name.

A command answers them itself where nothing runs. Parameters and answers are in types that JSON has.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cij.app.consents import consent_answer
from cij.app.customer_questions import timeline_answer, why_answer
from cij.app.hand_in_events import newest_message
from cij.app.orders import order_answer, suppression_answer
from cij.app.quarantine import quarantine_answer
from cij.app.service_keys import Role
from cij.app.store_view import StoreView
from cij.runtime.report import report
from cij.runtime.report_data import as_json
from cij.runtime.world import World

Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One row: the role that may ask, and what answers."""

    role: Role
    answer: Callable[[World, Parameters, datetime], Any]


def _of_view(
    answer: Callable[[StoreView, Parameters, datetime], Any],
) -> Callable[[World, Parameters, datetime], Any]:
    return lambda world, asked, now: answer(StoreView(world.engine, world.program), asked, now)


QUESTIONS: dict[str, Question] = {
    "status": Question("read", lambda world, asked, now: as_json(report(world, now))),
    "why": Question("read", _of_view(why_answer)),
    "timeline": Question("read", _of_view(timeline_answer)),
    "newest_message": Question("read", _of_view(newest_message)),
    "consent": Question("read", _of_view(consent_answer)),
    "order": Question("operate", _of_view(order_answer)),
    "suppression": Question("operate", _of_view(suppression_answer)),
    "quarantine": Question("operate", quarantine_answer),
    # A command has left something in the inbox. A step follows, which takes it in.
    "look": Question("operate", lambda world, asked, now: True),
}
