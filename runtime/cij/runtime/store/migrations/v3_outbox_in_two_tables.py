"""To version 3: what all messages of a step share becomes a row of `effect`.

Before, the outbox was one table of that name with these values in each row. In the oldest stores it
had no `expires_at`.
"""

from dataclasses import asdict

from cij.compiler.sql import query
from cij.compiler.sql.outbox import Effect
from cij.runtime.engine import Engine

_SET_ASIDE = (
    query("ALTER TABLE outbox ADD COLUMN IF NOT EXISTS expires_at TIMESTAMP"),
    query("ALTER TABLE outbox RENAME TO outbox_wide"),
)
_MAKE = (
    query(
        "CREATE TABLE IF NOT EXISTS effect (id BIGINT, journey VARCHAR, version VARCHAR, "
        "step VARCHAR, channel VARCHAR, topic VARCHAR, message VARCHAR, content VARCHAR)"
    ),
    query(
        "CREATE TABLE outbox_row (key VARCHAR, effect BIGINT, passage BIGINT, customer VARCHAR, "
        "locale VARCHAR, address VARCHAR, parameters VARCHAR, created_at TIMESTAMP, "
        "outcome VARCHAR, reason VARCHAR, attempts INTEGER, due_at TIMESTAMP, "
        "settled_at TIMESTAMP, provider_id VARCHAR, expires_at TIMESTAMP)"
    ),
)
_EFFECTS = query(
    "SELECT DISTINCT o.journey, o.version, o.step, o.channel, o.topic, o.message, o.content "
    "FROM outbox_wide AS o"
)
# In the order of writing, because the update of a batch skips blocks by their times.
_FILL = query(
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
_DROP = query("DROP TABLE outbox_wide")


def run(engine: Engine) -> None:
    """Rewrite the outbox, if the store has one."""
    if not engine.columns_of("outbox"):
        return
    for statement in (*_SET_ASIDE, *_MAKE):
        engine.execute(statement)
    effects = {e.id: e for e in (Effect(*row) for row in engine.rows(_EFFECTS))}
    rows = [{"id": id, **asdict(effect)} for id, effect in effects.items()]
    if rows:
        engine.append("effect", {name: [row[name] for row in rows] for name in rows[0]})
    engine.execute(_FILL)
    engine.execute(_DROP)
