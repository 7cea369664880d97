"""Expressions that read a passage: loops, values kept at entry, places, winners, the best message.

Each function takes an expression and the scope, as the functions of `condition` do.
"""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from cij.compiler import expression as ex
from cij.compiler.action import done_by
from cij.compiler.sql.columns import SQL_TYPES, column
from cij.compiler.sql.outbox import having
from cij.compiler.sql.scope import Scope
from cij.compiler.sql.template import fill

Emit = Callable[[Any, Scope], exp.Expr]


def again(node: ex.Again, scope: Scope) -> exp.Expr:
    """Return the condition that the loop has another iteration.

    One number holds the iterations of all nested loops, so `unit` and `size` select the part of
    this one.
    """
    assert scope.turn is not None, "a loop is asked for outside a passage"
    return fill(
        "({turn}) % {whole} < {last}",
        turn=scope.turn,
        whole=exp.convert(node.unit * node.size),
        last=exp.convert(node.unit * (node.size - 1)),
    )


def at_entry(node: ex.AtEntry, scope: Scope) -> exp.Expr:
    """Return the value that the passage kept at entry, in the type of its field."""
    assert scope.passage is not None, "what was kept is read outside a passage"
    kept = exp.JSONExtractScalar(
        this=column(scope.passage, "at_entry"),
        expression=exp.JSONPath(
            expressions=[exp.JSONPathRoot(), exp.JSONPathKey(this=kept_key(node.name))]
        ),
    )
    tree = fill("CAST({a} AS BIGINT)", a=kept)
    tree.set("to", exp.DataType.build(SQL_TYPES[node.type.kind], dialect="duckdb"))
    return tree


def entered_at(node: ex.EnteredAt, scope: Scope) -> exp.Expr:
    """Return the instant from which a passage counts: the time of the entering event, not of the
    tick."""
    assert scope.passage is not None, "the entry is asked for outside a passage"
    return column(scope.passage, "entered_from")


_RESULT = """
(SELECT {x} FROM {done} AS d
 WHERE d.customer = {customer} AND STRPOS(d.message_key, {prefix}) = 1 AND d.at <= {now}
   AND NOT {x} IS NULL
 ORDER BY d.at DESC NULLS LAST, d.seq DESC NULLS LAST LIMIT 1)
"""


def result(node: ex.Result, scope: Scope) -> exp.Expr:
    """Return the latest known value of a result.

    The keys of a step's calls differ only in their end, the iteration, so a prefix finds all of
    them.
    """
    return fill(
        _RESULT,
        x=column("d", node.name),
        done=f"event_{done_by(node.action)}",
        customer=column(scope.customer or "c", "id"),
        prefix=_key_prefix(node.journey, node.step, scope),
        now=scope.instant,
    )


_NOTED = """
(SELECT {x} FROM noted_event AS ne JOIN {events} AS nd ON nd.seq = ne.event
 WHERE ne.passage = {passage} AND ne.step = {step})
"""


def noted(node: ex.Noted, scope: Scope) -> exp.Expr:
    """Return a field of the event that ended a wait of the passage."""
    return fill(
        _NOTED,
        x=column("nd", node.name),
        events=f"event_{node.event}",
        passage=_passage_id(scope),
        step=exp.Literal.string(node.step),
    )


_OUTCOME = """
(SELECT CAST(ob.outcome AS VARCHAR) FROM outbox_row AS ob JOIN effect AS oe ON oe.id = ob.effect
 WHERE ob.passage = {passage} AND oe.step = {step} ORDER BY ob.turn DESC NULLS LAST LIMIT 1)
"""


def send_outcome(node: ex.SendOutcome, scope: Scope) -> exp.Expr:
    """Return what has become of the latest message of a step of the passage."""
    return fill(_OUTCOME, passage=_passage_id(scope), step=exp.Literal.string(node.step))


def of_message(node: ex.OfMessage, scope: Scope) -> exp.Expr:
    """Return the condition that an event row belongs to a message of a step of the passage."""
    assert scope.event is not None, "there is no event row"
    return fill(
        "STRPOS({key}, {prefix}) = 1",
        key=column(scope.event, "message_key"),
        prefix=_key_prefix(node.journey, node.step, scope),
    )


def _key_prefix(journey: str, step: str, scope: Scope) -> exp.Expr:
    """Return how the keys begin of all messages and calls of a step of the passage."""
    return fill(
        "CONCAT({head}, CAST({id} AS TEXT), {step})",
        head=exp.Literal.string(f"{journey}:"),
        id=_passage_id(scope),
        step=exp.Literal.string(f":{step}:"),
    )


def _passage_id(scope: Scope) -> exp.Expr:
    assert scope.passage is not None, "what a passage has is asked for outside a passage"
    # Scratch tables of a batch have the number of the passage under another name.
    return column(scope.passage, "id" if scope.passage == "p" else "passage")


