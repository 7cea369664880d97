"""Builds syntax nodes from the parse tree: settings, event patterns and steps."""

from collections.abc import Callable
from dataclasses import replace

from lark import Token

from cij.grammar import codes, syntax
from cij.grammar.expressions import (
    DEPTH_MAX,
    ExpressionBuilder,
    ParseTree,
    Part,
    TooDeep,
    after,
    token,
    tokens,
    trees,
    values,
)


class StepBuilder(ExpressionBuilder):
    """Builds the contents of a journey's braces."""

    def setting(self, tree: ParseTree) -> syntax.Setting:
        key, sign, value = tree.children
        self._check_swallowed(sign, value)
        return syntax.Setting(self.path(key), self.expression(value), span=self.span(tree))

    def _check_swallowed(self, sign: Token, value: Part) -> None:
        """Report a setting without a value.

        The grammar reads the setting of the next line as its value.
        """
        if isinstance(value, ParseTree) and value.data == "compare":
            left, operator, _ = value.children
            is_setting = isinstance(left, ParseTree) and left.data == "path" and operator == "="
            if is_setting and self.span(value).line != self.span(sign).line:
                message = "expected a value after `=`"
                self.diagnostics.append(codes.UNEXPECTED_TEXT.at(self.span(sign), message))

    def settings(self, tree: ParseTree) -> tuple[syntax.Setting, ...]:
        """Return the settings in the braces of `tree`; none without braces."""
        blocks = trees(tree, "settings")
        return tuple(self.setting(part) for block in blocks for part in trees(block, "setting"))

    def optional_condition(self, tree: ParseTree, word: str) -> syntax.Expression | None:
        part = after(tree, word)
        return None if part is None else self.expression(part)

    def optional_duration(self, tree: ParseTree, word: str) -> syntax.Duration | None:
        part = after(tree, word)
        return None if part is None else self.duration(part)

    def optional_time(self, tree: ParseTree) -> syntax.Time | None:
        part = after(tree, "AT")
        return None if part is None else self.clock_time(part)

    def event(self, tree: ParseTree) -> tuple[syntax.Name, syntax.Name | None]:
        """Read `opened(reward)`."""
        names = [self.name(part) for part in tokens(tree, "NAME")]
        return names[0], names[1] if len(names) > 1 else None

    def pattern(self, tree: ParseTree) -> syntax.Pattern:
        event, label = self.event(tree.children[0])
        where = self.optional_condition(tree, "WHERE")
        name = self.optional_name(token(tree, "NAME"))
        return syntax.Pattern(event, label, where, name, span=self.span(tree))

    # --- steps ---

    def steps(self, tree: ParseTree) -> syntax.Steps:
        """Return the steps of the first block of `tree`; none without a block."""
        blocks = trees(tree, "block_of_steps")
        return self.block_of_steps(blocks[0]) if blocks else ()

    def block_of_steps(self, tree: ParseTree) -> syntax.Steps:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise TooDeep
        steps = tuple(self.step(part) for part in trees(tree, "step"))
        self._depth -= 1
        return steps

    def step(self, tree: ParseTree) -> syntax.Step:
        part = tree.children[-1]
        build: Callable[[ParseTree], syntax.Step] = getattr(self, f"_step_{part.data}")
        node = build(part)
        label = token(tree, "LABEL")
        if label is None:
            return node
        return replace(node, label=self.name(label), span=self.span(tree))

    def otherwise(self, tree: ParseTree) -> syntax.Steps:
        parts = trees(tree, "otherwise", "timeout")
        return self.steps(parts[0]) if parts else ()

    def _step_send(self, tree: ParseTree) -> syntax.Step:
        channel, message = (self.name(part) for part in tokens(tree, "NAME"))
        return syntax.Send(channel, (message,), self.settings(tree), span=self.span(tree))

    def _step_send_best(self, tree: ParseTree) -> syntax.Step:
        messages = tuple(self.name(part) for part in tokens(tree, "NAME"))
        return syntax.Send(None, messages, self.settings(tree), span=self.span(tree))

    def _step_wait(self, tree: ParseTree) -> syntax.Step:
        duration = self.duration(tree.children[1])
        return syntax.Wait(duration, self.optional_time(tree), span=self.span(tree))

    def _step_wait_until(self, tree: ParseTree) -> syntax.Step:
        part = tree.children[2]
        is_weekday = isinstance(part, Token) and part.type == "WEEKDAY"
        moment = self.weekday(part) if is_weekday else self.expression(part)
        named = after(tree, "IN_ZONE")
        zone = None if named is None else self.text(named)
        return syntax.WaitUntil(moment, self.optional_time(tree), zone, span=self.span(tree))

    def weekday(self, part: Token) -> syntax.Weekday:
        return syntax.Weekday(str(part), span=self.span(part))

    def _step_wait_event(self, tree: ParseTree) -> syntax.Step:
        pattern = self.pattern(tree.children[2])
        up_to, then = self.duration(after(tree, "UP_TO")), self.steps(tree)
        return syntax.WaitEvent(pattern, up_to, then, self.otherwise(tree), span=self.span(tree))

    def _step_wait_first(self, tree: ParseTree) -> syntax.Step:
        up_to = self.duration(after(tree, "UP_TO"))
        arms = tuple(self._arm(part) for part in trees(tree, "on_arm", "when_arm"))
        return syntax.WaitFirst(up_to, arms, self.otherwise(tree), span=self.span(tree))

    def _arm(self, tree: ParseTree) -> syntax.Arm:
        pattern = self.pattern(tree.children[1]) if tree.data == "on_arm" else None
        condition = self.optional_condition(tree, "WHEN")
        return syntax.Arm(pattern, condition, self.steps(tree), span=self.span(tree))

    def _step_if(self, tree: ParseTree) -> syntax.Step:
        branches = tuple(self._branch(part) for part in trees(tree, "branch"))
        return syntax.If(branches, self.otherwise(tree), span=self.span(tree))

    def _branch(self, tree: ParseTree) -> syntax.Branch:
        condition = self.expression(tree.children[1])
        return syntax.Branch(condition, self.steps(tree), span=self.span(tree))

    def _step_switch(self, tree: ParseTree) -> syntax.Step:
        value = self.expression(tree.children[1])
        cases = tuple(self._case(part) for part in trees(tree, "case"))
        return syntax.Switch(value, cases, self.otherwise(tree), span=self.span(tree))

    def _case(self, tree: ParseTree) -> syntax.Case:
        return syntax.Case(self.expressions(tree), self.steps(tree), span=self.span(tree))

    def _step_split(self, tree: ParseTree) -> syntax.Step:
        name = self.name(tree.children[1])
        arms = tuple(self._share(part) for part in trees(tree, "share"))
        winners = trees(tree, "winner")
        for second in winners[1:]:
            self.unexpected(second, "a split has one `winner`")
        winner = self._winner(winners[0]) if winners else None
        return syntax.Split(name, arms, winner, span=self.span(tree))

    def _share(self, tree: ParseTree) -> syntax.SplitArm:
        percent, name = self.percent(tree.children[0]), self.name(tree.children[1])
        return syntax.SplitArm(percent, name, self.steps(tree), span=self.span(tree))

    def _winner(self, tree: ParseTree) -> syntax.Winner:
        goal, count = self.name(after(tree, "BY")), self.count(after(tree, "AFTER"))
        return syntax.Winner(goal, count, span=self.span(tree))

    def _step_first(self, tree: ParseTree) -> syntax.Step:
        count, name = self.count(tree.children[1]), self.name(tree.children[2])
        then = self.steps(tree)
        return syntax.First(count, name, then, self.otherwise(tree), span=self.span(tree))

    def _step_do(self, tree: ParseTree) -> syntax.Step:
        action = self.name(tree.children[1])
        return syntax.Do(action, self.settings(tree), span=self.span(tree))

    def _step_set(self, tree: ParseTree) -> syntax.Step:
        _, field, _, value = tree.children
        return syntax.Set(self.path(field), self.expression(value), span=self.span(tree))

    def _step_give(self, tree: ParseTree) -> syntax.Step:
        topic, channel = self._consent(tree)
        return syntax.GiveConsent(topic, channel, span=self.span(tree))

    def _step_withdraw(self, tree: ParseTree) -> syntax.Step:
        topic, channel = self._consent(tree)
        return syntax.WithdrawConsent(topic, channel, span=self.span(tree))

    def _consent(self, tree: ParseTree) -> tuple[syntax.Name, syntax.Name | None]:
        """Read `consent news by email`."""
        names = [self.name(part) for part in tokens(tree, "NAME")]
        return names[0], names[1] if len(names) > 1 else None

    def _step_emit(self, tree: ParseTree) -> syntax.Step:
        event = self.name(tree.children[1])
        return syntax.Emit(event, self.settings(tree), span=self.span(tree))

    def _step_repeat(self, tree: ParseTree) -> syntax.Step:
        times = self.count(after(tree, "UP_TO"))
        every = self.optional_duration(tree, "EVERY")
        until = self.optional_condition(tree, "UNTIL")
        return syntax.Repeat(times, every, until, self.steps(tree), span=self.span(tree))

    def _step_run(self, tree: ParseTree) -> syntax.Step:
        fragment = self.name(tree.children[1])
        arguments = tuple(part for node in trees(tree, "run_arguments") for part in values(node))
        nodes = tuple(self.expression(part) for part in arguments)
        return syntax.Run(fragment, nodes, span=self.span(tree))

    def _step_end(self, tree: ParseTree) -> syntax.Step:
        return syntax.End(self.optional_name(token(tree, "NAME")), span=self.span(tree))
