"""What a Liquid template reads: the names it prints and the names it only tests.

    text --walked--> names with their places, or the first error

Walks the syntax tree of the template itself, so a name in a comment or a quoted text is none.
The runtime renders with the same tags and filters (`cij.runtime.delivery.dialect`).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from liquid import Environment
from liquid.ast import BlockNode, ConditionalBlockNode, IllegalNode, Node
from liquid.builtin.content import Literal
from liquid.builtin.expressions import BooleanExpression, FilteredExpression, LoopExpression, Path
from liquid.builtin.expressions.arguments import KeywordArgument, PositionalArgument
from liquid.builtin.expressions.filtered import Filter
from liquid.builtin.expressions.logical import (
    ContainsExpression,
    EqExpression,
    GeExpression,
    GtExpression,
    LeExpression,
    LogicalAndExpression,
    LogicalOrExpression,
    LtExpression,
    NeExpression,
)
from liquid.builtin.expressions.primitive import (
    FalseLiteral,
    FloatLiteral,
    IntegerLiteral,
    Nil,
    StringLiteral,
    TrueLiteral,
)
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.assign_tag import AssignNode, AssignTag
from liquid.builtin.tags.capture_tag import CaptureNode, CaptureTag
from liquid.builtin.tags.case_tag import CaseNode, CaseTag, MultiExpressionBlockNode
from liquid.builtin.tags.comment_tag import CommentTag
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.builtin.tags.if_tag import IfNode, IfTag
from liquid.builtin.tags.inline_comment_tag import InlineCommentTag
from liquid.builtin.tags.unless_tag import UnlessNode, UnlessTag
from liquid.exceptions import LiquidError, LiquidSyntaxError
from liquid.expression import Expression
from liquid.mode import Mode
from liquid.stream import TokenStream
from liquid.tag import Tag
from liquid.token import TOKEN_ILLEGAL, TOKEN_TAG, Token

from cij.compiler.liquid_filters import ANYTHING, FILTERS, argument_fault
from cij.compiler.naming import did_you_mean, near_hint
from cij.compiler.placeholder import Names, Placeholder, TemplateError

TAGS = ("if", "unless", "case", "for", "assign", "capture", "comment", "raw", "#")

_ESCAPED = "remove it: printed values are escaped for the format of the body"
_FILTERS_REFUSED = {n: _ESCAPED for n in ("escape", "escape_once", "newline_to_br", "safe")}

# Tags that stand inside or at the end of a block; alone they have lost their beginning.
_INNER = ("else", "elsif", "when")
# What ends a block in other languages, and what follows an `if` there.
_ENDS_ELSEWHERE = ("fi", "esac", "done", "next", "close")
_ELSE_IF = ("elif", "elseif")
_BLOCKS = ("if", "unless", "case", "for", "capture", "comment")


def walked(text: str) -> tuple[list[Placeholder], TemplateError | None]:
    """Return every name that the template reads, in order, and the first error if there is one."""
    found: list[Placeholder] = []
    try:
        _Walk(found).block(_DIALECT.from_string(text).nodes, _Scope())
    except _Refusal as refusal:
        return found, refusal.error
    except LiquidError as error:
        return found, _syntax_error(text, error)
    return found, None


class _Refusal(Exception):
    def __init__(self, message: str, token: Token) -> None:
        super().__init__(message)
        self.error = TemplateError(message, token.start_index)


# --- parsing ----------------------------------------------------------------------------------


class _Unknown(Tag):
    """Any tag that is not in `TAGS`."""

    name = TOKEN_ILLEGAL
    block = False

    def parse(self, stream: TokenStream) -> IllegalNode:
        token = stream.current
        name = token.value if token.kind == TOKEN_TAG else token.kind
        opened = _open_tags(stream.tokens[: stream.pos])
        raise LiquidSyntaxError(_of_tag(name, opened[-1][0] if opened else None), token=token)


def _of_tag(name: str, opened: str | None) -> str:
    """Say what is wrong with a tag that cannot stand in the block `opened`."""
    if opened and (name.startswith("end") or name in _ENDS_ELSEWHERE):
        return f"`{opened}` is open here, and `{name}` does not close it: write {{% end{opened} %}}"
    if name in _INNER or name.startswith("end"):
        return f"`{name}` closes nothing here"
    if name in _ELSE_IF:
        return f"there is no tag `{name}`: write {{% elsif … %}}"
    hint = near_hint(name, (*TAGS, *_INNER)) or "allowed are " + ", ".join(f"`{t}`" for t in TAGS)
    return f"a message cannot use the tag `{name}`; {hint}"


class _If(IfTag):
    mode = Mode.STRICT


class _Unless(UnlessTag):
    mode = Mode.STRICT


_TAG_CLASSES: tuple[type[Tag], ...] = (
    Literal,
    Output,
    _Unknown,
    _If,
    _Unless,
    CaseTag,
    ForTag,
    AssignTag,
    CaptureTag,
    CommentTag,
    InlineCommentTag,
)


class _Dialect(Environment):
    """The tags that a message may use. Nothing is loaded from anywhere."""

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        for tag in _TAG_CLASSES:
            self.add_tag(tag)

    def error(
        self,
        exc: type[LiquidError] | LiquidError,
        msg: str | None = None,
        token: Token | None = None,
    ) -> None:
        """Raise `exc`; the end of an expression has no place, so the nearest token gives it one."""
        is_placed = token is not None and token.start_index >= 0
        if isinstance(exc, LiquidError) and exc.token and exc.token.start_index < 0 and is_placed:
            exc.token = token
        super().error(exc, msg, token)


_DIALECT = _Dialect()
_SLASHED = re.compile(r"\{%-?\s*/\s*(\w+)")


def _syntax_error(text: str, error: LiquidError) -> TemplateError:
    message = str(error.message).replace("end of expression", "the end")
    index = error.token.start_index if error.token else 0
    slash = _SLASHED.match(text, max(index, 0))
    if slash:
        message = f"a tag does not begin with `/`: write {{% end{slash[1]} %}}"
    if index < 0:
        # Only a block that is never closed runs into the end of the template.
        opened = _open_tags(_DIALECT.tokenizer()(text))
        name, index = opened[-1] if opened else ("tag", 0)
        message = f"`{name}` is never closed: write {{% end{name} %}}"
    return TemplateError(message, min(index, len(text)))


def _open_tags(tokens: Iterable[Token]) -> list[tuple[str, int]]:
    """Return the blocks that are open behind these tokens, with their places."""
    open_tags: list[tuple[str, int]] = []
    for token in tokens:
        if token.kind == TOKEN_TAG and token.value.startswith("end") and open_tags:
            open_tags.pop()
        elif token.kind == TOKEN_TAG and token.value in _BLOCKS:
            open_tags.append((token.value, token.start_index))
    return open_tags


# --- walking ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Scope:
    """What holds at one place: `known` values, `own` names, and those own on `some` ways only."""

    known: frozenset[Names] = frozenset()
    own: frozenset[str] = frozenset()
    some: frozenset[str] = frozenset()

    def knowing(self, paths: Iterable[Names]) -> "_Scope":
        return replace(self, known=self.known | frozenset(paths))

    def owning(self, *names: str) -> "_Scope":
        return replace(self, own=self.own | frozenset(names))


def _joined(before: _Scope, ends: list[_Scope]) -> _Scope:
    own = frozenset.intersection(*(end.own for end in ends))
    some = frozenset[str]().union(*(end.own | end.some for end in ends))
    return replace(before, own=own, some=some - own)


@dataclass
class _Walk:
    """Visits nodes in the order in which they would run; each visit returns the scope after it."""

    found: list[Placeholder] = field(default_factory=list)

    def block(self, nodes: Iterable[Node], scope: _Scope) -> _Scope:
        for node in nodes:
            scope = self.node(node, scope)
        return scope

    def node(self, node: Node, scope: _Scope) -> _Scope:
        if isinstance(node, BlockNode):
            return self.block(node.nodes, scope)
        if isinstance(node, OutputNode):
            self.printed(node.expression, scope)
        elif isinstance(node, AssignNode):
            self.printed(node.expression, scope)
            return scope.owning(str(node.name))
        elif isinstance(node, CaptureNode):
            return self.block(node.block.nodes, scope).owning(str(node.name))
        elif isinstance(node, (IfNode, UnlessNode)):
            return self.conditional(node, scope)
        elif isinstance(node, CaseNode):
            return self.case(node, scope)
        elif isinstance(node, ForNode):
            return self.loop(node, scope)
        return scope

    def conditional(self, node: IfNode | UnlessNode, scope: _Scope) -> _Scope:
        is_unless = isinstance(node, UnlessNode)
        first = ConditionalBlockNode(node.token, node.condition, node.consequence)
        rest, ends = scope, []
        for branch in (first, *node.alternatives):
            negated = is_unless and branch is first
            self.tested(branch.expression, rest)
            inside = rest.knowing(_known_if(branch.expression, not negated))
            ends.append(self.block(branch.block.nodes, inside))
            rest = rest.knowing(_known_if(branch.expression, negated))
        ends.append(self.block(node.default.nodes, rest) if node.default else rest)
        return _joined(scope, ends)

    def case(self, node: CaseNode, scope: _Scope) -> _Scope:
        self.tested(node.expression, scope)
        ends, has_else = [], False
        for block in node.blocks:
            inside = scope
            if isinstance(block, MultiExpressionBlockNode):
                self.tested(block.expression, scope)
                are_values = all(map(_is_value, block.expression.expressions))
                inside = scope.knowing(_paths(node.expression) if are_values else ())
            has_else = has_else or not isinstance(block, MultiExpressionBlockNode)
            ends.append(self.block(_nodes(block), inside))
        return _joined(scope, ends if has_else else [*ends, scope])

    def loop(self, node: ForNode, scope: _Scope) -> _Scope:
        self.tested(node.expression, scope)
        inside = scope.owning(str(node.expression.identifier), "forloop")
        end = self.block(node.block.nodes, inside)
        end = replace(end, own=end.own - (inside.own - scope.own))
        last = self.block(node.default.nodes, scope) if node.default else scope
        return _joined(scope, [end, last])

    def printed(self, expression: Expression, scope: _Scope) -> None:
        assert isinstance(expression, FilteredExpression), "ternary expressions are off"
        filters = expression.filters or []
        for one in filters:
            _check_filter(one)
        # A missing value passes through filters as missing until a `default` replaces it.
        last = max((i for i, one in enumerate(filters) if one.name == "default"), default=-1)
        self.read(_all_paths(expression.left), scope, has_default=last >= 0)
        for i, one in enumerate(filters):
            for argument in one.children():
                self.read(_all_paths(argument), scope, has_default=i < last)

    def tested(self, expression: Expression, scope: _Scope) -> None:
        self.read(_all_paths(expression), scope, is_tested=True)

    def read(
        self,
        paths: Iterable[Path],
        scope: _Scope,
        *,
        has_default: bool = False,
        is_tested: bool = False,
    ) -> None:
        for path in paths:
            names = _names(path)
            if names[0] in scope.own:
                continue
            if names[0] not in scope.some:
                known = has_default or names in scope.known
                self.found.append(Placeholder(names, path.token.start_index, known, is_tested))
            elif not (has_default or is_tested or names in scope.known):
                message = f"`{names[0]}` is not assigned on every path to here; give it a default"
                raise _Refusal(message, path.token)


def _check_filter(one: Filter) -> None:
    if one.name in FILTERS:
        named = [a.name for a in one.args if isinstance(a, KeywordArgument)]
        given = [_literal(a.value) for a in one.args if isinstance(a, PositionalArgument)]
        if (fault := argument_fault(one.name, given, named)) is not None:
            raise _Refusal(fault, one.token)
        return
    hint = _FILTERS_REFUSED.get(one.name) or did_you_mean(one.name, sorted(FILTERS))
    raise _Refusal(f"there is no filter `{one.name}`" + (f"; {hint}" if hint else ""), one.token)


def _literal(value: Expression) -> object:
    if isinstance(value, (TrueLiteral, FalseLiteral)):
        return isinstance(value, TrueLiteral)
    if isinstance(value, (IntegerLiteral, FloatLiteral, StringLiteral)):
        return value.value
    return ANYTHING


def _nodes(block: BlockNode | MultiExpressionBlockNode) -> list[Node]:
    return block.nodes if isinstance(block, BlockNode) else block.block.nodes


def _all_paths(expression: Expression) -> Iterator[Path]:
    if isinstance(expression, Path):
        yield expression
    elif isinstance(expression, LoopExpression):
        parts = (expression.iterable, expression.limit, expression.offset)
        for part in parts:
            yield from _all_paths(part) if part is not None else ()
    else:
        for child in expression.children():
            yield from _all_paths(child)


def _names(path: Path) -> Names:
    if any(isinstance(part, Path) for part in path.path):
        raise _Refusal("a name in brackets is a quoted text: write a['b'] or a.b", path.token)
    return tuple(str(part) for part in path.path)


# --- what a condition tells -------------------------------------------------------------------

_ORDERED = (LtExpression, LeExpression, GtExpression, GeExpression)


def _known_if(expression: Expression, holds: bool) -> frozenset[Names]:
    """Return the paths whose values are surely known when `expression` is `holds`.

    A comparison with a missing value is false, so one that is true tells that both are known.
    """
    if isinstance(expression, BooleanExpression):
        return _known_if(expression.expression, holds)
    if isinstance(expression, (LogicalAndExpression, LogicalOrExpression)):
        left, right = (_known_if(e, holds) for e in (expression.left, expression.right))
        are_both = holds is isinstance(expression, LogicalAndExpression)
        return left | right if are_both else left & right
    if isinstance(expression, (EqExpression, NeExpression)):
        return _known_if_equal(expression, holds is isinstance(expression, EqExpression))
    if holds and isinstance(expression, (*_ORDERED, ContainsExpression)):
        return _paths(expression.left) | _paths(expression.right)
    return _paths(expression) if holds else frozenset()


def _known_if_equal(expression: EqExpression | NeExpression, is_equal: bool) -> frozenset[Names]:
    both = expression.left, expression.right
    if any(isinstance(side, Nil) for side in both):
        return frozenset() if is_equal else _paths(both[0]) | _paths(both[1])
    if is_equal and any(map(_is_value, both)):
        return _paths(both[0]) | _paths(both[1])
    return frozenset()


def _is_value(expression: Expression) -> bool:
    literals = (StringLiteral, IntegerLiteral, FloatLiteral, TrueLiteral, FalseLiteral)
    return isinstance(expression, literals)


def _paths(expression: Expression) -> frozenset[Names]:
    return frozenset({_names(expression)} if isinstance(expression, Path) else ())
