"""`policy`: contact rules over all journeys."""

from cij.compiler import expression as ex, program as pg
from cij.compiler.channels import CHANNELS
from cij.compiler.declarations.body import read_body
from cij.compiler.declarations.environments import customer_environment
from cij.compiler.declarations.explain_lines import Lines, heading, indented
from cij.compiler.model import Model, place
from cij.compiler.naming import did_you_mean
from cij.compiler.pass_state import Build, SendSite
from cij.compiler.policy import TRANSACTIONAL
from cij.compiler.typecheck import check_condition
from cij.compiler.typecheck.written_period import period
from cij.compiler.unparse_policy import policy_lines
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Label
from cij.grammar.span import Span

_CALENDAR = ("day", "week", "month", "year")
_ANY = ("message", "messages")


def define(node: syntax.Policy, build: Build) -> None:
    """Add the policy to the model, or report what is wrong with it."""
    name, rules = node.name.text, node.rules
    settings = [rule for rule in rules if isinstance(rule, syntax.Setting)]
    read_body(f"policy `{name}`", node.name.span, settings, build.report, settings=())
    quiet = [_hours(rule, build) for rule in rules if isinstance(rule, syntax.Quiet)]
    waits = any(isinstance(rule, syntax.OnCapWait) for rule in rules)
    caps = [_cap(rule, name, waits, build) for rule in rules if isinstance(rule, syntax.AtMost)]
    never = [_never(rule, name, build) for rule in rules if isinstance(rule, syntax.NeverSend)]
    _report_idle_wait(rules, build)
    build.model.policies[name] = pg.Policy(
        name=name,
        requires_consent=any(isinstance(rule, syntax.RequireConsent) for rule in rules),
        quiet=tuple(found for found in quiet if found is not None),
        caps=tuple(found for found in caps if found is not None),
        never=tuple(found for found in never if found is not None),
        place=place(node.name.span),
    )


def _hours(rule: syntax.Quiet, build: Build) -> ex.Hours | None:
    start, end = rule.hours.start, rule.hours.end
    if start == end:
        message = "quiet hours that end when they begin could mean no hours or all hours"
        hint = "write two different times, such as 21:00..08:00"
        build.report(codes.BAD_SETTING.at(rule.hours.span, message, help=hint))
        return None
    return ex.Hours(start=start.isoformat(), end=end.isoformat())


def _cap(rule: syntax.AtMost, policy: str, waits: bool, build: Build) -> ex.Cap | None:
    channel = None
    if rule.channel is not None and rule.channel.text not in _ANY:
        channel = _channel(rule.channel, build)
        if channel is None:
            return None
    if rule.count == 0:
        message = "a cap of 0 would never allow a message"
        build.report(codes.BAD_SETTING.at(rule.span, message, help="write `never send … when`"))
        return None
    if rule.is_calendar and rule.per.unit not in _CALENDAR:
        message = f"the calendar has no `{rule.per.unit}`: it is one of {', '.join(_CALENDAR)}"
        build.report(codes.BAD_SETTING.at(rule.per.span, message))
        return None
    return ex.Cap(
        policy=policy,
        count=rule.count,
        channel=channel,
        period=period(rule.per),
        is_calendar=rule.is_calendar,
        waits=waits,
    )


def _never(rule: syntax.NeverSend, policy: str, build: Build) -> pg.Never | None:
    channel = _channel(rule.channel, build) if rule.channel is not None else None
    condition = check_condition(rule.condition, customer_environment(build))
    if condition is None or (rule.channel is not None and channel is None):
        return None
    return pg.Never(policy=policy, channel=channel, condition=condition)


def _channel(name: syntax.Name, build: Build) -> str | None:
    if name.text in CHANNELS:
        return name.text
    message = f"there is no channel `{name.text}`: it is one of {', '.join(CHANNELS)}"
    hint = did_you_mean(name.text, (*CHANNELS, *_ANY)) or "`messages` counts all channels"
    build.report(codes.UNKNOWN_NAME.at(name.span, message, help=hint))
    return None


def _report_idle_wait(rules: tuple[syntax.Rule, ...], build: Build) -> None:
    waits = [rule for rule in rules if isinstance(rule, syntax.OnCapWait)]
    if waits and not any(isinstance(rule, syntax.AtMost) for rule in rules):
        message = "this policy has no cap that a message could wait for"
        hint = "add one, such as `at most 3 email per 7 days`"
        build.report(codes.BAD_SETTING.at(waits[0].span, message, help=hint))
    for other in waits[1:]:
        related = [Label(waits[0].span, "first here")]
        message = "`on cap wait` is said twice"
        build.report(codes.DUPLICATE_NAME.at(other.span, message, related=related))


# --- every send requires consent --------------------------------------------------------------


def check_consents(build: Build) -> None:
    """Report the sends that need no consent, where a policy wants it (S20)."""
    rules = (rule for node in build.policies.values() for rule in node.rules)
    rule = next((r for r in rules if isinstance(r, syntax.RequireConsent)), None)
    if rule is None:
        return
    for message in build.model.messages.values():
        topic = build.model.topics.get(message.topic)
        if topic is not None and topic.consent == "none" and topic.name != TRANSACTIONAL:
            for site in build.send_sites.get(message.name, ()):
                _report_send(message, site, rule, build)


def _report_send(
    message: pg.Message, site: SendSite, rule: syntax.RequireConsent, build: Build
) -> None:
    text = f"`{message.name}` needs no consent, because its topic `{message.topic}` asks for none"
    hint = (
        f"give `{message.topic}` a consent rule, or send service messages on a topic called "
        f"`{TRANSACTIONAL}`"
    )
    related = [Label(rule.span, "every send requires it")]
    build.report(
        codes.SEND_WITHOUT_CONSENT.at(_span(message, site), text, related=related, help=hint)
    )


def _span(message: pg.Message, site: SendSite) -> Span:
    return next(n.span for n in site.step.messages if n.text == message.name)


# --- explain ---------------------------------------------------------------------------------


def explain(policy: pg.Policy, source: Model) -> Lines:
    yield heading("policy", policy.name, policy.place)
    yield "It holds for every send of the project:"
    yield from indented(policy_lines(policy))
    if policy.quiet or policy.caps:
        yield "Quiet hours and caps do not apply to messages on topic transactional."
