"""Builds syntax nodes from the parse tree: declarations, heads of journeys, policies, tests."""

from collections.abc import Callable

from lark import Token

from cij.grammar import codes, literal_values, syntax
from cij.grammar.expressions import (
    DEPTH_MAX,
    TOO_DEEP,
    TOO_DEEP_HELP,
    ParseTree,
    TooDeep,
    after,
    token,
    tokens,
    trees,
)
from cij.grammar.span import Span
from cij.grammar.steps import StepBuilder


class TreeBuilder(StepBuilder):
    """Builds a whole file. A declaration that is nested too deeply is reported and left out.

    Methods are found by the name of a grammar rule, so a new rule needs a method and no table.
    """

    def __init__(self, file: str, text: str) -> None:
        super().__init__(file)
        self._lines = text.split("\n")

    def file_node(self, tree: ParseTree, whole: Span) -> syntax.File:
        built = [self._declaration_or_none(part) for part in tree.children]
        return syntax.File(tuple(node for node in built if node is not None), span=whole)

    def _declaration_or_none(self, tree: ParseTree) -> syntax.TopLevel | None:
        self._depth = 0
        build: Callable[[ParseTree], syntax.TopLevel] = getattr(self, f"_top_{tree.data}")
        try:
            return build(tree)
        except TooDeep:
            span = self.span(tree.children[0])
            self.diagnostics.append(codes.UNEXPECTED_TEXT.at(span, TOO_DEEP, help=TOO_DEEP_HELP))
            return None

    def _doc(self, tree: ParseTree) -> str:
        """Return the comment lines directly above a declaration, without `#`."""
        first = last = self.span(tree).line - 1
        while first > 0 and self._lines[first - 1].lstrip(" \t\f\ufeff").startswith("#"):
            first -= 1
        lines = (line.strip("\ufeff \t\f\r")[1:] for line in self._lines[first:last])
        return "\n".join(line.removeprefix(" ") for line in lines)

    def _top_use(self, tree: ParseTree) -> syntax.TopLevel:
        return syntax.Use(self.path(tree.children[1]), span=self.span(tree))

    def _top_declaration(self, tree: ParseTree) -> syntax.TopLevel:
        kind, name, body = tree.children
        return self._declare(tree, kind, None, name, body)

    def _top_message(self, tree: ParseTree) -> syntax.TopLevel:
        kind, channel, name, body = tree.children
        return self._declare(tree, kind, self.name(channel), name, body)

    def _declare(
        self,
        tree: ParseTree,
        kind: Token,
        channel: syntax.Name | None,
        name: Token,
        body: ParseTree,
    ) -> syntax.Declaration:
        items, doc, span = self.items(body), self._doc(tree), self.span(tree)
        node, named = self.name(kind), self.name(name)
        return syntax.Declaration(node, channel, named, items, doc=doc, span=span)

    def _top_journey(self, tree: ParseTree) -> syntax.TopLevel:
        parts = [part for part in tree.children if isinstance(part, ParseTree)]
        headers = tuple(self._header(part) for part in parts if part.data != "steps")
        blocks = trees(tree, "steps")
        # The grammar allows several blocks, because this message is better than a syntax error.
        for second in blocks[1:]:
            self.unexpected(second, "a journey has one `steps` block")
        steps = self.steps(blocks[0]) if blocks else ()
        name, doc = self.name(tree.children[1]), self._doc(tree)
        return syntax.Journey(name, headers, steps, doc=doc, span=self.span(tree))

    def _top_fragment(self, tree: ParseTree) -> syntax.TopLevel:
        lists = trees(tree, "parameters")
        names = tuple(self.name(part) for found in lists for part in tokens(found, "NAME"))
        name, steps, doc = self.name(tree.children[1]), self.steps(tree), self._doc(tree)
        return syntax.Fragment(name, names, steps, doc=doc, span=self.span(tree))

    def _top_policy(self, tree: ParseTree) -> syntax.TopLevel:
        rules = tuple(self._rule(part) for part in tree.children if isinstance(part, ParseTree))
        name = self.name(tree.children[1])
        return syntax.Policy(name, rules, doc=self._doc(tree), span=self.span(tree))

    def _top_test(self, tree: ParseTree) -> syntax.TopLevel:
        parts = [self._statement(part) for part in tree.children if isinstance(part, ParseTree)]
        title, subject = self.text(tree.children[1]), self.name(tree.children[3])
        doc, span = self._doc(tree), self.span(tree)
        return syntax.Test(title, subject, tuple(_joined(parts)), doc=doc, span=span)

    # --- bodies ---

    def items(self, body: ParseTree) -> tuple[syntax.Item, ...]:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise TooDeep
        nodes = tuple(self._item(part) for part in body.children if isinstance(part, ParseTree))
        self._depth -= 1
        return nodes

    def _item(self, tree: ParseTree) -> syntax.Item:
        build: Callable[[ParseTree], syntax.Item] = getattr(self, f"_item_{tree.data}")
        return build(tree)

    def _item_setting(self, tree: ParseTree) -> syntax.Item:
        return self.setting(tree)

    def _item_where(self, tree: ParseTree) -> syntax.Item:
        return syntax.Where(self.expression(tree.children[1]), span=self.span(tree))

    def _item_except(self, tree: ParseTree) -> syntax.Item:
        return syntax.Except(self.expression(tree.children[1]), span=self.span(tree))

    def _item_add(self, tree: ParseTree) -> syntax.Item:
        _, amount, _, condition = tree.children
        nodes = self.expression(amount), self.expression(condition)
        return syntax.Add(*nodes, span=self.span(tree))

    def _item_stage(self, tree: ParseTree) -> syntax.Item:
        _, name, _, condition = tree.children
        return syntax.Stage(self.name(name), self.expression(condition), span=self.span(tree))

    def _item_renamed(self, tree: ParseTree) -> syntax.Item:
        return self._renamed(tree)

    def _item_schedule(self, tree: ParseTree) -> syntax.Item:
        return self._schedule(tree)

    def _renamed(self, tree: ParseTree) -> syntax.Renamed:
        old, new = (self.name(part) for part in tokens(tree, "NAME"))
        return syntax.Renamed(old, new, span=self.span(tree))

    def _item_block(self, tree: ParseTree) -> syntax.Item:
        word, *arguments, body = tree.children
        argument = self._block_argument(arguments[0]) if arguments else None
        return syntax.Block(self.name(word), argument, self.items(body), span=self.span(tree))

    def _block_argument(self, part: Token) -> syntax.Name | syntax.Text:
        return self.text(part) if part.type == "TEXT" else self.name(part)

    # --- the head of a journey ---

    def _header(self, tree: ParseTree) -> syntax.Header:
        build: Callable[[ParseTree], syntax.Header] = getattr(self, f"_header_{tree.data}")
        return build(tree)

    def _header_setting(self, tree: ParseTree) -> syntax.Header:
        return self.setting(tree)

    def _header_enter_segment(self, tree: ParseTree) -> syntax.Header:
        segment, once = self.name(tree.children[3]), token(tree, "ONCE") is not None
        schedules = [self._schedule(part) for part in trees(tree, "schedule")]
        every = schedules[0] if schedules else None
        return syntax.EnterSegment(segment, once, every, span=self.span(tree))

    def _schedule(self, tree: ParseTree) -> syntax.Schedule:
        _, when, _, at, *_ = tree.children
        named = token(tree, "TEXT")
        zone = None if named is None else self.text(named)
        weekday = self.weekday(when) if when.type == "WEEKDAY" else None
        period = None if weekday else self._period(when)
        return syntax.Schedule(weekday, period, self.clock_time(at), zone, span=self.span(tree))

    def _period(self, part: Token) -> syntax.Duration:
        """Read `2 weeks`, or `week` for one week."""
        if part.type == "DURATION":
            return self.duration(part)
        return syntax.Duration(1, literal_values.unit(part), span=self.span(part))

    def _header_enter_on(self, tree: ParseTree) -> syntax.Header:
        return syntax.EnterOn(self.pattern(tree.children[2]), span=self.span(tree))

    def _header_again(self, tree: ParseTree) -> syntax.Header:
        rule = str(tree.children[1])
        return syntax.Again(rule, self.optional_duration(tree, "AFTER"), span=self.span(tree))

    def _header_exit_on(self, tree: ParseTree) -> syntax.Header:
        name, pattern = self.optional_name(token(tree, "NAME")), self.pattern(after(tree, "ON"))
        return syntax.Exit(name, pattern, None, span=self.span(tree))

    def _header_exit_when(self, tree: ParseTree) -> syntax.Header:
        name = self.optional_name(token(tree, "NAME"))
        condition = self.expression(after(tree, "WHEN"))
        return syntax.Exit(name, None, condition, span=self.span(tree))

    def _header_goal_on(self, tree: ParseTree) -> syntax.Header:
        event, label = self.event(after(tree, "ON"))
        where, is_stay = self._goal_condition(tree, "WHERE")
        start = self.span(after(tree, "ON"))
        span = start if where is None else start.to(where.span)
        pattern = syntax.Pattern(event, label, where, span=span)
        return self._goal(tree, pattern, None, is_stay)

    def _header_goal_when(self, tree: ParseTree) -> syntax.Header:
        condition, is_stay = self._goal_condition(tree, "WHEN")
        return self._goal(tree, None, condition, is_stay)

    def _goal(
        self,
        tree: ParseTree,
        pattern: syntax.Pattern | None,
        condition: syntax.Expression | None,
        is_stay: bool,
    ) -> syntax.Goal:
        name, within = self.name(tree.children[1]), self.optional_duration(tree, "WITHIN")
        return syntax.Goal(name, pattern, condition, within, is_stay, span=self.span(tree))

    def _goal_condition(self, tree: ParseTree, word: str) -> tuple[syntax.Expression | None, bool]:
        """Return the condition and whether `and stay` follows it.

        Without `within` the grammar reads `and stay` as a part of the condition, so it is split off
        here.
        """
        part, is_stay = after(tree, word), token(tree, "AND_STAY") is not None
        is_open = token(tree, "WITHIN") is None
        if part is not None and is_open and _is_and_stay(part):
            part, is_stay = part.children[0], True
        return None if part is None else self.expression(part), is_stay

    def _header_renamed(self, tree: ParseTree) -> syntax.Header:
        return self._renamed(tree)

    def _header_removed(self, tree: ParseTree) -> syntax.Header:
        step, *targets = (self.name(part) for part in tokens(tree, "NAME"))
        then = " ".join(tree.children[3].split())
        return syntax.Removed(step, then, targets[0] if targets else None, span=self.span(tree))

    # --- policies ---

    def _rule(self, tree: ParseTree) -> syntax.Rule:
        build: Callable[[ParseTree], syntax.Rule] = getattr(self, f"_rule_{tree.data}")
        return build(tree)

    def _rule_setting(self, tree: ParseTree) -> syntax.Rule:
        return self.setting(tree)

    def _rule_require_consent(self, tree: ParseTree) -> syntax.Rule:
        return syntax.RequireConsent(span=self.span(tree))

    def _rule_quiet(self, tree: ParseTree) -> syntax.Rule:
        return syntax.Quiet(self.time_range(tree.children[1]), span=self.span(tree))

    def _rule_at_most(self, tree: ParseTree) -> syntax.Rule:
        count, word = self.count(tree.children[2]), tree.children[3]
        channel = None if word == "messages" else self.name(word)
        per, is_calendar = self._period(tree.children[-1]), token(tree, "CALENDAR") is not None
        return syntax.AtMost(count, channel, per, is_calendar, span=self.span(tree))

    def _rule_never_send(self, tree: ParseTree) -> syntax.Rule:
        channel = self.optional_name(token(tree, "NAME"))
        condition = self.expression(after(tree, "WHEN"))
        return syntax.NeverSend(channel, condition, span=self.span(tree))

    def _rule_on_cap_wait(self, tree: ParseTree) -> syntax.Rule:
        return syntax.OnCapWait(span=self.span(tree))

    # --- tests ---

    def _statement(self, tree: ParseTree) -> syntax.Statement:
        build: Callable[[ParseTree], syntax.Statement] = getattr(self, f"_statement_{tree.data}")
        return build(tree)

    def _customer(self, tree: ParseTree) -> syntax.Text:
        part = token(tree, "TEXT")
        assert part is not None, "the statement names a customer"
        return self.text(part)

    def _moment(self, tree: ParseTree, word: str) -> syntax.DateTime | syntax.Path | None:
        part = after(tree, word)
        return None if part is None else self._moment_or_case(part)

    def _key(self, tree: ParseTree) -> syntax.Text | None:
        part = after(tree, "FOR")
        return None if part is None else self.text(part)

    def _statement_clock(self, tree: ParseTree) -> syntax.Statement:
        return syntax.Clock(self._moment_or_case(tree.children[1]), span=self.span(tree))

    def _statement_case_table(self, tree: ParseTree) -> syntax.Statement:
        columns = tuple(self.name(part) for part in tokens(trees(tree, "parameters")[0], "NAME"))
        rows = tuple(self._case_row(part) for part in trees(tree, "case_row"))
        return syntax.CaseTable(columns, rows, span=self.span(tree))

    def _case_row(self, tree: ParseTree) -> syntax.CaseRow:
        title, arguments = tree.children
        return syntax.CaseRow(self.text(title), self.expressions(arguments), span=self.span(tree))

    def _moment_or_case(self, part: Token) -> syntax.DateTime | syntax.Path:
        return self.path(part) if part.type == "CASE_VALUE" else self.moment(part)

    def _duration_or_case(self, part: Token) -> syntax.Duration | syntax.Path:
        return self.path(part) if part.type == "CASE_VALUE" else self.duration(part)

    def _name_or_case(self, part: Token) -> syntax.Name | syntax.Path:
        return self.path(part) if part.type == "CASE_VALUE" else self.name(part)

    def _statement_given(self, tree: ParseTree) -> syntax.Statement:
        return syntax.Given(self._customer(tree), self.settings(tree), span=self.span(tree))

    def _statement_given_row(self, tree: ParseTree) -> syntax.Statement:
        entity, key = self.name(tree.children[1]), self.text(tree.children[2])
        return syntax.GivenRow(entity, key, self.settings(tree), span=self.span(tree))

    def _statement_happens(self, tree: ParseTree) -> syntax.Statement:
        event, label = self.event(tree.children[1])
        customer, settings = self._customer(tree), self.settings(tree)
        return syntax.Happens(event, label, customer, settings, span=self.span(tree))

    def _statement_after(self, tree: ParseTree) -> syntax.Statement:
        return syntax.After(self._duration_or_case(tree.children[1]), None, span=self.span(tree))

    def _statement_down(self, tree: ParseTree) -> syntax.Statement:
        return syntax.Down(self._duration_or_case(tree.children[1]), span=self.span(tree))

    def _statement_expect_sent(self, tree: ParseTree) -> syntax.Statement:
        channel, message = self.name(tree.children[2]), self._name_or_case(tree.children[3])
        at, key = self._moment(tree, "AT"), self._key(tree)
        where = self.optional_condition(tree, "WHERE")
        who = self._customer(tree)
        return syntax.ExpectSent(channel, message, who, at, key, where, span=self.span(tree))

    def _statement_expect_nothing(self, tree: ParseTree) -> syntax.Statement:
        return syntax.ExpectNothing(self._customer(tree), span=self.span(tree))

    def _statement_expect_no_other(self, tree: ParseTree) -> syntax.Statement:
        return syntax.ExpectNoOther(self._customer(tree), span=self.span(tree))

    def _statement_expect_ended(self, tree: ParseTree) -> syntax.Statement:
        named, key = after(tree, "AS"), self._key(tree)
        outcome = None if named is None else self._name_or_case(named)
        return syntax.ExpectEnded(self._customer(tree), outcome, key, span=self.span(tree))

    def _statement_expect_waiting(self, tree: ParseTree) -> syntax.Statement:
        step, until = self._name_or_case(after(tree, "AT")), self._moment(tree, "UNTIL")
        who, key = self._customer(tree), self._key(tree)
        return syntax.ExpectWaiting(who, step, until, key, span=self.span(tree))

    def _statement_expect_member(self, tree: ParseTree) -> syntax.Statement:
        segment = self.name(tree.children[-1])
        is_negated = token(tree, "NOT_IN_SEGMENT") is not None
        return syntax.ExpectMember(self._customer(tree), segment, is_negated, span=self.span(tree))

    def _statement_expect_has(self, tree: ParseTree) -> syntax.Statement:
        condition = self.expression(after(tree, "HAS"))
        return syntax.ExpectHas(self._customer(tree), condition, span=self.span(tree))

    def _statement_expect_done(self, tree: ParseTree) -> syntax.Statement:
        action = self.name(after(tree, "DONE"))
        where = self.optional_condition(tree, "WHERE")
        return syntax.ExpectDone(action, self._customer(tree), where, span=self.span(tree))


def _is_and_stay(part: ParseTree | Token) -> bool:
    """Tell whether an expression ends in `and stay`.

    A field `stay` in back-quotes does not count.
    """
    if isinstance(part, Token) or part.data != "and":
        return False
    last = part.children[2]
    return isinstance(last, ParseTree) and last.data == "path" and last.children[0] == "stay"


def _joined(parts: list[syntax.Statement]) -> list[syntax.Statement]:
    """Join each `after 2 days` with an event that follows it on its line."""
    joined: list[syntax.Statement] = []
    for part in parts:
        before = joined[-1] if joined else None
        if (
            isinstance(part, syntax.Happens)
            and isinstance(before, syntax.After)
            and not before.event
            and before.span.end_line == part.span.line
        ):
            span = before.span.to(part.span)
            joined[-1] = syntax.After(before.duration, part, span=span)
        else:
            joined.append(part)
    return joined
