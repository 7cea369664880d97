"""Builds syntax nodes from the parse tree: names, literals, expressions."""

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar

from lark import Token, Tree
from lark.tree import Meta

from cij.grammar import codes, literal_values, syntax
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.literal_values import BadLiteral
from cij.grammar.span import Span

if TYPE_CHECKING:

    class ParseTree:
        """A tree of lark, whose children are tokens and trees. Lark types them as loosely."""

        data: str
        meta: Meta
        children: list[Any]

else:
    ParseTree = Tree

Part = Token | ParseTree
T = TypeVar("T")

# Later stages walk trees recursively, so the depth has a limit far below Python's.
DEPTH_MAX = 100
TOO_DEEP = f"nested more than {DEPTH_MAX} levels deep"
TOO_DEEP_HELP = "name a part of it (a segment or a measure), or list values as `in [a, b, c]`"
# Only these functions read many rows of an event, so only their `between` is a window.
# A function of two words.
LAST_KNOWN = "last known"
AGGREGATES = frozenset({"any", "count", "sum", "avg", "min", "max", "first", "last", LAST_KNOWN})
# The grammar rules that build an expression; below, the method for each literal token.
EXPRESSIONS = frozenset(
    [
        "or",
        "and",
        "not",
        "compare",
        "any_of",
        "in_list",
        "in_top",
        "between",
        "known",
        "in_segment",
        "coalesce",
        "sum",
        "product",
        "negative",
        "path",
        "call",
        "list",
        "at_entry",
        "parenthesis",
        "rate",
        "cases",
    ]
)
LITERALS = {
    "TEXT": "text",
    "INT": "number",
    "DECIMAL": "number",
    "TRUE": "boolean",
    "FALSE": "boolean",
    "DURATION": "duration",
    "MONEY": "money",
    "PERCENT": "percent",
    "DATE": "day",
    "DATETIME": "moment",
    "TIME": "clock_time",
    "TIME_RANGE": "time_range",
}
_NEGATED = frozenset({"NOT_IN", "NOT_BETWEEN", "UNKNOWN", "NOT_IN_SEGMENT"})


class TooDeep(Exception):
    """A tree is deeper than later stages can walk. It is caught for each declaration."""


