"""One journey while its steps are resolved, and what all blocks of steps have in common."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cij.compiler import model
from cij.compiler.pass_state import Build
from cij.compiler.typecheck import Awaited, Environment
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Label
from cij.grammar.span import Span


@dataclass(slots=True)
class JourneyContext:
    """One journey while its steps are resolved.

    `sent` are the labels of sends and calls that happen on every path to here; `known` the fields that the
    conditions on the way promise; `names` the step names taken so far. `resolvers` has the function
    for each form of step. Inside a fragment `steps` are its steps, `prefix` is what its step names
    begin with, and `running` are the fragments around.
    """

    node: syntax.Journey
    build: Build
    env: Environment
    resolvers: "Mapping[type, Resolver]"
    known: frozenset[str] = frozenset()
    sent: frozenset[str] = frozenset()
    names: dict[str, Span] = field(default_factory=dict)
    steps: syntax.Steps = ()
    prefix: str = ""
    running: tuple[str, ...] = ()

    def name_of(self, step: syntax.Step, derived: str) -> str:
        """Return the label of a step, or a name made of what it does; unique in the journey."""
        if step.label is not None:
            return self._labelled(step.label)
        name, n = self.prefix + derived, 1
        while name in self.names:
            n += 1
            name = f"{self.prefix}{derived} #{n}"
        self.names[name] = step.span
        return name

    def named(self, name: syntax.Name, part: str) -> str:
        """Return the whole name of what a step names besides itself; unique in the journey."""
        self.require_own(name, part)
        return self._labelled(name)

    def require_own(self, name: syntax.Name, part: str) -> None:
        """Report a name whose values could be read as something else: `NAME.part`."""
        build, profile = self.build, self.build.model.profile
        taken = {"customer", "event", "trigger", "consent", profile.name if profile else ""}
        taken |= {f.name for f in profile.fields if f.type.entity} if profile else set()
        if name.text in taken or name.text in build.declared["event"]:
            message = f"`{name.text}.{part}` would have two meanings"
            hint = "choose a label that is not a field, an event or a word of the language"
            build.report(codes.BAD_LABEL.at(name.span, message, help=hint))

    def _labelled(self, label: syntax.Name) -> str:
        name = self.prefix + label.text
        if name in self.names:
            message = f"two steps are called `{label.text}`"
            related = [Label(self.names[name], "first here")]
            self.build.report(codes.BAD_LABEL.at(label.span, message, related=related))
        if label.text == "completed" or ":" in label.text:
            message = f"`{label.text}` cannot be a label: cij uses such names for its own states"
            self.build.report(codes.BAD_LABEL.at(label.span, message, help="choose another"))
        self.names[name] = label.span
        return name


Resolver = Callable[[Any, JourneyContext], model.Step | None]


def resolve_steps(steps: syntax.Steps, context: JourneyContext) -> model.Steps:
    """Return the model of a block of steps, and report what can never be reached in it."""
    found: list[model.Step] = []
    for index, step in enumerate(steps):
        resolved = context.resolvers[type(step)](step, context)
        if resolved is not None:
            found.append(resolved)
        if resolved is not None and index + 1 < len(steps) and not model.goes_on(resolved):
            message = "no customer can reach this step: all have left before it"
            context.build.report(codes.UNREACHABLE_STEP.at(steps[index + 1].span, message))
            break
    return tuple(found)


def branches(
    context: JourneyContext,
    blocks: list[tuple[syntax.Steps, frozenset[str]]],
    noted: Sequence[Mapping[str, Awaited]] = (),
) -> list[model.Steps]:
    """Resolve alternative blocks, each with its own promises; after them only common ones hold.

    `noted` are the named events that the first blocks begin with.
    """
    known, sent, called = context.known, context.sent, context.env.results
    sends = context.env.sends
    all_called, all_sends = dict(called), dict(sends)
    results: list[model.Steps] = []
    after: list[tuple[frozenset[str], frozenset[str]]] = []
    own: list[Mapping[str, Awaited]] = [*noted, *({} for _ in blocks[len(noted) :])]
    for (steps, promises), named in zip(blocks, own, strict=True):
        context.known, context.sent = known | promises, sent
        context.env = replace(context.env, results={**called, **named}, sends=sends)
        resolved = resolve_steps(steps, context)
        results.append(resolved)
        all_called |= context.env.results
        all_sends |= context.env.sends
        if model.reaches_end(resolved):
            after.append((context.known, context.sent))
    context.known = known.union(frozenset.intersection(*(k for k, _ in after)) if after else known)
    context.sent = sent.union(frozenset.intersection(*(s for _, s in after)) if after else sent)
    # A result or an interaction may be missing anyhow, so those of any branch can be asked for.
    context.env = replace(context.env, results=all_called, sends=all_sends)
    return results


def everything(env: Environment) -> frozenset[str]:
    """Return all fields: what counts as known where a condition has a mistake of its own."""
    own = (f"trigger.{field.name}" for event in env.trigger for field in event.fields)
    return frozenset(env.field_names).union(own)


def later(what: str, span: Span, context: JourneyContext) -> None:
    """Report that something has no meaning in this version."""
    message = f"{what} is understood, but not available in this version"
    context.build.report(codes.NOT_YET_AVAILABLE.at(span, message))