def kept_key(name: str) -> str:
    """Return the key of a field in the JSON of a passage.

    It is plain ASCII, because engines escape other characters in JSON paths differently.
    """
    return "f_" + name.encode().hex()


def first_come(node: ex.FirstCome, scope: Scope) -> exp.Expr:
    """Return the condition that a passage that is ready, row `w`, takes one of the first places.

    All passages that reach the step in this tick are ready, so the numbers of the rows are
    complete.
    """
    return fill(
        "COALESCE((SELECT k.value FROM counter AS k WHERE k.name = {name}), 0) "
        "+ ROW_NUMBER() OVER (ORDER BY w.counts_from ASC, w.passage ASC) <= {count}",
        name=exp.Literal.string(counter_name(node.counter)),
        count=exp.convert(node.count),
    )


def counter_name(counter: str) -> str:
    """Return the name of the counter of places that were taken, in the table `counter`."""
    return f"first:{counter}"


def winner(node: ex.Winner, scope: Scope) -> exp.Expr:
    """Return the condition that this arm has won; without an arm, that any has."""
    won = fill(
        "EXISTS(SELECT 1 FROM winner AS w WHERE w.journey = {journey} AND w.split = {split})",
        journey=exp.Literal.string(node.journey),
        split=exp.Literal.string(node.split),
    )
    if node.arm is not None:
        select = won.this
        select.where(fill("w.arm = {arm}", arm=exp.Literal.string(node.arm)), copy=False)
    return won


# --- the best message -------------------------------------------------------------------------

# The share of messages on a channel to which the customer reacted, in the last 90 days. One
# reaction and one message without are added, so that few messages have little influence.
_OWN = """
CAST((
  SELECT COUNT(DISTINCT r.message_key) FROM {reactions} AS r
  WHERE r.customer = {id} AND r.channel = {channel} AND r.at > {since}
) + 1 AS DECIMAL(18, 6)) / ((
  SELECT COUNT(*) FROM outbox AS o
  WHERE o.customer = {id} AND o.channel = {channel} AND o.outcome = 'delivered' AND o.created_at > {since}
) + 2)
"""
_ALL = """
CAST((
  SELECT COUNT(DISTINCT o.key) FROM {messages} AS o WHERE o.message = {message}
) + 1 AS DECIMAL(18, 6)) / ((
  SELECT COUNT(*) FROM outbox AS o WHERE o.message = {message} AND o.outcome = 'delivered'
) + 2)
"""
_REACTIONS = (
    "SELECT e.customer, e.channel, e.message_key, e.at FROM event_opened AS e UNION ALL "
    "SELECT e.customer, e.channel, e.message_key, e.at FROM event_clicked AS e"
)
_SCORE = """
CASE WHEN {can} THEN 1000000000000 ELSE 0 END
+ CAST(ROUND({own} * 10000) AS BIGINT) * 1000000 + CAST(ROUND({all} * 10000) AS BIGINT)
"""


def best(node: ex.Best, scope: Scope) -> exp.Expr:
    """Return the condition that no other choice has a higher score, or the same and is written
    earlier."""
    mine = _score(node.choices[node.place], scope)
    tests = []
    for place, choice in enumerate(node.choices):
        if place != node.place:
            sign = ">" if place < node.place else ">="
            tests.append(fill(f"({{a}}) {sign} ({{b}})", a=mine, b=_score(choice, scope)))
    return exp.and_(*tests, copy=False)


def _score(choice: ex.Choice, scope: Scope) -> exp.Expr:
    holes = {
        "reactions": fill(_REACTIONS),
        "messages": having(fill("SELECT r.message_key AS key FROM {t} AS r", t=fill(_REACTIONS))),
        "id": column(scope.customer or "c", "id"),
        "channel": exp.Literal.string(choice.channel),
        "message": exp.Literal.string(choice.message),
        "since": fill("$now - 90 * INTERVAL '1' DAY"),
    }
    return fill(_SCORE, can=_can(choice, scope), own=fill(_OWN, **holes), all=fill(_ALL, **holes))


def _can(choice: ex.Choice, scope: Scope) -> exp.Expr:
    customer = scope.customer or "c"
    tests = []
    if scope.catalog.topics[choice.topic].consent != "none":
        tests.append(column(customer, f"consent.{choice.topic}.{choice.channel}"))
    if choice.address is not None:
        tests.append(fill("COALESCE({a}, '') <> ''", a=column(customer, choice.address)))
    return exp.and_(*tests, copy=False) if tests else exp.true()


ATOMS: dict[type, Emit] = {
    ex.Again: again,
    ex.FirstCome: first_come,
    ex.OfMessage: of_message,
    ex.Winner: winner,
    ex.Best: best,
}
