"""The checks at the instant of sending, in the order of S16, each with its outcome and reason.

Three checks of S16 are not here. Exits are tested when a passage wakes. Quiet hours are tested by a
state in front of the send (`governing`). A duplicate is impossible, because the key of a send is
unique.
"""

from dataclasses import dataclass

from sqlglot import exp

from cij.compiler import expression as ex, program as pg
from cij.compiler.channels import ADDRESS
from cij.compiler.sql.condition import column, condition, strict
from cij.compiler.sql.plan.context import text
from cij.compiler.sql.plan.effects.site import Site
from cij.compiler.sql.plan.governing import family
from cij.compiler.sql.send_rules import on_list
from cij.compiler.sql.template import fill
from cij.compiler.unparse import cap_words, duration_words, words


@dataclass(frozen=True, slots=True)
class Check:
    """A reason not to send a message, which applies where `test` holds. `verdict` is unique to it.

    Several checks may have one `outcome`; the verdict keeps their reasons apart.
    """

    verdict: str
    outcome: str
    reason: str
    test: exp.Expr


def checks_of(message: pg.Message, site: Site) -> list[Check]:
    """Return the checks of a message in order. The first that holds decides."""
    return [
        # First, so that a held-out customer is recorded as withheld and not by chance as another
        # (S9).
        _withheld(),
        *_expiry(message, site),
        *_consent(message, site),
        *_refused(message, site),
    ]


def _withheld() -> Check:
    return Check("withheld", "withheld", "in the holdout group", column("m", "is_held_out"))


def expired_at(message: pg.Message, site: Site) -> ex.Expired | None:
    """Return the condition that a message has expired at this send; None where it never expires."""
    if message.expires is None:
        return None
    return ex.Expired(states=family(site.state.id), period=message.expires)


def _expiry(message: pg.Message, site: Site) -> list[Check]:
    node = expired_at(message, site)
    if node is None:
        return []
    reason = f"it was valid for {duration_words(node.period)}"
    return [Check("expired", "expired", reason, condition(node, site.context.scope))]


def _consent(message: pg.Message, site: Site) -> list[Check]:
    if site.context.topic(message.topic).consent == "none":
        return []
    node = ex.Consent(topic=message.topic, channel=message.channel)
    test = fill("NOT {consent}", consent=strict(node, site.context.scope))
    reason = f"no consent to {message.topic} by {message.channel}"
    return [Check("no_consent", "no_consent", reason, test)]


def _refused(message: pg.Message, site: Site) -> list[Check]:
    """Return the checks of the suppression list, of the `never` rules and of the address."""
    scope, field = site.context.scope, ADDRESS[message.channel]
    # A project may have no field for this channel. Then no customer has an address.
    is_known = any(f.name == field for f in site.context.program.profile.fields)
    address = column("c", field) if is_known else fill("CAST(NULL AS TEXT)")
    is_listed = on_list(message.channel, column("c", "id"), address)
    never = [
        Check(f"never {n}", "suppressed", never_words(rule), condition(rule.condition, scope))
        for n, rule in enumerate(site.context.rules.of(message).never, 1)
    ]
    missing = fill("COALESCE({address}, '') = ''", address=address)
    return [
        Check("listed", "suppressed", LISTED, is_listed),
        *never,
        Check("no_address", "no_address", f"the customer has no {field}", missing),
    ]


LISTED = "on the suppression list"


def never_words(rule: pg.Never) -> str:
    """Return the reason that the outbox shows for a message that a `never` rule refused."""
    return f"never sent when {words(rule.condition)} (policy {rule.policy})"


def capped(number: int) -> str:
    """Return the verdict on a message over a cap, by the number of the cap among those of the
    message."""
    return f"capped {number}"


# --- as SQL -----------------------------------------------------------------------------------


def verdict_of(checks: list[Check]) -> exp.Expr:
    """Return the verdict on a row as one `CASE`; `queued` where no check holds."""
    case = exp.Case()
    for check in checks:
        case = case.when(check.test, text(check.verdict), copy=False)
    return case.else_(text("queued"), copy=False)


def outcome_of(checks: list[Check], caps: tuple[ex.Cap, ...], verdict: exp.Expr) -> exp.Expr:
    """Return the outcome that the outbox records for a verdict."""
    case = exp.Case(this=verdict)
    for check in checks:
        if check.outcome != check.verdict:
            case = case.when(text(check.verdict), text(check.outcome), copy=False)
    for n in range(1, len(caps) + 1):
        case = case.when(text(capped(n)), text("capped"), copy=False)
    return case.else_(verdict.copy(), copy=False) if case.args.get("ifs") else verdict


def reason_of(checks: list[Check], caps: tuple[ex.Cap, ...], verdict: exp.Expr) -> exp.Expr:
    """Return the reason why a message is not sent; null where it is queued."""
    case = exp.Case(this=verdict)
    for check in checks:
        case = case.when(text(check.verdict), text(check.reason), copy=False)
    for n, cap in enumerate(caps, 1):
        reason = f"{cap_words(cap)} (policy {cap.policy})"
        case = case.when(text(capped(n)), text(reason), copy=False)
    return case
