"""The outbox as it is stored: a row for each message or call, and what is the same for all of a step.

    effect      journey, version, step, channel, topic, message, content: what a step sends or calls
    outbox_row  one for each who came by, with the number of its effect
    outbox      both as one row, to be read (a view)

Writing a text that is the same in all rows costs as much as one that is not.
"""

import hashlib
import json
from dataclasses import astuple, dataclass

from sqlglot import exp

from cij.compiler import program as pg
from cij.compiler.sql.columns import stored_plainly
from cij.compiler.sql.template import fill, query

CALLS = "action"
# So many fit into a BIGINT.
_ID_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Effect:
    """What a step sends or calls. A call has no topic; `message` is then the name of its action."""

    journey: str
    version: str
    step: str
    channel: str
    topic: str | None
    message: str
    content: str

    @property
    def id(self) -> int:
        """The number of the effect, the same wherever and whenever it is made."""
        text = json.dumps(astuple(self), ensure_ascii=False)
        return int(hashlib.sha256(text.encode()).hexdigest()[:_ID_DIGITS], 16)


def effect_of(state: pg.Act, journey: pg.Journey, program: pg.Program) -> Effect | None:
    """Return what a state writes into the outbox; None where it writes nothing."""
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
    """Return all that a journey writes into the outbox, each once."""
    acts = (s for s in journey.states if isinstance(s, pg.Act))
    found = (effect_of(act, journey, program) for act in acts)
    return tuple(dict.fromkeys(effect for effect in found if effect is not None))


# --- tables -----------------------------------------------------------------------------------

# No effect, no row: a number that nobody knows would hide the row from the view.
_ROW = stored_plainly(
    query(
        "CREATE TABLE IF NOT EXISTS outbox_row (key VARCHAR, effect BIGINT NOT NULL, "
        "passage BIGINT, customer VARCHAR, locale VARCHAR, address VARCHAR, parameters VARCHAR, "
        "created_at TIMESTAMP, outcome VARCHAR, reason VARCHAR, attempts INTEGER, "
        "due_at TIMESTAMP, settled_at TIMESTAMP, provider_id VARCHAR, expires_at TIMESTAMP)"
    ),
    *("key", "customer", "address", "parameters"),
)
_EFFECT = query(
    "CREATE TABLE IF NOT EXISTS effect (id BIGINT, journey VARCHAR, version VARCHAR, "
    "step VARCHAR, channel VARCHAR, topic VARCHAR, message VARCHAR, content VARCHAR)"
)
# What is queued may go since it was created, where nothing else is said.
_OUTBOX = query(
    """
CREATE VIEW IF NOT EXISTS outbox AS
SELECT r.key, e.journey, e.version, r.passage, e.step, r.customer, e.channel, e.topic, e.message,
  e.content, r.locale, r.address, r.parameters, r.created_at, r.outcome, r.reason,
  COALESCE(r.attempts, 0) AS attempts,
  CASE WHEN r.outcome = 'queued' THEN COALESCE(r.due_at, r.created_at) ELSE r.due_at END AS due_at,
  r.settled_at, r.provider_id, r.expires_at
FROM outbox_row AS r JOIN effect AS e ON e.id = r.effect
"""
)
DDL = (_ROW, _EFFECT, _OUTBOX)

KNOWN = query("SELECT e.id FROM effect AS e")


def is_of(test: str, **holes: exp.Expr) -> exp.Expr:
    """Return the condition on `outbox_row` that `test` holds for its effect, row `e`."""
    return fill(f"outbox_row.effect IN (SELECT e.id FROM effect AS e WHERE {test})", **holes)


# What is paused stays queued (S22).
IS_PAUSED = is_of(
    "e.journey IN (SELECT k.journey FROM journey_control AS k WHERE k.state = 'paused')"
)

# --- stores in which the outbox is one table --------------------------------------------------

WIDE = query(
    "SELECT t.table_name FROM information_schema.tables AS t "
    "WHERE t.table_name = 'outbox' AND t.table_type = 'BASE TABLE'"
)
# Of stores that are older than this column.
ADD_EXPIRY = query("ALTER TABLE outbox ADD COLUMN IF NOT EXISTS expires_at TIMESTAMP")
RENAME_WIDE = query("ALTER TABLE outbox RENAME TO outbox_wide")
WIDE_EFFECTS = query(
    "SELECT DISTINCT o.journey, o.version, o.step, o.channel, o.topic, o.message, o.content "
    "FROM outbox_wide AS o"
)
# In the order in which they were written: the times of a batch bound the rows that are looked at.
NARROW = query(
    """
INSERT INTO outbox_row (key, effect, passage, customer, locale, address, parameters, created_at,
  outcome, reason, attempts, due_at, settled_at, provider_id, expires_at)
SELECT o.key, e.id, o.passage, o.customer, o.locale, o.address, o.parameters, o.created_at,
  o.outcome, o.reason, o.attempts, o.due_at, o.settled_at, o.provider_id, o.expires_at
FROM outbox_wide AS o
LEFT JOIN effect AS e
  ON e.journey IS NOT DISTINCT FROM o.journey AND e.version IS NOT DISTINCT FROM o.version
  AND e.step IS NOT DISTINCT FROM o.step AND e.channel IS NOT DISTINCT FROM o.channel
  AND e.topic IS NOT DISTINCT FROM o.topic AND e.message IS NOT DISTINCT FROM o.message
  AND e.content IS NOT DISTINCT FROM o.content
ORDER BY o.rowid
"""
)
DROP_WIDE = query("DROP TABLE outbox_wide")
