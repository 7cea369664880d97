"""Consent, read again at the instant of sending (S20): an unsubscribe works at once."""

from sqlglot import exp

from cij.compiler import program as pg
from cij.compiler.sql.condition import column
from cij.compiler.sql.plan.context import either, text
from cij.compiler.sql.template import Statement, fill, query


def recheck(program: pg.Program) -> Statement:
    """Return the statement that takes out of the queue what is no longer consented to."""
    withdrawn = [
        fill(
            "outbox.topic = {topic} AND outbox.channel = {channel} AND NOT {granted}",
            topic=text(topic.name),
            channel=text(channel),
            granted=column("c", f"consent.{topic.name}.{channel}"),
        )
        for topic in program.topics
        if topic.consent != "none"
        for channel in topic.channels
    ]
    return query(
        """
UPDATE outbox SET outcome = 'no_consent', settled_at = $now, due_at = NULL,
  reason = 'consent was withdrawn before it was sent'
FROM customer AS c
WHERE c.id = outbox.customer AND outbox.outcome = 'queued' AND {withdrawn}
""",
        withdrawn=exp.paren(either(withdrawn), copy=False),
    )
