"""Which types go together, and what comes out. S2 and S3 decide."""

import re
from decimal import Decimal

from cij.compiler import expression as ex
from cij.compiler.text_patterns import BadPattern, portable
from cij.compiler.typecheck import enum_values
from cij.compiler.typecheck.environment import Environment
from cij.compiler.types import BOOLEAN, DATETIME, DECIMAL, DURATION, INTEGER, Type
from cij.compiler.unparse import words
from cij.grammar import codes
from cij.grammar.diagnostic import Diagnostic, Edit, Fix, Label
from cij.grammar.span import Span

_EQUALITY = ("=", "!=")
# Where a text that is no value of an enum is a slip.
_OF_VALUES = _EQUALITY
_TEXT_ONLY = ("contains", "starts with", "matches")


def compare(
    operator: ex.Comparison,
    left: ex.Expression,
    right: ex.Expression,
    spans: tuple[Span, Span],
    env: Environment,
) -> ex.Expression | None:
    """Return the comparison, or report why the two sides do not go together."""
    left, right = align(left, right)
    fault = _compare_fault(operator, left, right, spans)
    if fault is None and operator in _OF_VALUES:
        fault = enum_values.fault(left.type, right, spans[1]) or enum_values.fault(
            right.type, left, spans[0]
        )
        enum_values.warn(left, right, spans[1], env)
        enum_values.warn(right, left, spans[0], env)
    if fault is not None:
        env.report(fault)
        return None
    if left == right and not isinstance(left, ex.Constant):
        _warn_of_itself(operator, left, spans, env)
    if operator == "matches" and isinstance(right, ex.Constant):
        _warn_of_sql_pattern(str(right.value), spans[1], env)
    return ex.Compare(operator=operator, left=left, right=right)


def _warn_of_itself(
    operator: ex.Comparison, left: ex.Expression, spans: tuple[Span, Span], env: Environment
) -> None:
    is_true = operator not in ("<", ">", "!=")
    who = "everybody who has one" if left.is_nullable else "everybody"
    message = (
        f"`{words(left)}` is compared with itself: {f'true for {who}' if is_true else 'never true'}"
    )
    hint = "name another value; `is known` asks whether there is one"
    if isinstance(left, ex.EventField) and env.has_passage:
        hint = (
            f"both are the field `{left.name}` of this `{left.event}`; "
            f"for that of the entering event, write `trigger.{left.name}`"
        )
    env.report(codes.ALWAYS_TRUE.at(spans[1], message, help=hint))


def align(left: ex.Expression, right: ex.Expression) -> tuple[ex.Expression, ex.Expression]:
    """Lift a literal date beside an instant to that day's first instant."""
    if left.type == DATETIME:
        right = _as_instant(right)
    if right.type == DATETIME:
        left = _as_instant(left)
    return left, right


def _as_instant(node: ex.Expression) -> ex.Expression:
    if isinstance(node, ex.Constant) and node.type.kind == "date":
        return ex.Constant(type=DATETIME, value=f"{node.value} 00:00:00")
    return node


def _compare_fault(
    operator: str, left: ex.Expression, right: ex.Expression, spans: tuple[Span, Span]
) -> Diagnostic | None:
    if operator == "contains" and left.type.item is not None:
        return _item_fault(left, right, spans)
    if operator in _TEXT_ONLY and (left.type.kind, right.type.kind) != ("text", "text"):
        odd = 0 if left.type.kind != "text" else 1
        found = (left, right)[odd].type
        message = f"`{operator}` compares texts, and this is {_article(found)}"
        return codes.TYPE_MISMATCH.at(spans[odd], message, label=str(found))
    if operator == "matches":
        return _pattern_fault(right, spans[1])
    if not comparable(left.type, right.type):
        return mismatch("compare", left, right, spans)
    if left.type.kind == "boolean" and operator not in _EQUALITY:
        message = f"`{operator}` needs an order, and true and false have none"
        return codes.TYPE_MISMATCH.at(spans[0].to(spans[1]), message, help="use `=` or `!=`")
    if left.type.kind == "entity" and operator not in _EQUALITY:
        return _relation_fault(left, right, spans)
    if left.type.kind == "list" and operator not in _EQUALITY:
        message = f"`{operator}` needs an order, and lists have none"
        return codes.TYPE_MISMATCH.at(spans[0].to(spans[1]), message, help="use `contains`")
    for node, span in zip((left, right), spans, strict=True):
        if isinstance(node, ex.Period) and {"month", "year"} & {unit for _, unit in node.lengths}:
            message = "a month has no fixed length to compare with"
            return codes.TYPE_MISMATCH.at(span, message, help="use days")
    return None


