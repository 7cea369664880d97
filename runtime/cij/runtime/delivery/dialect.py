"""The Liquid of messages: the tags and filters of `cij.compiler.liquid_syntax`, in a sandbox.

What a template prints does not go into the text. Each printed value leaves a mark, a word of
letters and digits, and is kept beside it. So no value is ever read as Markdown, HTML or Liquid,
and templates that take the same branches give the same marked text, whatever the values are.
"""

from collections.abc import Callable, Mapping, Sized
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache, wraps
from typing import Any, TextIO

from liquid import BoundTemplate, Environment, RenderContext
from liquid.ast import Node
from liquid.builtin import register
from liquid.builtin.expressions.primitive import Literal, RangeLiteral
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.capture_tag import CaptureNode, CaptureTag
from liquid.exceptions import (
    FilterArgumentError,
    LiquidError,
    LoopIterationLimitError,
    OutputStreamLimitError,
    UndefinedError,
)
from liquid.undefined import Undefined
from liquid.utils.chain_map import ReadOnlyChainMap

from cij.runtime.delivery import arithmetic
from cij.runtime.delivery.arithmetic import NoNumber
from cij.runtime.delivery.html_places import unplaced
from cij.runtime.delivery.rendered_values import plain
from cij.runtime.errors import PermanentDelivery

TAGS = ("if", "unless", "case", "for", "assign", "capture", "comment", "raw", "#")

# As one text: a list of these would be 40 lines.
_FILTER_NAMES = """
    abs append at_least at_most capitalize ceil date default divided_by downcase first floor join
    last lstrip minus modulo plus prepend remove remove_first remove_last replace replace_first
    replace_last reverse round rstrip size slice sort split squish strip strip_newlines times
    truncate truncatewords uniq upcase url_encode
"""
FILTERS = frozenset(_FILTER_NAMES.split())

_LOOPS_MAX = 10_000
_OUTPUT_BYTES_MAX = 2_000_000
_LOCALS_BYTES_MAX = 2_000_000
_TOO_LONG = f"it is longer than {_OUTPUT_BYTES_MAX:,} characters"


def mark(index: int) -> str:
    """Return the word that stands for the printed value `index`."""
    return f"cijmark{index}x"


def unmark(marked: str, printed: list[str]) -> str:
    """Put the printed values in, as they are."""
    return unplaced(marked, printed)


