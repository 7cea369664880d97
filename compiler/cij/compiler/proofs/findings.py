"""The words of what was proved: each conflict becomes one diagnostic that shows both sides."""

from collections.abc import Sequence
from fractions import Fraction

from cij.compiler import expression as ex
from cij.compiler.proofs.formula import Formula, Literal
from cij.compiler.proofs.located import Piece, is_within
from cij.compiler.proofs.ranges import Ranges, Value, whole
from cij.compiler.proofs.terms import shown
from cij.compiler.proofs.verdicts import minimal_conflict
from cij.compiler.types import Type
from cij.compiler.unparse import words
from cij.grammar.diagnostic import Code, Diagnostic, Label
from cij.grammar.span import Span


def conflict(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the smallest part of pieces known to conflict that still does."""
    return [pieces[i] for i in minimal_conflict([p.formula for p in pieces])]


def report(code: Code, message: str, span: Span, found: Sequence[Piece], help: str) -> Diagnostic:
    """Return the diagnostic of a conflict. It stands at the last piece that lies inside `span`."""
    inside = [p for p in found if is_within(p.span, span)]
    main = inside[-1] if inside else None
    related = [Label(p.span, demand(p)) for p in found if p is not main]
    return code.at(
        main.span if main else span,
        message,
        label=demand(main) if main and related else "",
        related=related,
        notes=_proof(found),
        help=help,
    )


def demand(piece: Piece) -> str:
    """Return what a piece asks for: `points must be at least 1001`."""
    needed = _bounds(piece.formula) or f"`{piece.text}` must hold"
    return f"{piece.reason}: {needed}" if piece.reason else needed


def _bounds(formula: Formula) -> str | None:
    found = _interval(formula)
    if found is None or not isinstance(formula, Literal):
        return None
    name, type = f"`{words(formula.term.shows)}`", formula.term.type
    other = " or unknown" if formula.or_missing and formula.term.is_nullable else ""
    low, high = found
    match low, high:
        case (value, side), None:
            word = "above" if side else "at least"
            return f"{name} must be {word} {_value(value, type)}{other}"
        case None, (value, side):
            word = "at most" if side else "below"
            value, word = _whole_end(formula, value, side, word)
            return f"{name} must be {word} {_value(value, type)}{other}"
    return None


def _whole_end(formula: Literal, value: Value, side: int, word: str) -> tuple[Value, str]:
    # Whole numbers below 500 are those of at most 499.
    return (value - 1, "at most") if formula.term.is_whole and not side else (value, word)


_Interval = tuple[tuple[Value, int] | None, tuple[Value, int] | None]
_SHOWN = ("integer", "decimal", "money", "percent", "date")


def _interval(formula: Formula) -> _Interval | None:
    """Return the one interval of a plain statement about a number or a date."""
    if not isinstance(formula, Literal) or formula.needle is not None:
        return None
    if formula.term.type.kind not in _SHOWN or not formula.term.is_free:
        return None
    intervals = list(_ranges(formula).intervals())
    return intervals[0] if len(intervals) == 1 else None


def _ranges(formula: Literal) -> Ranges:
    return whole(formula.ranges) if formula.term.is_whole else formula.ranges


def _value(value: Value, type: Type) -> str:
    if type.kind == "date":
        return str(shown(value, type))
    exact = Fraction(value)
    text = str(int(exact)) if exact.denominator == 1 else str(float(exact))
    if type.kind == "percent":
        return words(ex.Constant(type=type, value=text))
    return f"{text} {type.currency}" if type.currency else text


def _proof(found: Sequence[Piece]) -> list[str]:
    """Return the interval that would have to hold a value, where the conflict is one."""
    formulas = [p.formula for p in found]
    ends = [_interval(f) for f in formulas]
    terms = {f.term for f in formulas if isinstance(f, Literal)}
    if len(found) != 2 or len(terms) != 1 or None in ends:
        return []
    lows = [e[0] for e in ends if e and e[0]]
    highs = [e[1] for e in ends if e and e[1]]
    if len(lows) != 1 or len(highs) != 1:
        return []
    term = next(iter(terms))
    (low, low_side), (high, high_side) = lows[0], highs[0]
    left = f"{_value(low, term.type)} {'<' if low_side else '<='}"
    if term.is_whole:
        high, high_side = high - 1, 1
    right = f"{'<=' if high_side else '<'} {_value(high, term.type)}"
    return [f"proof: {left} {words(term.shows)} {right} is empty"]