def _pattern_fault(pattern: ex.Expression, span: Span) -> Diagnostic | None:
    if not isinstance(pattern, ex.Constant):
        message = "a pattern is one text in quotes"
        return codes.BAD_PATTERN.at(span, message, help='for example `matches "[0-9]+"`')
    try:
        portable(str(pattern.value))
    except BadPattern as fault:
        return codes.BAD_PATTERN.at(span, fault.message, help=fault.help)
    return None


def _warn_of_sql_pattern(pattern: str, span: Span, env: Environment) -> None:
    """Warn of a `%` at an end, where SQL writes it for any text."""
    if not (pattern.startswith("%") or pattern.endswith("%")):
        return
    middle = pattern.strip("%")
    meant = f"{'.*' * pattern.startswith('%')}{middle}{'.*' * pattern.endswith('%')}"
    message = "in a pattern, `%` is the character itself"
    hint = f"for any text before or after, write `{meant or '.*'}`; for the character itself, `[%]`"
    # Inside of quotes, only what is written without a backslash is surely written so.
    is_plain = "\\" not in pattern and '"' not in pattern
    edit = Edit(span, f'"{meant or ".*"}"')
    fixes = (Fix(f"write `{meant or '.*'}`", (edit,), is_safe=False),) if is_plain else ()
    env.report(codes.SQL_PATTERN.at(span, message, help=hint, fixes=fixes))


def _item_fault(
    left: ex.Expression, right: ex.Expression, spans: tuple[Span, Span]
) -> Diagnostic | None:
    item = left.type.item
    assert item is not None, "only lists have items"
    if item.kind == right.type.kind:
        return enum_values.fault(item, right, spans[1])
    message = f"the list holds {item.kind}, and this is {_article(right.type)}"
    return codes.TYPE_MISMATCH.at(spans[1], message, label=str(right.type))


def _relation_fault(
    left: ex.Expression, right: ex.Expression, spans: tuple[Span, Span]
) -> Diagnostic:
    message = f"{_article(left.type)} is a whole row, which cannot be compared"
    hint = "compare a field of it, such as `product.category`, or ask `is known`"
    return codes.TYPE_MISMATCH.at(spans[0].to(spans[1]), message, help=hint)


def comparable(left: Type, right: Type) -> bool:
    """Tell whether two types can be compared: equal ones, texts, lists of them, or plain numbers."""
    if left.item is not None and right.item is not None:
        return left.item.kind == right.item.kind
    is_text = left.kind == right.kind == "text"
    return is_text or left == right or (left.is_number and right.is_number)


def mismatch(
    verb: str, left: ex.Expression, right: ex.Expression, spans: tuple[Span, Span]
) -> Diagnostic:
    """Return the diagnostic for two sides that cannot be compared, added and so on."""
    message = f"cannot {verb} {_article(left.type)} with {_article(right.type)}"
    related = [Label(spans[0], str(left.type))]
    if left.type.kind == right.type.kind == "money" and left.type != right.type:
        hint = "two currencies never mix: name the amount in the same currency"
        return codes.CURRENCY_MISMATCH.at(
            spans[1], message, label=str(right.type), related=related, help=hint
        )
    advice, fixes = _advice(left, right, spans)
    return codes.TYPE_MISMATCH.at(
        spans[1], message, label=str(right.type), related=related, help=advice, fixes=fixes
    )


# What may stand in quotes instead of a number; a comma divides thousands here, and parts elsewhere.
_DIGITS = re.compile(r"-?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?")