def marked_text(source: str, values: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Run the template `source` and return its text with marks, and the printed values.

    Raises PermanentDelivery that names a value which is missing and has no default.
    """
    try:
        template = _template(source)
        context = _Context(template, globals=values)
        buffer = context.get_buffer()
        template.render_with_context(context, buffer)
    except LiquidError as error:
        raise PermanentDelivery(f"the message cannot be written: {error.message}") from error
    return buffer.getvalue(), context.printed


@lru_cache(maxsize=2048)
def _template(source: str) -> BoundTemplate:
    found = _DIALECT.from_string(source)
    for node in found.nodes:
        _make_exact(node, RenderContext(found))
    return found


def _make_exact(node: Node, context: RenderContext) -> None:
    """Make decimals of the numbers that are written in a template: 10.1 is no binary float (S30)."""
    pending = list(node.expressions())
    while pending:
        expression = pending.pop()
        if isinstance(expression, Literal) and isinstance(expression.value, float):
            expression.value = Decimal(str(expression.value))
        pending += expression.children()
        if isinstance(expression, RangeLiteral):
            # The library makes the class of an expression by its sign, and has no way to choose another.
            expression.__class__ = _Range
    for child in node.children(context):
        _make_exact(child, context)


class _Range(RangeLiteral):
    """Numbers from one to another; each user of it goes through all of them."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> range:
        found = super().evaluate(context)
        # Not by `len`, which fails for a very long one.
        if found.stop - found.start > _LOOPS_MAX:
            raise LoopIterationLimitError(
                f"a range has more than {_LOOPS_MAX:,} numbers", token=self.token
            )
        return found


class _Captured(str):
    """What `capture` keeps: the plain text, and the one with marks for printing it."""

    marked: str


class _Context(RenderContext):
    """Holds the printed values. Knows no clock: `now` and `today` are names like any other."""

    __slots__ = ("printed", "printed_chars")

    def __init__(self, template: BoundTemplate, **settings: Any) -> None:
        super().__init__(template, **settings)
        self.printed: list[str] = []
        self.printed_chars = 0
        self.scope = ReadOnlyChainMap(self.locals, self.globals)


class _Template(BoundTemplate):
    context_class = _Context

    def make_partial_namespace(
        self, partial: bool, render_args: Mapping[str, object]
    ) -> Mapping[str, object]:
        return render_args


class _PrintNode(OutputNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        assert isinstance(context, _Context), "messages are rendered by marked_text"
        value = self.expression.evaluate(context)
        if isinstance(value, _Captured):
            return buffer.write(value.marked)
        if isinstance(value, Undefined):
            raise UndefinedError(f"{_name_of(value)} is missing and has no default", token=None)
        text = plain(value)
        context.printed_chars += len(text)
        # The library counts the marks.
        if context.printed_chars > _OUTPUT_BYTES_MAX:
            raise OutputStreamLimitError(_TOO_LONG, token=None)
        context.printed.append(text)
        return buffer.write(mark(len(context.printed) - 1))


class _Print(Output):
    node_class = _PrintNode


class _CaptureNode(CaptureNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        assert isinstance(context, _Context), "messages are rendered by marked_text"
        inner = context.get_buffer(buffer)
        self.block.render(context, inner)
        captured = _Captured(unmark(inner.getvalue(), context.printed))
        captured.marked = inner.getvalue()
        context.assign(self.name, captured)
        return 0


class _Capture(CaptureTag):
    node_class = _CaptureNode


def _name_of(missing: Undefined) -> str:
    # The hint has the whole path, the name only its first part.
    return f"`{(missing.hint or missing.name).removesuffix(' is undefined').strip(chr(39))}`"


class _Dialect(Environment):
    """No loader, no clock, and bounds on loops and sizes."""

    template_class = _Template
    loop_iteration_limit = _LOOPS_MAX
    output_stream_limit = _OUTPUT_BYTES_MAX
    local_namespace_limit = _LOCALS_BYTES_MAX

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        register(self)
        self.add_tag(_Print)
        self.add_tag(_Capture)
        # Names in capitals or brackets are the library's pseudo tags; `raw` is its lexer's.
        allowed = {*TAGS, "output", "content", "illegal"}
        self.tags = {name: tag for name, tag in self.tags.items() if name in allowed}
        self.add_filter("date", _date)
        for name, function in arithmetic.FILTERS.items():
            self.add_filter(name, function)
        self.filters = {name: _lenient(name, self.filters[name]) for name in FILTERS}


def _lenient(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a missing value through as missing, until a `default` replaces it.

    What goes wrong inside of a filter is a mistake in this one message, whatever Python calls it.
    """
    if name == "default":
        return function

    @wraps(function)
    def wrapper(value: Any, *arguments: Any, **named: Any) -> Any:
        missing = [v for v in (value, *arguments) if isinstance(v, Undefined)]
        if missing:
            return missing[0]
        try:
            if name in _GROWTH and _GROWTH[name](value, *arguments) > _OUTPUT_BYTES_MAX:
                raise FilterArgumentError(_TOO_LONG, token=None)
            found = function(value, *arguments, **named)
            if isinstance(found, str) and len(found) > _OUTPUT_BYTES_MAX:
                raise FilterArgumentError(_TOO_LONG, token=None)
            return found
        except (NoNumber, ArithmeticError, TypeError, ValueError) as error:
            raise FilterArgumentError(f"{name}: {error}", token=None) from error

    return wrapper


def _replaced_chars(value: Any, old: Any = "", new: Any = "") -> int:
    text = str(value)
    return len(text) + text.count(str(old)) * len(str(new))


def _joined_chars(value: Any, sign: Any = " ") -> int:
    return len(value) * len(str(sign)) if isinstance(value, Sized) else 0


# Filters that could make a long text of short ones: the most characters of their result.
_GROWTH: dict[str, Callable[..., int]] = {"replace": _replaced_chars, "join": _joined_chars}


def _date(value: Any, form: str) -> str:
    """Write a date or an instant by a strftime pattern; `"now"` has no meaning here."""
    try:
        moment = value if isinstance(value, date) else datetime.fromisoformat(str(value))
        return moment.strftime(form)
    except ValueError as error:
        raise FilterArgumentError(f"`{plain(value)}` is not a date", token=None) from error


_DIALECT = _Dialect()
