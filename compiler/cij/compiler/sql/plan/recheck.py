"""The checks at the instant of delivery: validity, consent, suppression, quiet hours.

A message may wait in the outbox, and an unsubscribe works at once (S20). Caps are not checked
again, because a queued message already has its place.
"""

from collections.abc import Iterator

from sqlglot import exp

from cij.compiler import program as pg
from cij.compiler.channels import ADDRESS
from cij.compiler.policy import TRANSACTIONAL
from cij.compiler.sql.condition import Scope, column, condition
from cij.compiler.sql.plan.context import either, text, texts
from cij.compiler.sql.plan.effects.checks import LISTED, never_words
from cij.compiler.sql.plan.governing import Rules, rules_of
from cij.compiler.sql.scope import Catalog
from cij.compiler.sql.send_rules import on_list, quiet_until
from cij.compiler.sql.template import Statement, fill, query

# Only messages that may be sent now are checked. Without an instant of its own a message may go at once,
# also where a wrong clock has dated it in the future.
_DUE = "outbox_row.outcome = 'queued' AND (outbox_row.due_at IS NULL OR outbox_row.due_at <= $now)"
# The row `e` has the channel, topic and journey of the message.
_IS = "e.id = outbox_row.effect"


def recheck(program: pg.Program) -> tuple[Statement, ...]:
    """Return the statements that settle or postpone queued messages that must not be sent now.

    They run in this order before delivery, after the engine was given the calendar instants of `now`:
    those of the last tick are too old. Parameter: `now`. The order is that of S16.
    """
    rules = rules_of(program)
    refused = (*_never(program, rules), *_quiet(program, rules))
    return (_EXPIRE, *_withdraw(program), _SUPPRESS, *refused)


_EXPIRE = query(
    f"""
UPDATE outbox_row SET outcome = 'expired', settled_at = $now, due_at = NULL,
  reason = 'it was not valid any more when it could be sent'
WHERE {_DUE} AND outbox_row.expires_at <= $now
"""
)


def _withdraw(program: pg.Program) -> list[Statement]:
    withdrawn = [
        fill(
            "e.topic = {topic} AND e.channel = {channel} AND NOT {granted}",
            topic=text(topic.name),
            channel=text(channel),
            granted=column("c", f"consent.{topic.name}.{channel}"),
        )
        for topic in program.topics
        if topic.consent != "none"
        for channel in topic.channels
    ]
    if not withdrawn:
        return []
    statement = query(
        f"""
UPDATE outbox_row SET outcome = 'no_consent', settled_at = $now, due_at = NULL,
  reason = 'consent was withdrawn before it was sent'
FROM customer AS c, effect AS e
WHERE c.id = outbox_row.customer AND {_IS} AND {_DUE} AND {{withdrawn}}
""",
        withdrawn=exp.paren(either(withdrawn), copy=False),
    )
    return [statement]


def _is_listed(channel: str) -> exp.Expr:
    found = on_list(channel, column("outbox_row", "customer"), column("outbox_row", "address"))
    return fill("e.channel = {channel} AND {found}", channel=text(channel), found=found)


_SUPPRESS = query(
    f"""
UPDATE outbox_row SET outcome = 'suppressed', settled_at = $now, due_at = NULL, reason = {{reason}}
FROM effect AS e
WHERE {_IS} AND {_DUE} AND {{listed}}
""",
    listed=exp.paren(either([_is_listed(channel) for channel in ADDRESS]), copy=False),
    reason=text(LISTED),
)


# --- policies ---------------------------------------------------------------------------------


def _channels(channel: str | None) -> exp.Expr:
    """Return the condition that a row is a message on the channel, or on any channel for None.

    Calls of actions are in the outbox too, and rules for messages do not apply to them.
    """
    channels = [channel] if channel else list(ADDRESS)
    return exp.In(this=column("e", "channel"), expressions=texts(channels))


def _never(program: pg.Program, rules: Rules) -> Iterator[Statement]:
    for zone, journeys in _zones(program):
        scope = _scope(program, zone)
        for rule in rules.never:
            yield query(
                f"""
UPDATE outbox_row SET outcome = 'suppressed', settled_at = $now, due_at = NULL, reason = {{reason}}
FROM customer AS c, effect AS e
WHERE c.id = outbox_row.customer AND {_IS} AND {_DUE} AND {{channels}} AND {{journeys}} AND {{holds}}
""",
                reason=text(never_words(rule)),
                channels=_channels(rule.channel),
                journeys=journeys.copy(),
                holds=exp.paren(condition(rule.condition, scope), copy=False),
            )


def _quiet(program: pg.Program, rules: Rules) -> Iterator[Statement]:
    """Yield the statements that postpone messages which would arrive in quiet hours (S17)."""
    for zone, journeys in _zones(program) if rules.quiet else ():
        yield query(
            f"""
UPDATE outbox_row SET due_at = h.until
FROM (
  SELECT c.id, {{until}} AS until FROM customer AS c
  WHERE c.id IN (SELECT outbox_row.customer FROM outbox_row WHERE {_DUE})
) AS h, effect AS e
WHERE h.id = outbox_row.customer AND {_IS} AND {_DUE} AND {{channels}} AND {{journeys}}
  AND e.topic <> {{exempt}} AND h.until > $now
""",
            until=quiet_until(rules.quiet, _scope(program, zone)),
            channels=_channels(None),
            journeys=journeys,
            exempt=text(TRANSACTIONAL),
        )


def _zones(program: pg.Program) -> Iterator[tuple[str | None, exp.Expr]]:
    """Yield each zone of journeys, with the condition that a row is of a journey in this zone (S4).

    The last is None with all other journeys. One statement for each zone, because a zone is a
    constant of the scope.
    """
    zones = {j.name: j.timezone for j in program.journeys if j.timezone is not None}
    name = column("e", "journey")
    for zone in dict.fromkeys(zones.values()):
        own = texts([journey for journey, z in zones.items() if z == zone])
        yield zone, exp.In(this=name.copy(), expressions=own)
    known = exp.In(this=name.copy(), expressions=texts([*zones])) if zones else exp.false()
    yield None, exp.not_(known, copy=False) if zones else exp.true()


def _scope(program: pg.Program, zone: str | None) -> Scope:
    return Scope(
        Catalog.of(program),
        customer="c",
        journey_zone=zone,
        has_own_zone=any(f.name == "timezone" for f in program.profile.fields),
    )