def _advice(
    left: ex.Expression, right: ex.Expression, spans: tuple[Span, Span]
) -> tuple[str | None, list[Fix]]:
    if left.type.item is not None and left.type.item.kind == right.type.kind:
        return "ask for an item with `contains`", []
    for node, other, span in ((right, left, spans[1]), (left, right, spans[0])):
        if node.type.kind == "text" and other.type.is_number:
            return _unquoted(node, span)
        if other.type.kind == "money" and node.type.is_number:
            return _with_currency(node, other.type.currency or "", span)
        if other.type.kind == "entity":
            return "compare a field of it, such as `product.category`", []
        if other.type.kind == "date" and node.type.kind == "datetime":
            return "take the local day of the instant with `date(…)`", []
    return None, []


def _unquoted(node: ex.Expression, span: Span) -> tuple[str | None, list[Fix]]:
    written = str(node.value) if isinstance(node, ex.Constant) else ""
    if not _DIGITS.fullmatch(written):
        return "read a number from a text with `number(…)`", []
    digits = written.replace(",", "")
    fix = Fix(f"write {digits} without quotes", (Edit(span, digits),), digits == written)
    return f"write the number without quotes: {digits}", [fix]


def _with_currency(node: ex.Expression, currency: str, span: Span) -> tuple[str, list[Fix]]:
    if not isinstance(node, ex.Constant) or node.type.kind == "percent":
        return f"name the currency: `50 {currency}`", []
    amount = f"{node.value} {currency}"
    # The number may be meant in another currency.
    fix = Fix(f"write {amount}", (Edit(span, amount),), is_safe=False)
    return f"name the currency: `{amount}`", [fix]


def arithmetic(
    operator: str,
    left: ex.Expression,
    right: ex.Expression,
    spans: tuple[Span, Span],
    env: Environment,
) -> ex.Expression | None:
    """Return the sum, difference, product or quotient, or report what does not fit."""
    result = _result(operator, left, right)
    if result is None:
        verb = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}[operator]
        env.report(mismatch(verb, left, right, spans))
        return None
    nullable = left.is_nullable or right.is_nullable or operator == "/"
    node = {"type": result, "is_nullable": nullable, "left": left, "right": right}
    return ex.Arithmetic.model_validate({"operator": operator, **node})


def _result(operator: str, left: ex.Expression, right: ex.Expression) -> Type | None:
    a, b = left.type, right.type
    if operator in "+-" and a.kind in ("date", "datetime") and isinstance(right, ex.Period):
        return a if a.kind == "datetime" or right.is_whole_days else None
    if operator == "-" and a == b and a.kind in ("date", "datetime"):
        return DURATION
    if operator in "+-":
        return _sum(a, b)
    if operator == "*":
        return _product(a, b)
    return _quotient(a, b)


def _sum(a: Type, b: Type) -> Type | None:
    if a.kind == "money" or b.kind == "money":
        return a if a == b else None
    if a == b == INTEGER:
        return INTEGER
    return DECIMAL if a.is_number and b.is_number else None


def _product(a: Type, b: Type) -> Type | None:
    if a.kind == "money" and b.is_number:
        return a
    if b.kind == "money" and a.is_number:
        return b
    # An amount times an amount is no amount.
    return None if "money" in (a.kind, b.kind) else _sum(a, b)


def _quotient(a: Type, b: Type) -> Type | None:
    if a.kind == "money":
        return a if b.is_number else (DECIMAL if a == b else None)
    return DECIMAL if a.is_number and b.is_number else None


def negative(node: ex.Expression, span: Span, env: Environment) -> ex.Expression | None:
    """Return minus a number or an amount."""
    if not (node.type.is_number or node.type.kind == "money"):
        env.report(codes.TYPE_MISMATCH.at(span, f"there is no minus {_article(node.type)}"))
        return None
    if isinstance(node, ex.Constant):
        value = -node.value if isinstance(node.value, int) else str(-Decimal(node.value))
        return node.model_copy(update={"value": value})
    zero = ex.Constant(type=node.type, value=0 if node.type == INTEGER else "0")
    return ex.Arithmetic(
        type=node.type, is_nullable=node.is_nullable, operator="-", left=zero, right=node
    )


def is_condition(node: ex.Expression) -> bool:
    """Tell whether an expression is true or false."""
    return node.type == BOOLEAN


def _article(type: Type) -> str:
    text = str(type)
    if type.kind in ("text", "money") and type.values is None:
        return text
    return f"an {text}" if text[0] in "aeiou" else f"a {text}"
