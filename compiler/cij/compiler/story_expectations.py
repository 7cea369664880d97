"""The expectations of a test: names resolved, conditions typed, mistakes reported."""

from collections.abc import Iterable

from cij.compiler import program as pg, story as st
from cij.compiler.naming import did_you_mean
from cij.compiler.story_context import Context, calls_of, customer_of, filled, sends_of
from cij.compiler.story_rows import call_row, message_row, row_condition
from cij.compiler.typecheck import check_condition
from cij.grammar import codes, syntax
from cij.grammar.span import Span


def _minute(moment: syntax.DateTime | syntax.Path | None) -> str | None:
    return None if moment is None else filled(moment).value.strftime("%Y-%m-%d %H:%M")


def expect_sent(node: syntax.ExpectSent, context: Context) -> list[st.Statement]:
    customer = customer_of(node.customer, context)
    name, messages = node.message.text, context.build.model.messages
    message = messages.get(name)
    if message is None:
        if name not in context.build.declared["message"]:
            text = f"there is no message `{name}`"
            hint = did_you_mean(name, messages)
            context.build.report(codes.UNKNOWN_NAME.at(node.message.span, text, help=hint))
        return []
    if node.channel.text != message.channel:
        text = f"`{name}` is a message for {message.channel}, not for {node.channel.text}"
        context.build.report(codes.TYPE_MISMATCH.at(node.channel.span, text))
        return []
    if context.journey is not None:
        sent = {send.message for _, send in sends_of(context.journey)}
        _never("sends", name, sent, node.message.span, context)
    return [
        st.ExpectSent(
            **context.line(node),
            channel=message.channel,
            message=name,
            customer=customer,
            at=_minute(node.at),
            key=_key(node.key, context),
            where=_row(node.where, message_row(message, context.journey), context),
        )
    ]


def _row(node: syntax.Expression | None, fields: pg.Event, context: Context) -> st.Row | None:
    # Without the states of the journey, nobody knows which parameters it gives.
    if node is None or context.journey is None:
        return None
    condition = row_condition(node, fields, context.env)
    return None if condition is None else st.Row(fields, condition)


def _key(node: syntax.Text | None, context: Context) -> str | None:
    """Return the value that tells the passages of a customer apart, as `per` of the journey does."""
    if node is not None and context.journey is not None and context.journey.per is None:
        message = f"the passages of `{context.journey.name}` have no key"
        hint = "leave out `for …`, or add `per = FIELD` to the journey"
        context.build.report(codes.TEST_VALUE.at(node.span, message, help=hint))
    return node.value if node is not None else None


def _never(does: str, name: str, known: Iterable[str], span: Span, context: Context) -> None:
    assert context.journey is not None
    known = set(known)
    if name not in known:
        message = f"journey `{context.journey.name}` never {does} `{name}`"
        hint = did_you_mean(name, known)
        context.build.report(codes.TEST_NEVER.at(span, message, help=hint))


def expect_nothing(node: syntax.ExpectNothing, context: Context) -> list[st.Statement]:
    customer = customer_of(node.customer, context)
    return [st.ExpectNothing(**context.line(node), customer=customer)]


def expect_no_other(node: syntax.ExpectNoOther, context: Context) -> list[st.Statement]:
    customer = customer_of(node.customer, context)
    return [st.ExpectNoOther(**context.line(node), customer=customer)]


def expect_ended(node: syntax.ExpectEnded, context: Context) -> list[st.Statement]:
    customer = customer_of(node.customer, context)
    if node.outcome is not None and context.journey is not None:
        ends = {s.outcome for s in context.journey.states if isinstance(s, pg.EndState)}
        _never("ends as", node.outcome.text, ends, node.outcome.span, context)
    outcome, key = node.outcome.text if node.outcome else None, _key(node.key, context)
    return [st.ExpectEnded(**context.line(node), customer=customer, outcome=outcome, key=key)]


def expect_waiting(node: syntax.ExpectWaiting, context: Context) -> list[st.Statement]:
    customer = customer_of(node.customer, context)
    if context.journey is not None:
        rests = [s.step for s in context.journey.states if isinstance(s, pg.WaitState)]
        policies = context.build.model.policies.values()
        if any(p.quiet or any(c.waits for c in p.caps) for p in policies):
            # A send holds people, too.
            rests += [step for step, _ in sends_of(context.journey)]
        if node.step.text not in rests:
            hint = did_you_mean(node.step.text, rests)
            message = f"no wait of `{context.journey.name}` is called `{node.step.text}`"
            context.build.report(codes.TEST_STEP.at(node.step.span, message, help=hint))
    line = context.line(node) | {"customer": customer, "key": _key(node.key, context)}
    return [st.ExpectWaiting(**line, step=node.step.text, until=_minute(node.until))]


def expect_member(node: syntax.ExpectMember, context: Context) -> list[st.Statement]:
    customer = customer_of(node.customer, context)
    name, declared = node.segment.text, context.build.declared["segment"]
    if name not in declared:
        hint = did_you_mean(name, declared)
        message = f"there is no segment `{name}`"
        context.build.report(codes.UNKNOWN_NAME.at(node.segment.span, message, help=hint))
    line = context.line(node)
    return [st.ExpectMember(**line, customer=customer, segment=name, is_negated=node.is_negated)]


def expect_has(node: syntax.ExpectHas, context: Context) -> list[st.Statement]:
    customer = customer_of(node.customer, context)
    condition = check_condition(node.condition, context.env)
    if condition is None:
        return []
    return [st.ExpectHas(**context.line(node), customer=customer, condition=condition)]


def expect_done(node: syntax.ExpectDone, context: Context) -> list[st.Statement]:
    customer = customer_of(node.customer, context)
    name, declared = node.action.text, context.build.declared["action"]
    if name not in declared:
        hint = did_you_mean(name, declared)
        message = f"there is no action `{name}`"
        context.build.report(codes.UNKNOWN_NAME.at(node.action.span, message, help=hint))
        return []
    if context.journey is not None:
        called = {effect.action for _, effect in calls_of(context.journey)}
        _never("does", name, called, node.action.span, context)
    action = context.build.model.actions.get(name)
    where = _row(node.where, call_row(action), context) if action is not None else None
    line = context.line(node)
    return [st.ExpectDone(**line, action=name, customer=customer, where=where)]
