"""What is sure to hold at each step of a journey, and the branches that it decides.

Facts come from the entry, from the guards on the way and from exits that were not taken. Customers may
change during a wait, so after it only facts about the entering event and about splits still hold.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Literal, NamedTuple

from pydantic import BaseModel

from cij.compiler import expression as ex, model, program as pg
from cij.compiler.pass_state import Build
from cij.compiler.proofs.cases import is_repeat, report_missing, report_repeats
from cij.compiler.proofs.conditions import check_condition, report_impossible
from cij.compiler.proofs.findings import conflict, report
from cij.compiler.proofs.located import (
    Piece,
    distinct,
    piece_of,
    pieces,
    refuted,
    relevant,
    segment_pieces,
)
from cij.compiler.proofs.missing_values import check_unknowns
from cij.compiler.proofs.verdicts import are_contrary, negation
from cij.compiler.walk import walk
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Label
from cij.grammar.span import Span

Facts = list[Piece]


def check_journey(node: syntax.Journey, build: Build) -> None:
    """Report what can never happen in a journey, or always does."""
    journey = build.model.journeys[node.name.text]
    walk = _Walk(build)
    entry = distinct(_entry_facts(node, journey, build))
    if walk.is_impossible(entry):
        return
    check_unknowns(journey.head.suppress, _setting(node, "suppress"), (), build)
    walk.gate = _check_heads(node, journey, entry, build)
    facts = distinct([*entry, *walk.gate])
    if not walk.is_impossible(facts):
        walk.block(journey.steps, node.steps, facts)


def _setting(node: syntax.Journey, key: str) -> syntax.Expression | None:
    settings = (h for h in node.headers if isinstance(h, syntax.Setting))
    return next((s.value for s in settings if s.key.text == key), None)


# --- the head ---------------------------------------------------------------------------------


def _entry_facts(node: syntax.Journey, journey: model.Journey, build: Build) -> Facts:
    heads = [h for h in node.headers if isinstance(h, (syntax.EnterSegment, syntax.EnterOn))]
    for head, entry in zip(heads, journey.head.entries, strict=True):
        if isinstance(head, syntax.EnterOn) and isinstance(entry, pg.EventEntry):
            check_condition("what this journey waits for", entry.where, head.pattern.where, build)
    if len(heads) != 1:
        return _any_of_segments(heads, journey, build)
    head, entry = heads[0], journey.head.entries[0]
    if isinstance(entry, pg.SegmentEntry):
        return segment_pieces(entry.segment, build)
    assert isinstance(head, syntax.EnterOn), "heads and entries go together"
    if entry.where is None or head.pattern.where is None:
        return []
    found = pieces(entry.where, head.pattern.where, build)
    return [piece_of(_of_trigger(p.condition, entry.event), p.span, build) for p in found]


def _any_of_segments(
    heads: Sequence[syntax.EnterSegment | syntax.EnterOn], journey: model.Journey, build: Build
) -> Facts:
    names = [e.segment for e in journey.head.entries if isinstance(e, pg.SegmentEntry)]
    if not names or len(names) < len(heads):
        return []
    return [piece_of(ex.Or(items=tuple(ex.Member(segment=n) for n in names)), heads[0].span, build)]


def _of_trigger(node: ex.Expression, event: str) -> ex.Expression:
    """Return what a filter of the entering event says afterwards: about the trigger."""
    if isinstance(node, ex.EventField):
        return ex.TriggerField(type=node.type, is_nullable=True, events=(event,), name=node.name)
    changed = {n: _changed(getattr(node, n), event) for n in type(node).model_fields}
    # What an aggregate says of its own events is not about the one that entered.
    return node if isinstance(node, ex.Aggregate) else node.model_copy(update=changed)


def _changed(value: object, event: str) -> object:
    if isinstance(value, ex.Typed):
        return _of_trigger(value, event)  # type: ignore[arg-type]
    if isinstance(value, tuple):
        return tuple(_changed(v, event) for v in value)
    return value


def _check_heads(node: syntax.Journey, journey: model.Journey, entry: Facts, build: Build) -> Facts:
    """Check goals and exits; return what holds for passages that none of them ended."""
    heads: list[syntax.Goal | syntax.Exit] = []
    heads += [h for h in node.headers if isinstance(h, syntax.Goal)]
    heads += [h for h in node.headers if isinstance(h, syntax.Exit)]
    made: list[model.Goal | model.Exit] = [*journey.goals, *journey.exits]
    stays: Facts = []
    for head, typed in zip(heads, made, strict=True):
        where = head.pattern.where if head.pattern else None
        word = "goal" if isinstance(head, syntax.Goal) else "exit"
        if check_condition(f"what this {word} waits for", typed.where, where, build):
            continue
        if typed.condition is None or head.condition is None:
            continue
        if check_condition(f"the condition of this {word}", typed.condition, head.condition, build):
            continue
        if isinstance(typed, model.Goal) and typed.is_stay:
            continue
        is_held = _holds_at_entry(word, typed.condition, head.condition, entry, build)
        if not is_held and not (isinstance(typed, model.Goal) and typed.within):
            reason = f"the {word} was not taken"
            stays += refuted(typed.condition, head.condition, build, reason)
    return stays


def _holds_at_entry(
    word: str, typed: ex.Expression, written: syntax.Expression, entry: Facts, build: Build
) -> bool:
    denied = piece_of(negation(typed), written.span, build)
    if not are_contrary(p.formula for p in (*entry, denied)):
        return False
    kept = [p for p in conflict([*entry, denied]) if p != denied]
    message = f"this {word} takes everybody who enters at once"
    related = [Label(p.span, f"entering needs `{p.text}`") for p in kept]
    hint = "nobody reaches the first step; choose a condition that can become true later"
    label = "true at entry"
    build.report(
        codes.TRUE_AT_ENTRY.at(written.span, message, label=label, related=related, help=hint)
    )
    return True


# --- the steps --------------------------------------------------------------------------------


class _Arm(NamedTuple):
    """A guard as written: what holds inside, what holds after it, and its block."""

    guard: ex.Expression
    span: Span
    inside: Facts
    after: Facts
    steps: model.Steps
    written: syntax.Steps


_Verdict = Literal["open", "never", "always"]


@dataclass(slots=True)
class _Walk:
    """`gate` holds whenever a passage goes on after a wait: no goal or exit took it away."""

    build: Build
    gate: Sequence[Piece] = ()

    def is_impossible(self, facts: Iterable[Piece]) -> bool:
        return are_contrary(p.formula for p in facts)

    def block(self, steps: model.Steps, written: syntax.Steps, facts: Facts) -> Facts | None:
        """Return what holds after a block, or None if its end cannot be reached."""
        now: Facts | None = facts
        shown = [s for s in steps if not (isinstance(s, model.Act) and s.is_hidden)]
        for step, node in zip(shown, written, strict=True):
            if now is None:
                return None
            now = self._step(step, node, now)
        return now

    def _step(self, step: model.Step, node: syntax.Step, facts: Facts) -> Facts | None:
        match step:
            case model.End():
                return None
            case model.Wait():
                return self._wait(step, node, facts)
            case model.Choose():
                return self._choose(step, node, facts)
            case model.Act(effect=effect):
                return [p for p in facts if not may_change(p.condition, effect)]
            case model.Group():
                # What one run decides by its arguments is no mistake of the fragment.
                lasting = [p for p in facts if is_lasting(p.condition)]
                return lasting if model.goes_on(step) else None
            case model.Repeat():
                return self._repeat(step, node, facts)
        return facts

    def _repeat(self, step: model.Repeat, node: syntax.Step, facts: Facts) -> Facts | None:
        """A later iteration comes after a wait, so only lasting facts hold in every one."""
        assert isinstance(node, syntax.Repeat), "a loop was written as one"
        lasting = [p for p in facts if is_lasting(p.condition)]
        end = self.block(step.steps, node.steps, lasting)
        return lasting if end is not None or step.until is not None else None

    def _wait(self, step: model.Wait, node: syntax.Step, facts: Facts) -> Facts | None:
        lasting = [p for p in facts if is_lasting(p.condition)]
        later = distinct([*lasting, *self.gate])
        # The gate alone was found possible at the start.
        if lasting and self.is_impossible(later):
            return None
        ends = [self.block(step.otherwise, _otherwise(node), later)]
        for arm, (pattern, body) in zip(step.arms, _awaited(node), strict=True):
            what = "what is waited for here"
            if not check_condition(what, arm.where, pattern.where, self.build):
                ends.append(self.block(arm.steps, body, later))
        for when, (written, body) in zip(step.conditions, _conditions(node), strict=True):
            if not check_condition("this condition", when.condition, written, self.build):
                inside = pieces(when.condition, written, self.build)
                ends.append(self.block(when.steps, body, distinct([*later, *inside])))
        return _joined(ends)

    def _choose(self, step: model.Choose, node: syntax.Step, facts: Facts) -> Facts | None:
        if isinstance(node, syntax.Send):
            return facts
        if isinstance(node, syntax.Switch):
            report_repeats(step, node, self.build)
            report_missing(step, node, facts, self.build)
        now, denied, ends = facts, Facts(), list[Facts | None]()
        for arm, written in zip(_arms(step, node, self.build), _guards(node), strict=False):
            check_unknowns(arm.guard, written, now, self.build)
            # A last case that takes all who are left makes the `switch` complete, as CIJ406 asks.
            is_rest = isinstance(node, syntax.Split) or isinstance(node, syntax.Switch) and denied
            verdict = self._judge(arm, now, node, may_be_always=bool(is_rest))
            if verdict == "never":
                continue
            ends.append(self.block(arm.steps, arm.written, distinct([*now, *arm.inside])))
            if verdict == "always":
                return _joined(ends)
            denied += arm.after
            now = distinct([*now, *arm.after])
        if not self._is_else_dead(relevant(now, denied), node):
            ends.append(self.block(step.otherwise, _otherwise(node), now))
        return _joined(ends)

    def _judge(
        self, arm: _Arm, facts: Facts, node: syntax.Step, *, may_be_always: bool
    ) -> _Verdict:
        build = self.build
        facts = relevant(facts, arm.inside)
        if self.is_impossible((*facts, *arm.inside)):
            message = "this condition can never be true"
            if not report_impossible(message, arm.inside, arm.span, build):
                self._report_unreachable(arm, facts, node)
            return "never"
        denied = piece_of(negation(arm.guard), arm.span, build)
        if may_be_always or not self.is_impossible((*facts, denied)):
            return "open"
        self._report_always(denied, facts)
        return "always"

    def _report_unreachable(self, arm: _Arm, facts: Facts, node: syntax.Step) -> None:
        if isinstance(node, syntax.Switch) and is_repeat(arm.span, self.build):
            return
        kept = conflict([*facts, *arm.inside])
        message = "no customer can enter this branch"
        hint = (
            "the conditions on the path to it exclude it; change the condition or delete the branch"
        )
        made = report(codes.UNREACHABLE_BRANCH, message, arm.span, kept, hint)
        self.build.report(made)

    def _report_always(self, denied: Piece, facts: Facts) -> None:
        kept = [p for p in conflict([*facts, denied]) if p != denied]
        related = [Label(p.span, _because(p)) for p in kept]
        message = f"this condition is always true{' here' if kept else ''}"
        hint = "remove the test, or write `else`; a test that always holds decides nothing"
        self.build.report(
            codes.ALWAYS_TRUE.at(
                denied.span, message, label="always true", related=related, help=hint
            )
        )

    def _is_else_dead(self, facts: Facts, node: syntax.Step) -> bool:
        if not self.is_impossible(facts):
            return False
        written = _otherwise(node)
        if written and not isinstance(node, syntax.Split):
            kept = conflict(facts)
            message = "no customer can reach this `else`: the branches before it take everybody"
            related = [Label(p.span, _because(p)) for p in kept]
            made = codes.UNREACHABLE_BRANCH.at(written[0].span, message, related=related)
            self.build.report(made)
        return True


def _because(piece: Piece) -> str:
    return f"{piece.reason}: `{piece.text}`" if piece.reason else f"here `{piece.text}` holds"


def _joined(ends: Sequence[Facts | None]) -> Facts | None:
    """Return what holds at the end of every block whose end can be reached."""
    open_ends = [facts for facts in ends if facts is not None]
    if not open_ends:
        return None
    first, *others = open_ends
    return [p for p in first if all(_has(facts, p) for facts in others)]


def _has(facts: Facts, piece: Piece) -> bool:
    return any(p.condition == piece.condition for p in facts)


_LASTING = (
    *(ex.Constant, ex.Period, ex.TriggerField, ex.HashShare, ex.Compare, ex.InSet, ex.Known),
    *(ex.And, ex.Or, ex.Not, ex.Arithmetic, ex.Coalesce, ex.Cases),
)


def may_change(condition: ex.Expression, effect: pg.Effect) -> bool:
    """Tell whether an effect may change whether a condition holds."""
    inside = [*walk(condition)]
    match effect:
        case pg.SetEffect(field=field):
            derived = any(isinstance(p, (ex.Member, ex.MeasureValue)) for p in inside)
            return derived or any(isinstance(p, ex.Field) and p.name == field for p in inside)
        case pg.SendEffect():
            return any(isinstance(p, ex.SendOutcome) for p in inside)
        case pg.ConsentEffect(topic=topic):
            derived = any(isinstance(p, (ex.Member, ex.MeasureValue, ex.Aggregate)) for p in inside)
            return derived or any(isinstance(p, ex.Consent) and p.topic == topic for p in inside)
        case pg.EmitEffect():
            return any(isinstance(p, (ex.Member, ex.MeasureValue, ex.Aggregate)) for p in inside)
    return False


def is_lasting(condition: ex.Expression) -> bool:
    """Tell whether a condition stays as it is for ever: it reads no customer and no clock."""
    return all(_is_lasting_part(p) for p in walk(condition) if isinstance(p, ex.Typed))


def _is_lasting_part(part: BaseModel) -> bool:
    # A written date and time is local to the customer, and customers move.
    is_local = isinstance(part, ex.Constant) and part.type.kind == "datetime"
    return isinstance(part, _LASTING) and not is_local


# --- the two trees side by side ---------------------------------------------------------------


def _otherwise(node: syntax.Step) -> syntax.Steps:
    has_else = (syntax.If, syntax.Switch, syntax.WaitEvent, syntax.WaitFirst, syntax.First)
    return node.otherwise if isinstance(node, has_else) else ()


def _guards(node: syntax.Step) -> Iterator[syntax.Expression | None]:
    """Yield the condition of each branch as it is written; cases and shares have none."""
    if isinstance(node, syntax.If):
        return (branch.condition for branch in node.branches)
    return repeat(None)


def _awaited(node: syntax.Step) -> list[tuple[syntax.Pattern, syntax.Steps]]:
    match node:
        case syntax.WaitEvent():
            return [(node.pattern, node.then)]
        case syntax.WaitFirst():
            return [(a.pattern, a.steps) for a in node.arms if a.pattern is not None]
    return []


def _conditions(node: syntax.Step) -> list[tuple[syntax.Expression, syntax.Steps]]:
    arms = node.arms if isinstance(node, syntax.WaitFirst) else ()
    return [(a.condition, a.steps) for a in arms if a.condition is not None]


_EARLIER = "no earlier branch was taken"


def _arms(step: model.Choose, node: syntax.Step, build: Build) -> list[_Arm]:
    match node:
        case syntax.If():
            return [
                _arm(a, b.condition, b.steps, build)
                for a, b in zip(step.arms, node.branches, strict=True)
            ]
        case syntax.Switch():
            spans = [case.values[0].span.to(case.values[-1].span) for case in node.cases]
            bodies = [case.steps for case in node.cases]
        case syntax.Split(winner=winner):
            spans = [arm.span for arm in node.arms]
            bodies = [arm.steps for arm in node.arms]
            if winner is not None:
                rows = zip(step.arms, spans, bodies, strict=True)
                return [_Arm(a.guard, span, [], [], a.steps, body) for a, span, body in rows]
        case syntax.First():
            arm = step.arms[0]
            return [_Arm(arm.guard, node.span, [], [], arm.steps, node.then)]
        case _:
            raise AssertionError(f"{type(node).__name__} does not choose")
    return [_plain_arm(*row, build) for row in zip(step.arms, spans, bodies, strict=True)]


def _arm(
    arm: model.ChooseArm, written: syntax.Expression, body: syntax.Steps, build: Build
) -> _Arm:
    inside = pieces(arm.guard, written, build)
    after = refuted(arm.guard, written, build, _EARLIER)
    return _Arm(arm.guard, written.span, inside, after, arm.steps, body)


def _plain_arm(arm: model.ChooseArm, span: Span, body: syntax.Steps, build: Build) -> _Arm:
    inside = [piece_of(arm.guard, span, build)]
    after = [piece_of(negation(arm.guard), span, build, _EARLIER)]
    return _Arm(arm.guard, span, inside, after, arm.steps, body)
