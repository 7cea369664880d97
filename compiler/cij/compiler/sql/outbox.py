"""The outbox as it is stored: a row for each message or call, and what is the same for all of a step.

    effect      journey, version, step, channel, topic, message, content: what a step sends or calls
    outbox_row  one for each who came by, with the number of its effect
    outbox      both as one row, to be read, with its key (a view)

Writing a text that is the same in all rows costs as much as one that is not, and a number a tenth of
it. So a key is not stored: rows are known by effect, passage and turn, and `KEY` makes it of these.
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


def effect_of(state: pg.ActState, journey: pg.Journey, program: pg.Program) -> Effect | None:
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
    acts = (s for s in journey.states if isinstance(s, pg.ActState))
    found = (effect_of(act, journey, program) for act in acts)
    return tuple(dict.fromkeys(effect for effect in found if effect is not None))


# --- tables -----------------------------------------------------------------------------------

# Whoever adds one raises the version of the store: an older cij does not know it.
OUTCOMES = (
    *("queued", "sending", "delivered", "failed", "uncertain", "cancelled"),
    *("withheld", "expired", "no_consent", "suppressed", "no_address", "capped"),
)
# As DuckDB writes it.
OUTCOME = "ENUM({})".format(", ".join(f"'{outcome}'" for outcome in OUTCOMES))

# No effect, no row: a number that nobody knows would hide the row from the view.
_ROW = stored_plainly(
    query(
        "CREATE TABLE IF NOT EXISTS outbox_row (effect BIGINT NOT NULL, passage BIGINT, "
        "turn BIGINT, customer VARCHAR, locale VARCHAR, address VARCHAR, parameters VARCHAR, "
        f"created_at TIMESTAMP, outcome {OUTCOME}, reason VARCHAR, attempts INTEGER, "
        "due_at TIMESTAMP, settled_at TIMESTAMP, provider_id VARCHAR, expires_at TIMESTAMP)"
    ),
    *("customer", "address", "parameters"),
)
_EFFECT = query(
    "CREATE TABLE IF NOT EXISTS effect (id BIGINT, journey VARCHAR, version VARCHAR, "
    "step VARCHAR, channel VARCHAR, topic VARCHAR, message VARCHAR, content VARCHAR)"
)

# The key of the row `o` with the effect `e` (S19), the same text that `Context.key` makes.
KEY = fill(
    "CONCAT(e.journey, ':', CAST(o.passage AS TEXT), ':', e.step, ':', CAST(o.turn AS TEXT))"
)

# What is queued may go since it was created, where nothing else is said. An outcome is a text to all
# who read, also in its order.
_OUTBOX = query(
    """
CREATE VIEW IF NOT EXISTS outbox AS
SELECT {key} AS key, e.journey, e.version, o.passage, e.step, o.customer, e.channel, e.topic,
  e.message, e.content, o.locale, o.address, o.parameters, o.created_at,
  CAST(o.outcome AS TEXT) AS outcome, o.reason, COALESCE(o.attempts, 0) AS attempts,
  CASE WHEN o.outcome = 'queued' THEN COALESCE(o.due_at, o.created_at) ELSE o.due_at END AS due_at,
  o.settled_at, o.provider_id, o.expires_at
FROM outbox_row AS o JOIN effect AS e ON e.id = o.effect
""",
    key=KEY,
)
DDL = (_ROW, _EFFECT, _OUTBOX)

KNOWN = query("SELECT e.id FROM effect AS e")


def is_of(test: str, **holes: exp.Expr) -> exp.Expr:
    """Return the condition on `outbox_row` that `test` holds for its effect, row `e`."""
    return fill(f"outbox_row.effect IN (SELECT e.id FROM effect AS e WHERE {test})", **holes)


_HAVING = """
SELECT k.key, e.channel, e.message, o.address
FROM (
  SELECT DISTINCT q.key, TRY_CAST(UNNEST(STRING_SPLIT(q.key, ':')) AS BIGINT) AS passage
  FROM {keys} AS q
) AS k
JOIN outbox_row AS o ON o.passage = k.passage
JOIN effect AS e ON e.id = o.effect
WHERE {key} = k.key
"""


def having(keys: exp.Expr) -> exp.Expr:
    """Return the query for what has one of `keys`, a query with the column `key`.

    A key says the number of its passage, and rows are found by that. Names may have a `:` and numbers
    in them too, so each number in a key is tried. What is no key finds nothing.
    """
    return fill(_HAVING, keys=keys, key=KEY)


# What is paused stays queued (S22).
IS_PAUSED = is_of(
    "e.journey IN (SELECT k.journey FROM journey_control AS k WHERE k.state = 'paused')"
)

# --- older stores -----------------------------------------------------------------------------

# No rows where nobody has run yet.
KINDS = query(
    "SELECT t.table_name, t.table_type FROM information_schema.tables AS t "
    "WHERE t.table_name IN ('outbox', 'outbox_row')"
)

# Version 3: rows had their key, which ends with the turn, and outcomes were texts. They are written
# anew: DuckDB cannot read back from its log that a column was changed by a function.
SET_KEYED_ASIDE = (
    query("DROP VIEW outbox"),
    query("ALTER TABLE outbox_row RENAME TO outbox_keyed"),
)
KEYS_TO_TURNS = (
    query(
        """
INSERT INTO outbox_row (effect, passage, turn, customer, locale, address, parameters, created_at,
  outcome, reason, attempts, due_at, settled_at, provider_id, expires_at)
SELECT o.effect, o.passage, CAST(SPLIT_PART(o.key, ':', -1) AS BIGINT), o.customer, o.locale,
  o.address, o.parameters, o.created_at, o.outcome, o.reason, o.attempts, o.due_at, o.settled_at,
  o.provider_id, o.expires_at
FROM outbox_keyed AS o ORDER BY o.rowid
"""
    ),
    query("DROP TABLE outbox_keyed"),
)
KNOW_OUTCOMES = query(f"ALTER TABLE outbox_row ALTER COLUMN outcome SET DATA TYPE {OUTCOME}")

# Version 2: the outbox was one table; before that, messages could not expire.
WIDE = {"outbox": "BASE TABLE"}
ADD_EXPIRY = query("ALTER TABLE outbox ADD COLUMN IF NOT EXISTS expires_at TIMESTAMP")
RENAME_WIDE = query("ALTER TABLE outbox RENAME TO outbox_wide")
WIDE_EFFECTS = query(
    "SELECT DISTINCT o.journey, o.version, o.step, o.channel, o.topic, o.message, o.content "
    "FROM outbox_wide AS o"
)
# In the order in which they were written: the times of a batch bound the rows that are looked at.
NARROW = query(
    """
INSERT INTO outbox_row (effect, passage, turn, customer, locale, address, parameters, created_at,
  outcome, reason, attempts, due_at, settled_at, provider_id, expires_at)
SELECT e.id, o.passage, CAST(SPLIT_PART(o.key, ':', -1) AS BIGINT), o.customer, o.locale, o.address,
  o.parameters, o.created_at, o.outcome, o.reason, o.attempts, o.due_at, o.settled_at,
  o.provider_id, o.expires_at
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
