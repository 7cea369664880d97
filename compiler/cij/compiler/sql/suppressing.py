"""Hard bounces and complaints: they put the address on the suppression list (S16)."""

from sqlglot import exp

from cij.compiler.channels import ADDRESS
from cij.compiler.program import Program
from cij.compiler.sql.canonical_addresses import form_of
from cij.compiler.sql.columns import column, literal
from cij.compiler.sql.outbox import having
from cij.compiler.sql.template import Statement, fill, query

# A complaint suppresses the customer too, because it holds also for their next address.
REASONS = {"bounced": "hard bounce", "complained": "complaint"}

_FOLLOW = """
INSERT INTO {table} (channel, address, customer, reason, at)
SELECT r.channel, r.address, r.customer, {reason}, {at}
FROM (
  SELECT e.at, {channel} AS channel, {address} AS address, {customer} AS customer
  FROM {events} AS e
  JOIN customer AS c ON c.id = e.customer
  LEFT JOIN {messages} AS o ON o.key = e.message_key
  WHERE e.seq >= $first AND {dated} AND {is_final}
) AS r
WHERE NOT COALESCE(r.address, r.customer) IS NULL
  AND NOT EXISTS(
    SELECT 1 FROM {table} AS s
    WHERE s.channel = r.channel AND COALESCE(s.address, '') = COALESCE(r.address, '')
      AND COALESCE(s.customer, '') = COALESCE(r.customer, '')
  )
GROUP BY r.channel, r.address, r.customer
"""


def suppress_after(event: str, program: Program) -> tuple[Statement, Statement]:
    """Return the statements that suppress the addresses of events from the number `$first` on: at once,
    and those that are dated in the future in their time (S20).

    The address is that of the message, else the current one of the customer. A bounce with the
    reason `soft` is temporary and suppresses nothing.
    """
    return (
        _suppress(event, program, "suppression", fill("$now"), fill("e.at <= $now")),
        _suppress(event, program, "suppression_ahead", fill("MIN(r.at)"), fill("e.at > $now")),
    )


def _suppress(event: str, program: Program, table: str, at: exp.Expr, dated: exp.Expr) -> Statement:
    channel = fill("COALESCE(e.channel, o.channel, 'email')")
    is_bounce, events = event == "bounced", f"event_{event}"
    keys = fill("SELECT e.message_key AS key FROM {t} AS e WHERE e.seq >= $first", t=events)
    own = _address(channel, program)
    return query(
        _FOLLOW,
        table=table,
        at=at,
        dated=dated,
        reason=literal(REASONS[event]),
        channel=channel,
        address=form_of(fill("COALESCE(o.address, {own})", own=own), channel),
        customer=fill("CAST(NULL AS VARCHAR)") if is_bounce else column("e", "customer"),
        events=events,
        messages=having(keys),
        is_final=fill("COALESCE(e.reason, '') <> 'soft'") if is_bounce else exp.true(),
    )


def _address(channel: exp.Expr, program: Program) -> exp.Expr:
    names = {f.name for f in program.profile.fields}
    case = exp.Case(this=channel)
    for each, field in ADDRESS.items():
        known = column("c", field) if field in names else fill("CAST(NULL AS VARCHAR)")
        case = case.when(literal(each), known, copy=False)
    return case
