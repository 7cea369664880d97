"""Counters of the compiler: iterations of loops, places of `first N`, arms of splits."""

from sqlglot import exp

from cij.compiler import program as pg
from cij.compiler.sql.passage import counter_name
from cij.compiler.sql.plan.context import text
from cij.compiler.sql.plan.effects.site import Site
from cij.compiler.sql.template import Statement, query


def turn(site: Site) -> list[Statement]:
    """Return no statement, because the move itself writes the iteration."""
    return []


def take(site: Site) -> list[Statement]:
    """Return the statements that count the passages that took a place of `first N`."""
    effect = site.state.effect
    assert isinstance(effect, pg.TakeEffect)
    name = text(counter_name(effect.counter))
    # No upsert, because not every engine has one. The table has one writer, so this is safe.
    start = query(
        "INSERT INTO counter (name, value) SELECT {name}, 0 "
        "WHERE NOT EXISTS (SELECT 1 FROM counter AS k WHERE k.name = {name})",
        name=name,
    )
    add = query(
        "UPDATE counter SET value = value + (SELECT COUNT(*) FROM tick_batch AS m WHERE {comes_by}) "
        "WHERE counter.name = {name}",
        name=name,
        comes_by=site.comes_by,
    )
    return [start, add]


def arm(site: Site) -> list[Statement]:
    """Return the statement that records which passages took an arm of a split that chooses a
    winner."""
    effect = site.state.effect
    assert isinstance(effect, pg.ArmEffect)
    rows = query(
        """
INSERT INTO split_arm (journey, split, arm, passage, at)
SELECT {journey}, {split}, {arm}, m.passage, {at} FROM tick_batch AS m WHERE {comes_by}
""",
        journey=site.context.names_of("m")["journey"],
        split=text(effect.split),
        arm=text(effect.arm),
        at=site.instant,
        comes_by=site.comes_by,
    )
    return [rows]


# The arm with the highest share of conversions, after enough people took any arm and one of them
# converted. The order by arm makes the result the same in every run where two arms are equal.
_WINNER = """
INSERT INTO winner (journey, split, arm, people, conversions, at)
SELECT {journey}, {split}, r.arm, r.people, r.conversions, $now
FROM (
  SELECT a.arm, COUNT(*) AS people, COUNT(v.passage) AS conversions,
    SUM(COUNT(*)) OVER () AS everybody, SUM(COUNT(v.passage)) OVER () AS converted,
    ROW_NUMBER() OVER (
      ORDER BY CAST(COUNT(v.passage) AS DECIMAL(38, 9)) / COUNT(*) DESC, a.arm ASC
    ) AS place
  FROM split_arm AS a
  LEFT JOIN (
    SELECT DISTINCT g.passage FROM conversion AS g
    WHERE g.journey = {journey} AND g.goal = {goal}
  ) AS v ON v.passage = a.passage
  WHERE a.journey = {journey} AND a.split = {split}
  GROUP BY a.arm
) AS r
WHERE r.place = 1 AND r.everybody >= {after} AND r.converted > 0
  AND NOT EXISTS(SELECT 1 FROM winner AS w WHERE w.journey = {journey} AND w.split = {split})
"""


def choose_winner(effect: pg.ArmEffect, journey: str) -> Statement:
    """Return the statement that records the winner of a split, once and for all versions.

    Time: it runs when a passage reaches the split. It writes nothing before `after` passages took
    an arm, or while none of them reached the goal.
    """
    return query(
        _WINNER,
        journey=text(journey),
        split=text(effect.split),
        goal=text(effect.goal),
        after=exp.convert(effect.after),
    )
