"""Changes of the rules for all sends: looser or stricter, proved where the solver can."""

from collections.abc import Iterator

from cij.compiler import program as pg
from cij.compiler.expression import Cap, Hours
from cij.compiler.proofs.bounds import total_bound
from cij.compiler.proofs.caps import exempt, window_of
from cij.compiler.review.both_sides import Context, where
from cij.compiler.review.condition_proofs import IS_MET, prove
from cij.compiler.review.review_answers import AT_ONCE
from cij.compiler.review.review_report import Change, Proof
from cij.compiler.unparse import cap_words, hours_words, words
from cij.compiler.wording import plural

_LOOSER, _STRICTER, _OTHER = "looser", "stricter", "other"
_NO_POLICY_FIELDS = {"requires_consent": False, "quiet": (), "caps": (), "never": ()}


def policy_changes(
    name: str, old: pg.Policy | None, new: pg.Policy | None, context: Context
) -> Iterator[Change]:
    """Yield the changes of a policy; one side is None for a policy that is new or gone."""
    part = new or old
    assert part is not None, "a policy is on one side at least"
    empty = part.model_copy(update=_NO_POLICY_FIELDS)
    before, after = old or empty, new or empty
    yield from _consent(name, before, after, part, context)
    yield from _quiet(name, before, after, part, context)
    yield from _caps(name, before, after, part, context)
    yield from _never(name, before, after, part, context)


def _told(
    name: str,
    rule: str,
    before: str | None,
    after: str | None,
    direction: str,
    effect: str,
    part: pg.Policy,
    context: Context,
    proof: Proof | None = None,
) -> Change:
    verb = {_LOOSER: "a rule is looser", _STRICTER: "a rule is stricter", _OTHER: "another rule"}
    said = (
        "a new rule" if before is None else "a rule is gone" if after is None else verb[direction]
    )
    action = "added" if before is None else "removed" if after is None else "changed"
    count = len(context.head.model.journeys)
    return Change(
        address=f"policy.{name}.{rule}",
        action=action,  # type: ignore[arg-type]
        change_class="policy",
        what=f"policy `{name}`: {said}",
        before=before,
        after=after,
        effect=effect,
        who=f"all customers, in {plural(count, 'journey')}",
        inside=AT_ONCE,
        decide=_DECIDE[direction],
        proof=proof,
        place=where(part.place),
    )


_DECIDE = {
    _LOOSER: "Who answers for the contact rules, and do they agree that customers get more?",
    _STRICTER: "May these messages be held back or left out?",
    _OTHER: "Who answers for the contact rules, and do they agree?",
}


def _consent(
    name: str, old: pg.Policy, new: pg.Policy, part: pg.Policy, context: Context
) -> Iterator[Change]:
    if old.requires_consent and not new.requires_consent:
        effect = "A topic without a rule of consent may be used for any message."
        yield _told(
            name, "consent", "every send requires consent", None, _LOOSER, effect, part, context
        )
    if new.requires_consent and not old.requires_consent:
        effect = "Every message needs a topic with consent, or the topic `transactional`."
        yield _told(
            name, "consent", None, "every send requires consent", _STRICTER, effect, part, context
        )


# --- quiet hours ------------------------------------------------------------------------------


def _quiet(
    name: str, old: pg.Policy, new: pg.Policy, part: pg.Policy, context: Context
) -> Iterator[Change]:
    if old.quiet == new.quiet:
        return
    before, after = _minutes(old.quiet), _minutes(new.quiet)
    if before == after:
        return
    direction = _LOOSER if after < before else _STRICTER if before < after else _OTHER
    effect = {
        _LOOSER: "Messages go out at times that were quiet before.",
        _STRICTER: "Messages of these hours wait until they are over.",
        _OTHER: "Messages go out at times that were quiet before, and wait at others.",
    }[direction]
    yield _told(
        name, "quiet", _hours(old.quiet), _hours(new.quiet), direction, effect, part, context
    )


def _minutes(quiet: tuple[Hours, ...]) -> frozenset[int]:
    """Return the minutes of a day that are quiet."""
    found: set[int] = set()
    for hours in quiet:
        start, end = _minute(hours.start), _minute(hours.end)
        found |= set(range(start, end if end > start else end + 1440))
    return frozenset(m % 1440 for m in found)


