"""`give consent` and `withdraw consent`: a change of consent with its event and its origin (S20).

What somebody agreed to holds for held-out customers as well, so it is noted for them, too.
"""

from sqlglot import exp

from cij.compiler import program as pg
from cij.compiler.sql.plan.context import text, texts
from cij.compiler.sql.plan.effects.site import Site
from cij.compiler.sql.template import Statement, fill, query
from cij.compiler.sql.unify import consent_name

_EVENT = """
INSERT INTO {events} (seq, id, customer, at, arrived_at, channel, topic)
SELECT (SELECT k.value FROM counter AS k WHERE k.name = 'event')
    + ROW_NUMBER() OVER (ORDER BY m.passage), {key}, m.customer, {at}, $now, {channel}, {topic}
FROM tick_batch AS m
WHERE {comes_by}
"""
_COUNT = (
    "UPDATE counter SET value = value + (SELECT COUNT(*) FROM tick_batch AS m WHERE {comes_by}) "
    "WHERE counter.name = 'event'"
)
_ORIGIN = (
    "INSERT INTO consent_origin (event, origin, at) "
    "SELECT {key}, CONCAT('journey ', {journey}, {step}), $now FROM tick_batch AS m WHERE {comes_by}"
)
# A refusal takes back all that was said before it, so it is dated no earlier than any consent.
_CHANGE = """
INSERT INTO consent_change (customer, topic, channel, granted, at)
SELECT m.customer, {topic}, w.channel, {is_given}, CASE WHEN {is_given} THEN {at} ELSE GREATEST({at}, COALESCE((
  SELECT MAX(g.at) FROM consent_change AS g WHERE g.customer = m.customer AND g.topic = {topic}
    AND g.channel = w.channel AND g.granted), {at})) END
FROM tick_batch AS m CROSS JOIN {channels} AS w
WHERE {comes_by}
"""
_TAKE_BACK = (
    "DELETE FROM consent_ahead WHERE consent_ahead.topic = {topic} AND consent_ahead.channel IN {channels} "
    "AND consent_ahead.customer IN (SELECT m.customer FROM tick_batch AS m WHERE {comes_by})"
)
# Of two changes at one instant the refusal wins.
_NOW = """
UPDATE customer SET id = 1 FROM (
  SELECT c.customer, MAX(CASE WHEN c.granted THEN c.at END) AS given_at,
    MAX(CASE WHEN NOT c.granted THEN c.at END) AS refused_at
  FROM consent_change AS c WHERE c.topic = {topic} AND c.channel = {channel}
    AND c.customer IN (SELECT m.customer FROM tick_batch AS m WHERE {comes_by})
  GROUP BY c.customer
) AS n
WHERE customer.id = n.customer
"""
_GRANTED = "NOT n.given_at IS NULL AND (n.refused_at IS NULL OR COALESCE(n.given_at > n.refused_at, FALSE))"
_LOOK_AGAIN = (
    "DELETE FROM segment_state WHERE EXISTS(SELECT 1 FROM tick_batch AS m WHERE {comes_by})"
)


def consent(site: Site) -> list[Statement]:
    """Return the statements that note the change for all passages that visit the step.

    They also make segments due again. The id of the event is the key of the effect (S19).
    """
    effect = site.state.effect
    assert isinstance(effect, pg.ConsentEffect)
    back = [] if effect.is_given else [_take_back(effect, site)]
    now = [_now(effect.topic, channel, site) for channel in effect.channels]
    return [*_noted(effect, site), *back, _change(effect, site), *now, _look_again(site)]


def _noted(effect: pg.ConsentEffect, site: Site) -> list[Statement]:
    """Return what writes the event with its origin, and counts it."""
    event = query(
        _EVENT,
        events="event_subscribed" if effect.is_given else "event_unsubscribed",
        key=site.key,
        at=site.instant,
        channel=text(effect.channels[0]) if len(effect.channels) == 1 else exp.null(),
        topic=text(effect.topic),
        comes_by=site.comes_by,
    )
    origin = query(
        _ORIGIN,
        key=site.key,
        journey=site.context.names_of("m")["journey"],
        step=text(f", step {site.state.step}"),
        comes_by=site.comes_by,
    )
    return [event, origin, query(_COUNT, comes_by=site.comes_by)]


def _take_back(effect: pg.ConsentEffect, site: Site) -> Statement:
    return query(
        _TAKE_BACK,
        topic=text(effect.topic),
        channels=exp.Tuple(expressions=texts(list(effect.channels))),
        comes_by=site.comes_by,
    )


def _change(effect: pg.ConsentEffect, site: Site) -> Statement:
    ways = [fill("SELECT {c} AS channel", c=text(channel)) for channel in effect.channels]
    channels = exp.Subquery(this=exp.union(*ways, distinct=False) if len(ways) > 1 else ways[0])
    return query(
        _CHANGE,
        topic=text(effect.topic),
        is_given=exp.true() if effect.is_given else exp.false(),
        at=site.instant,
        channels=channels,
        comes_by=site.comes_by,
    )


def _now(topic: str, channel: str, site: Site) -> Statement:
    tree = fill(_NOW, topic=text(topic), channel=text(channel), comes_by=site.comes_by)
    # The name of the column is not known to the template, so the assignment is inserted here.
    column = exp.column(exp.to_identifier(consent_name(topic, channel), quoted=True))
    tree.set("expressions", [exp.EQ(this=column, expression=fill(_GRANTED))])
    return Statement(tree)


def _look_again(site: Site) -> Statement:
    return query(_LOOK_AGAIN, comes_by=site.comes_by)
