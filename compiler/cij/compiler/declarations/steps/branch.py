"""`if`, `switch`, `split`: branch at once."""

from dataclasses import replace
from decimal import Decimal

from cij.compiler import expression as ex, model, program as pg
from cij.compiler.declarations.steps.step_context import JourneyContext, branches, everything
from cij.compiler.naming import did_you_mean
from cij.compiler.nullability import known_fields
from cij.compiler.typecheck import check, check_condition, operators
from cij.compiler.types import BOOLEAN
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Label
from cij.grammar.span import Span


def if_(step: syntax.If, context: JourneyContext) -> model.Step | None:
    """`if … else if … else`."""
    name = context.name_of(step, "if")
    guards = [check_condition(b.condition, context.env) for b in step.branches]
    blocks = [(b.steps, _promised(g, context)) for b, g in zip(step.branches, guards, strict=True)]
    return _choose(name, step.span, guards, [*blocks, (step.otherwise, frozenset())], context)


def _promised(guard: ex.Expression | None, context: JourneyContext) -> frozenset[str]:
    if guard is None:
        return everything(context.env)
    return known_fields(guard, context.build.model.segments)


def _choose(
    name: str,
    span: Span,
    guards: list[ex.Expression | None],
    blocks: list[tuple[syntax.Steps, frozenset[str]]],
    context: JourneyContext,
) -> model.Choose | None:
    *bodies, otherwise = branches(context, blocks)
    arms = tuple(
        model.ChooseArm(g, b) for g, b in zip(guards, bodies, strict=True) if g is not None
    )
    if len(arms) < len(guards):
        return None
    return model.Choose(name, span, arms, otherwise)


def switch(step: syntax.Switch, context: JourneyContext) -> model.Step | None:
    """`switch FIELD { case … }`."""
    name = context.name_of(step, "switch")
    if not step.cases:
        _report_without_arms("switch", "case VALUE { … }", step.span, context)
        return None
    value = check(step.value, context.env)
    guards = [_case_guard(value, step, case, context) for case in step.cases]
    known = _promised(ex.Known(value=value) if value is not None else None, context)
    blocks = [(case.steps, known) for case in step.cases]
    return _choose(name, step.span, guards, [*blocks, (step.otherwise, frozenset())], context)


def _report_without_arms(word: str, arm: str, span: Span, context: JourneyContext) -> None:
    message = f"this `{word}` has nothing to choose from"
    context.build.report(codes.MISSING_SETTING.at(span, message, help=f"add `{arm}`"))


def _case_guard(
    value: ex.Expression | None, step: syntax.Switch, case: syntax.Case, context: JourneyContext
) -> ex.Expression | None:
    items = []
    for item in case.values:
        typed = check(item, context.env)
        if value is None or typed is None:
            return None
        spans = (step.value.span, item.span)
        if operators.compare("=", value, typed, spans, context.env) is None:
            return None
        items.append(operators.align(value, typed)[1])
    assert value is not None
    return ex.InSet(value=value, items=tuple(items))


def split(step: syntax.Split, context: JourneyContext) -> model.Step | None:
    """`split NAME { 50% a { … } }`: S14."""
    name = context.name_of(step, f"split {step.name.text}")
    if not step.arms:
        _report_without_arms("split", "50% NAME { … }", step.span, context)
        return None
    _report_twins(step, context)
    total = sum((arm.share.value for arm in step.arms), Decimal(0))
    if total > 100:
        message = f"the shares of `{step.name.text}` add up to {total}%"
        hint = "together they are 100% at most; customers in no arm skip the split"
        context.build.report(codes.BAD_SETTING.at(step.span, message, help=hint))
        return None
    if step.winner is not None and not _is_goal(step.winner, context):
        return None
    blocks = [(arm.steps, frozenset[str]()) for arm in step.arms]
    chosen = _choose(name, step.span, _shares(step), [*blocks, ((), frozenset())], context)
    if chosen is not None:
        pairs = zip(chosen.arms, step.arms, strict=True)
        chosen = replace(chosen, arms=tuple(replace(a, name=w.name.text) for a, w in pairs))
    return _with_winner(chosen, step, context) if step.winner and chosen else chosen


def _shares(step: syntax.Split) -> list[ex.Expression | None]:
    guards: list[ex.Expression | None] = []
    low = Decimal(0)
    for arm in step.arms:
        high = low + arm.share.value / 100
        guards.append(ex.HashShare(type=BOOLEAN, salt=step.name.text, low=str(low), high=str(high)))
        low = high
    return guards


def _is_goal(winner: syntax.Winner, context: JourneyContext) -> bool:
    goals = [h.name.text for h in context.node.headers if isinstance(h, syntax.Goal)]
    if winner.goal.text not in goals:
        hint = did_you_mean(winner.goal.text, goals)
        message = f"the journey has no goal `{winner.goal.text}`"
        context.build.report(codes.UNKNOWN_NAME.at(winner.goal.span, message, help=hint))
        return False
    if winner.after < 1:
        context.build.report(
            codes.BAD_SETTING.at(winner.span, "a winner needs at least 1 customer")
        )
    return winner.after >= 1


def _with_winner(chosen: model.Choose, step: syntax.Split, context: JourneyContext) -> model.Choose:
    """Return the split with arms that record which one was taken, and that follow the winner once there is one."""
    assert step.winner is not None
    split, journey = context.prefix + step.name.text, context.node.name.text
    open_ = ex.Not(item=ex.Winner(journey=journey, split=split))
    arms = []
    for arm, written in zip(chosen.arms, step.arms, strict=True):
        won = ex.Winner(journey=journey, split=split, arm=written.name.text)
        guard = ex.Or(items=(won, ex.And(items=(open_, arm.guard))))
        effect = pg.ArmEffect(
            split=split,
            arm=written.name.text,
            goal=step.winner.goal.text,
            after=step.winner.after,
        )
        taken = model.Act(f"{chosen.name}:{written.name.text}", step.span, effect, is_hidden=True)
        arms.append(model.ChooseArm(guard, (taken, *arm.steps), arm.name))
    return model.Choose(chosen.name, chosen.span, tuple(arms), chosen.otherwise)


def _report_twins(step: syntax.Split, context: JourneyContext) -> None:
    """Report arms of one name: statistics and tests could not tell them apart."""
    first: dict[str, Span] = {}
    for arm in step.arms:
        name = arm.name.text
        if name in first:
            message = f"two arms of `{step.name.text}` are called `{name}`"
            related = [Label(first[name], "first here")]
            context.build.report(codes.DUPLICATE_NAME.at(arm.name.span, message, related=related))
        first.setdefault(name, arm.name.span)