def _minute(clock: str) -> int:
    hour, minute = clock.split(":")[:2]
    return int(hour) * 60 + int(minute)


def _hours(quiet: tuple[Hours, ...]) -> str | None:
    return f"quiet {' and '.join(map(hours_words, quiet))}" if quiet else None


# --- caps -------------------------------------------------------------------------------------


def _caps(
    name: str, old: pg.Policy, new: pg.Policy, part: pg.Policy, context: Context
) -> Iterator[Change]:
    gone = [c for c in old.caps if c not in new.caps]
    come = [c for c in new.caps if c not in old.caps]
    for cap in gone:
        # A cap of the same window is the same rule with another number.
        twin = next((c for c in come if _window(c) == _window(cap)), None)
        twin = twin or next((c for c in come if c.channel == cap.channel), None)
        if twin is not None:
            come.remove(twin)
        yield _cap(name, cap, twin, part, context)
    for cap in come:
        yield _cap(name, None, cap, part, context)


def _window(cap: Cap) -> tuple[object, ...]:
    return cap.channel, cap.period, cap.is_calendar


def _cap(name: str, old: Cap | None, new: Cap | None, part: pg.Policy, context: Context) -> Change:
    direction = _direction(old, new)
    effect = {
        _LOOSER: f"Customers may get more messages than before.{_wanted(new, context)}",
        _STRICTER: "Messages above the limit are "
        + ("held back." if new is not None and new.waits else "left out."),
        _OTHER: "Another number of messages may be left out or held back.",
    }[direction]
    cap = new or old
    assert cap is not None, "a cap is on one side at least"
    rule = f"cap {cap.channel or 'any'}"
    return _told(name, rule, _cap_words(old), _cap_words(new), direction, effect, part, context)


def _wanted(cap: Cap | None, context: Context) -> str:
    """Return how many messages all journeys together may ask for in the window of a cap."""
    if cap is None:
        return ""
    head = context.head.model
    bound = total_bound(head.journeys.values(), window_of(cap), cap.channel, exempt(head))
    most = "any number" if bound.count is None else f"up to {bound.count}"
    return f" All journeys together may ask for {most} in this window."


def _direction(old: Cap | None, new: Cap | None) -> str:
    if old is None or new is None:
        return _STRICTER if old is None else _LOOSER
    if _window(old) != _window(new) or old.count == new.count:
        return _OTHER
    return _LOOSER if new.count > old.count else _STRICTER


def _cap_words(cap: Cap | None) -> str | None:
    if cap is None:
        return None
    return cap_words(cap) + (", or wait" if cap.waits else "")


# --- never ------------------------------------------------------------------------------------


def _never(
    name: str, old: pg.Policy, new: pg.Policy, part: pg.Policy, context: Context
) -> Iterator[Change]:
    gone = [n for n in old.never if n not in new.never]
    come = [n for n in new.never if n not in old.never]
    for rule in gone:
        twin = next((n for n in come if n.channel == rule.channel), None)
        if twin is not None:
            come.remove(twin)
        yield _rule(name, rule, twin, part, context)
    for rule in come:
        yield _rule(name, None, rule, part, context)


def _rule(
    name: str, old: pg.Never | None, new: pg.Never | None, part: pg.Policy, context: Context
) -> Change:
    proof = None
    direction = _STRICTER if old is None else _LOOSER
    if old is not None and new is not None:
        base, head = context.base.model, context.head.model
        proof = prove(old.condition, new.condition, base, head, IS_MET)
        direction = {"narrower": _LOOSER, "wider": _STRICTER}.get(proof.verdict, _OTHER)
    effect = {
        _LOOSER: "Customers for whom the old rule held may get messages now.",
        _STRICTER: "Customers for whom the rule holds get nothing, whatever a journey sends.",
        _OTHER: "Some customers may get messages now, and others get nothing any more.",
    }[direction]
    rule = "never"
    return _told(
        name, rule, _never_words(old), _never_words(new), direction, effect, part, context, proof
    )


def _never_words(rule: pg.Never | None) -> str | None:
    if rule is None:
        return None
    channel = f" {rule.channel}" if rule.channel else ""
    return f"never send{channel} when {words(rule.condition)}"
