"""How a new condition stands to the old one, proved where the solver can.

Each side has its own catalog, because a segment or a measure may have changed between them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from cij.compiler import expression as ex
from cij.compiler.model import Model
from cij.compiler.proofs.formula import TRUE, Formula, Term, negated, terms_of
from cij.compiler.proofs.translate import truth
from cij.compiler.proofs.verdicts import NotProved, Sat, Unsat, WitnessValue, together
from cij.compiler.review.review_report import Example, Proof, Value, Verdict


@dataclass(frozen=True, slots=True)
class Wording:
    """How to say that customers match a condition: `can enter`, `now enters`, `no longer enters`."""

    can: str
    now: str
    no_longer: str


IN_SEGMENT = Wording("can be in it", "is now in it", "is no longer in it")
TAKES_BRANCH = Wording("can take this branch", "now takes it", "no longer takes it")
LEAVES_WAIT = Wording("can leave the wait by it", "now leaves by it", "no longer leaves by it")
ENTERS = Wording("can enter", "now enters", "no longer enters")
KEPT_OUT = Wording("can be kept out", "is now kept out", "is no longer kept out")
IS_MET = Wording("can meet it", "now meets it", "no longer meets it")


def prove(
    before: ex.Expression | None,
    after: ex.Expression | None,
    base: Model,
    head: Model,
    wording: Wording,
) -> Proof:
    """Compare two conditions; None is a condition that everybody meets."""
    old, new = _formula(before, base), _formula(after, head)
    if _has_other_types(old, new):
        return Proof(
            verdict="not proved", sentence="A value has another type, so nothing is proved."
        )
    gains, loses = together((new, negated(old))), together((old, negated(new)))
    verdict = _verdict(gains, loses, old, new)
    return Proof(
        verdict=verdict,
        sentence=_sentence(verdict, gains, loses, wording),
        gains=_example(gains),
        loses=_example(loses),
    )


def _formula(condition: ex.Expression | None, catalog: Model) -> Formula:
    return TRUE if condition is None else truth(condition, catalog)


def _has_other_types(old: Formula, new: Formula) -> bool:
    """Tell whether one name means values of two types: the search would take them for the same."""
    before: dict[Term, Term] = {term: term for term in terms_of(old)}
    return any(t in before and before[t].type != t.type for t in terms_of(new))


_Answer = Sat | Unsat | NotProved


def _verdict(gains: _Answer, loses: _Answer, old: Formula, new: Formula) -> Verdict:
    match gains, loses:
        case Unsat(), Unsat():
            return "equivalent"
        case Unsat(), _:
            return "narrower"
        case _, Unsat():
            return "wider"
        case Sat(), Sat():
            is_apart = isinstance(together((old, new)), Unsat)
            return "disjoint" if is_apart else "overlapping"
    return "not proved"


def _sentence(verdict: Verdict, gains: _Answer, loses: _Answer, wording: Wording) -> str:
    lost = _such(loses, wording.no_longer)
    gained = _such(gains, wording.now)
    lead = {
        "equivalent": "Both conditions are true for the same customers (proved).",
        "narrower": f"Nobody new {wording.can}: the new condition implies the old one (proved).",
        "wider": "Nobody is left out: the old condition implies the new one (proved).",
        "disjoint": "No customer meets both the old and the new condition (proved).",
        "overlapping": "Neither condition implies the other.",
        "not proved": "How the two conditions stand to each other is not proved.",
    }[verdict]
    shown = {"equivalent": (), "narrower": (lost,), "wider": (gained,)}.get(verdict, (lost, gained))
    return _joined(lead, *shown)


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _such(answer: _Answer, verb: str) -> str:
    """Return a sentence about an example; empty where there is none that can be shown."""
    if not isinstance(answer, Sat) or not (answer.witness or answer.assumed):
        return ""
    if not answer.witness:
        return ""
    rest = " (if the rest of the condition allows it)" if answer.assumed else ""
    return f"A customer with {values_words(answer.witness.items())} {verb}{rest}."


def values_words(values: Iterable[tuple[str, WitnessValue]]) -> str:
    """Return `points = 1200 and consent.news.email = true`."""
    return " and ".join(f"{name} {_is(value)}" for name, value in values)


def _is(value: WitnessValue) -> str:
    if value is None:
        return "is unknown"
    if isinstance(value, bool):
        return f"= {str(value).lower()}"
    return f'= "{value}"' if isinstance(value, str) else f"= {value}"


def _example(answer: _Answer) -> Example | None:
    if not isinstance(answer, Sat):
        return None
    values = {name: _plain(value) for name, value in answer.witness.items()}
    return Example(values=values, assumed=answer.assumed)


def _plain(value: WitnessValue) -> Value:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value) if isinstance(value, Decimal) else value.isoformat()