class ExpressionBuilder:
    """Builds nodes of one file. Literals without a value, such as 31 June, go to `diagnostics`."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.diagnostics: list[Diagnostic] = []
        self._depth = 0

    def unexpected(self, part: "Part", message: str) -> None:
        self.diagnostics.append(codes.UNEXPECTED_TEXT.at(self.span(part), message))

    # --- places and names ---

    def span(self, part: Part) -> Span:
        at: Any = part if isinstance(part, Token) else part.meta
        return Span(
            self.file, at.start_pos, at.end_pos, at.line, at.column, at.end_line, at.end_column
        )

    def name(self, token: Token) -> syntax.Name:
        return syntax.Name(literal_values.name(token), span=self.span(token))

    def optional_name(self, token: Token | None) -> syntax.Name | None:
        return None if token is None else self.name(token)

    def path(self, token: Token) -> syntax.Path:
        return syntax.Path(literal_values.path(token), span=self.span(token))

    # --- expressions ---

    def expression(self, part: Part) -> syntax.Expression:
        if isinstance(part, Token):
            return self.literal(part)
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise TooDeep
        build: Callable[[ParseTree], syntax.Expression] = getattr(self, f"_{part.data}")
        node = build(part)
        self._depth -= 1
        return node

    def expressions(self, tree: ParseTree) -> tuple[syntax.Expression, ...]:
        return tuple(self.expression(part) for part in values(tree))

    def _binary(self, tree: ParseTree) -> syntax.Expression:
        left, operator, right = tree.children
        # An operator of two words, such as `starts with`, may have any space between them.
        word = " ".join(operator.split())
        span = self.span(tree)
        return syntax.Binary(word, self.expression(left), self.expression(right), span=span)

    _or = _and = _compare = _coalesce = _sum = _product = _binary

    def _cases(self, tree: ParseTree) -> syntax.Expression:
        *pairs, otherwise = self.expressions(tree)
        cases = tuple(zip(pairs[::2], pairs[1::2], strict=True))
        return syntax.Cases(cases, otherwise, span=self.span(tree))

    def _unary(self, tree: ParseTree) -> syntax.Expression:
        operator, operand = tree.children
        return syntax.Unary(str(operator), self.expression(operand), span=self.span(tree))

    _not = _negative = _unary

    def _parenthesis(self, tree: ParseTree) -> syntax.Expression:
        # Parentheses leave no node, because the shape of the tree already has their meaning.
        return self.expression(tree.children[1])

    def _path(self, tree: ParseTree) -> syntax.Expression:
        return self.path(tree.children[0])

    def _at_entry(self, tree: ParseTree) -> syntax.Expression:
        return syntax.AtEntry(self.path(tree.children[1]), span=self.span(tree))

    def _list(self, tree: ParseTree) -> syntax.ListOf:
        return syntax.ListOf(self.expressions(tree), span=self.span(tree))

    def _rate(self, tree: ParseTree) -> syntax.Expression:
        count, _, word = tree.children
        amount = self._read(count, literal_values.integer, 0)
        return syntax.Rate(amount, literal_values.unit(word), span=self.span(tree))

    def _any_of(self, tree: ParseTree) -> syntax.Expression:
        value, word, items = tree.children
        operator = " ".join(word.split()).removesuffix(" any of")
        node, span = self.expression(value), self.span(tree)
        return syntax.AnyOf(node, operator, self._list(items), span=span)

    def _in_list(self, tree: ParseTree) -> syntax.Expression:
        value, word, items = tree.children
        node, span = self.expression(value), self.span(tree)
        return syntax.InList(node, self._list(items), word.type in _NEGATED, span=span)

    def _in_top(self, tree: ParseTree) -> syntax.Expression:
        value, word, _, percent = tree.children
        node, span = self.expression(value), self.span(tree)
        return syntax.InTop(node, self.percent(percent), word.type in _NEGATED, span=span)

    def _in_segment(self, tree: ParseTree) -> syntax.Expression:
        word, name = tree.children
        return syntax.InSegment(self.name(name), word.type in _NEGATED, span=self.span(tree))

    def _between(self, tree: ParseTree) -> syntax.Expression:
        value, word, low, _, high = tree.children
        node, start, end = (self.expression(part) for part in (value, low, high))
        return syntax.Between(node, start, end, word.type in _NEGATED, span=self.span(tree))

    def _known(self, tree: ParseTree) -> syntax.Expression:
        value, _, word = tree.children
        return syntax.Known(self.expression(value), word.type in _NEGATED, span=self.span(tree))

    # --- calls ---

    def _call(self, tree: ParseTree) -> syntax.Expression:
        function = self._function(tree.children[0])
        is_aggregate = function.text in AGGREGATES
        parts = trees(tree.children[1], "argument")
        items = tuple(self._argument(part, is_aggregate) for part in parts)
        return syntax.Call(function, items, span=self.span(tree))

    def _function(self, token: Token) -> syntax.Path:
        if token.type == "LAST_KNOWN":
            return syntax.Path((LAST_KNOWN,), span=self.span(token))
        return self.path(token)

    def _argument(self, tree: ParseTree, is_aggregate: bool) -> syntax.Argument:
        is_distinct = token(tree, "DISTINCT") is not None
        first = tree.children[1 if is_distinct else 0]
        value, window = self.expression(first), self._window(tree)
        if is_aggregate and window is None and _is_bare_between(value, first):
            # The grammar reads `count(purchase between A and B)` as a comparison, because it does
            # not know the function.
            window = syntax.WindowBetween(value.low, value.high, span=value.span)
            value = value.value
        where = after(tree, "WHERE")
        condition = None if where is None else self.expression(where)
        return syntax.Argument(value, window, condition, is_distinct, span=self.span(tree))

    def _window(self, tree: ParseTree) -> syntax.Window | None:
        for part in trees(tree, "within_last", "since"):
            if part.data == "within_last":
                return syntax.WithinLast(self.duration(part.children[2]), span=self.span(part))
            return syntax.Since(self.expression(part.children[1]), span=self.span(part))
        return None

    # --- literals ---

    def literal(self, token: Token) -> syntax.Expression:
        build: Callable[[Token], syntax.Expression] = getattr(self, LITERALS[token.type])
        return build(token)

    def text(self, token: Token) -> syntax.Text:
        return syntax.Text(self._read(token, literal_values.text, ""), span=self.span(token))

    def number(self, token: Token) -> syntax.Number:
        value = self._read(token, literal_values.number, Decimal(0))
        return syntax.Number(value, "." not in token, span=self.span(token))

    def boolean(self, token: Token) -> syntax.Boolean:
        return syntax.Boolean(token.type == "TRUE", span=self.span(token))

    def duration(self, token: Token) -> syntax.Duration:
        nothing: tuple[tuple[int, str], ...] = ((0, "day"),)
        (count, unit), *rest = self._read(token, literal_values.duration, nothing)
        return syntax.Duration(count, unit, *rest, span=self.span(token))

    def money(self, token: Token) -> syntax.Money:
        amount, currency = self._read(token, literal_values.money, (Decimal(0), "EUR"))
        return syntax.Money(amount, currency, span=self.span(token))

    def percent(self, token: Token) -> syntax.Percent:
        value = self._read(token, literal_values.percent, Decimal(0))
        return syntax.Percent(value, span=self.span(token))

    def day(self, token: Token) -> syntax.Date:
        value = self._read(token, literal_values.day, date.min)
        return syntax.Date(value, span=self.span(token))

    def moment(self, token: Token) -> syntax.DateTime:
        value = self._read(token, literal_values.moment, datetime.min)
        return syntax.DateTime(value, span=self.span(token))

    def clock_time(self, token: Token) -> syntax.Time:
        value = self._read(token, literal_values.clock_time, time.min)
        return syntax.Time(value, span=self.span(token))

    def time_range(self, token: Token) -> syntax.TimeRange:
        start, end = self._read(token, literal_values.time_range, (time.min, time.min))
        return syntax.TimeRange(start, end, span=self.span(token))

    def count(self, token: Token) -> int:
        return self._read(token, literal_values.integer, 0)

    def _read(self, token: Token, read: Callable[[str], T], instead: T) -> T:
        """Read a literal.

        A bad one is reported, and `instead` is its value, so that the tree is complete.
        """
        try:
            return read(token)
        except BadLiteral as bad:
            diagnostic = codes.BAD_LITERAL.at(self.span(token), bad.message, help=bad.help)
            self.diagnostics.append(diagnostic)
            return instead


def _is_bare_between(node: syntax.Expression, part: Part) -> TypeGuard[syntax.Between]:
    is_bare = isinstance(part, ParseTree) and part.data == "between"
    return is_bare and isinstance(node, syntax.Between) and not node.is_negated


def token(tree: ParseTree, *types: str) -> Token | None:
    """Return the first child of `tree` that is a token of one of these types; None without one."""
    found = (part for part in tree.children if isinstance(part, Token) and part.type in types)
    return next(found, None)


def tokens(tree: ParseTree, *types: str) -> list[Token]:
    return [part for part in tree.children if isinstance(part, Token) and part.type in types]


def trees(tree: ParseTree, *rules: str) -> list[ParseTree]:
    """Return the children of `tree` that are trees of one of these rules."""
    return [part for part in tree.children if isinstance(part, ParseTree) and part.data in rules]


def after(tree: ParseTree, word: str) -> Any:
    """Return the child of `tree` after the token `word`; None without this token."""
    for index, part in enumerate(tree.children):
        if isinstance(part, Token) and part.type == word:
            return tree.children[index + 1]
    return None


def values(tree: ParseTree) -> list[Part]:
    """Return the children of `tree` that are expressions, without keywords and signs."""
    return [part for part in tree.children if is_value(part)]


def is_value(part: Part) -> bool:
    return (
        isinstance(part, ParseTree)
        and part.data in EXPRESSIONS
        or (isinstance(part, Token) and part.type in LITERALS)
    )
