"""Rows of the outbox in statements: what a step sends, the key of a row, and how to find rows.

    effect      journey, version, step, channel, topic, message, content: what a step sends or calls
    outbox_row  one row for each passage that visited the step, with the number of its effect
    outbox      both as one row, with its key, for reading (a view)

A key is not stored, because effect, passage and iteration identify a row. `KEY` makes the text from
them.
"""

import hashlib
import json
from dataclasses import astuple, dataclass

from sqlglot import exp

from cij.compiler import program as pg
from cij.compiler.sql.control import PAUSED
from cij.compiler.sql.template import fill

CALLS = "action"
# 60 bits fit a signed 64-bit integer.
_ID_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Effect:
    """What a step sends or calls. A call has no topic, and `message` is the name of its action."""

    journey: str
    version: str
    step: str
    channel: str
    topic: str | None
    message: str
    content: str

    @property
    def id(self) -> int:
        """The number of the effect: a hash, so it is the same in every process and store."""
        text = json.dumps(astuple(self), ensure_ascii=False)
        return int(hashlib.sha256(text.encode()).hexdigest()[:_ID_DIGITS], 16)


def effect_of(state: pg.ActState, journey: pg.Journey, program: pg.Program) -> Effect | None:
    """Return the effect of a state that writes into the outbox; None for other states."""
    step = journey.name, journey.version, state.step
    match state.effect:
        case pg.SendEffect() as send:
            message = next(m for m in program.messages if m.name == send.message)
            hash = pg.content_hash(message)
            return Effect(*step, send.channel, message.topic, message.name, hash)
        case pg.DoEffect() as call:
            action = next(a for a in program.actions if a.name == call.action)
            return Effect(*step, CALLS, None, action.name, pg.content_hash(action))
    return None


def effects_of(journey: pg.Journey, program: pg.Program) -> tuple[Effect, ...]:
    """Return all effects of a journey that go into the outbox, each once."""
    acts = (s for s in journey.states if isinstance(s, pg.ActState))
    found = (effect_of(act, journey, program) for act in acts)
    return tuple(dict.fromkeys(effect for effect in found if effect is not None))


# --- keys -----------------------------------------------------------------------------------

# The key of the row `o` with the effect `e` (S19). It has to equal the text that `Context.key`
# makes.
KEY = fill(
    "CONCAT(e.journey, ':', CAST(o.passage AS TEXT), ':', e.step, ':', CAST(o.turn AS TEXT))"
)


def is_of(test: str, **holes: exp.Expr) -> exp.Expr:
    """Return the condition on `outbox_row` that `test` holds for its effect, the row `e`."""
    return fill(f"outbox_row.effect IN (SELECT e.id FROM effect AS e WHERE {test})", **holes)


_HAVING = """
SELECT k.key, e.channel, e.message, o.address
FROM (
  SELECT DISTINCT s.key,
    CASE WHEN REGEXP_MATCHES(s.part, '^[0-9]{1,18}$') THEN CAST(s.part AS BIGINT) END AS passage
  FROM (SELECT q.key, UNNEST(STRING_SPLIT(q.key, ':')) AS part FROM {keys} AS q) AS s
) AS k
JOIN outbox_row AS o ON o.passage = k.passage
JOIN effect AS e ON e.id = o.effect
WHERE {key} = k.key
"""


def having(keys: exp.Expr) -> exp.Expr:
    """Return the query for the rows of the outbox that have one of `keys`, a query with the column
    `key`.

    Shape: (key, channel, message, address). Keys are not stored, so rows are found by the number of
    the passage, which is part of the key. Names may contain `:` and digits, so every number in a
    key is tried and the whole key is compared. A text that is no key finds nothing.
    """
    return fill(_HAVING, keys=keys, key=KEY)


# Messages of paused journeys stay queued (S22).
IS_PAUSED = is_of(f"e.journey IN ({PAUSED})")
