"""Which step of the older version is which step of the newer one.

Labels decide, with the lines `renamed OLD to NEW`. Steps without a label are aligned block by block, so
that one more step shifts no other. What is left and says the same was moved, or got another label.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from cij.compiler import model
from cij.compiler.review.step_spots import Arm, Spot, arms, print_of, spots


@dataclass(slots=True)
class Match:
    """Both versions, and the pairs of their steps by name.

    `said` are the renames that the journey says. `moved` are steps, by their new name, that stand in
    another block or at another place among the steps that are on both sides.
    """

    old: dict[str, Spot]
    new: dict[str, Spot]
    said: Mapping[str, str]
    pairs: dict[str, str] = field(default_factory=dict)
    moved: list[str] = field(default_factory=list)
    arm_pairs: dict[str, list[tuple[Arm | None, Arm | None]]] = field(default_factory=dict)

    @property
    def names(self) -> dict[str, str]:
        """The new names of all steps that are called something else."""
        return {old: new for old, new in self.pairs.items() if old != new}

    @property
    def back(self) -> dict[str, str]:
        """The pairs from new to old."""
        return {new: old for old, new in self.pairs.items()}


def matched(old: model.Journey, new: model.Journey) -> Match:
    """Match the steps of two versions of a journey."""
    said = {rule.old: rule.new for rule in new.head.renamed}
    match = Match(spots(old), spots(new), said)
    _by_label(match)
    _by_block(old.steps, new.steps, match)
    _left_over(match)
    _pair_all_arms(match)
    match.moved = _moved(match)
    return match


def _by_label(match: Match) -> None:
    for name, spot in match.old.items():
        wanted = match.said.get(name, name)
        found = match.new.get(wanted)
        if spot.is_labelled and found is not None and _is_kind(spot, found):
            match.pairs[name] = wanted


def _is_kind(one: Spot, other: Spot) -> bool:
    return type(one.step) is type(other.step)


# --- steps without a label --------------------------------------------------------------------


def _by_block(old: model.Steps, new: model.Steps, match: Match) -> None:
    """Align the steps of a block, then the blocks inside the steps that are pairs."""
    one, other = _shown(old, match.old), _shown(new, match.new)
    keys = [_key(s, match) for s in one], [_key(s, match, is_new=True) for s in other]
    for tag, a, b, c, d in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        if tag == "equal" or tag == "replace":
            _pair_in_order(one[a:b], other[c:d], match)
    back = match.back
    for step in other:
        partner = back.get(step.name)
        if partner is not None:
            _inside(match.old[partner].step, step, match)


def _shown(steps: model.Steps, known: Mapping[str, Spot]) -> list[model.Step]:
    return [step for step in steps if step.name in known]


def _key(step: model.Step, match: Match, *, is_new: bool = False) -> str:
    """Return what two steps of a block must share to be aligned: the pair they are, or what they say."""
    if is_new:
        is_paired = step.name in match.pairs.values()
        return f"pair {step.name}" if is_paired else print_of(step, {})
    partner = match.pairs.get(step.name)
    return f"pair {partner}" if partner is not None else print_of(step, match.names)


def _pair_in_order(old: Sequence[model.Step], new: Sequence[model.Step], match: Match) -> None:
    taken = set(match.pairs.values())
    free = [s for s in new if s.name not in taken and not match.new[s.name].is_labelled]
    for step in old:
        if step.name in match.pairs or match.old[step.name].is_labelled:
            continue
        twin = next((s for s in free if type(s) is type(step)), None)
        if twin is not None:
            free.remove(twin)
            match.pairs[step.name] = twin.name


def _inside(old: model.Step, new: model.Step, match: Match) -> None:
    for one, other in paired_arms(arms(old), arms(new)):
        if one is not None and other is not None:
            _by_block(one.steps, other.steps, match)


def paired_arms(old: Sequence[Arm], new: Sequence[Arm]) -> list[tuple[Arm | None, Arm | None]]:
    """Pair the blocks of two steps: by what they stand for, then those that share steps, then in order."""
    left, found = list(old), list[tuple[Arm | None, Arm | None]]()
    partners: dict[int, Arm | None] = {}
    for rule in (_same_key, _share_steps, _same_form):
        for number, arm in enumerate(new):
            if number not in partners:
                twin = next((a for a in left if rule(a, arm)), None)
                if twin is not None:
                    left.remove(twin)
                    partners[number] = twin
    found += [(partners.get(number), arm) for number, arm in enumerate(new)]
    return found + [(arm, None) for arm in left]


def _same_key(one: Arm, other: Arm) -> bool:
    return one.key == other.key


def _share_steps(one: Arm, other: Arm) -> bool:
    shared = {s.name for s in one.steps} & {s.name for s in other.steps}
    return (one.guard is None) == (other.guard is None) and bool(shared)


def _same_form(one: Arm, other: Arm) -> bool:
    if one.guard is None or other.guard is None:
        return one.guard is other.guard and one.key.split(" ")[0] == other.key.split(" ")[0]
    # The names of the arms of a split are as good as labels.
    return not (one.name or other.name)


# --- what is left -----------------------------------------------------------------------------


def _left_over(match: Match) -> None:
    """Pair steps that say the same and stand elsewhere, or have another label."""
    taken = set(match.pairs.values())
    free = [spot for name, spot in match.new.items() if name not in taken]
    for spot in [s for name, s in match.old.items() if name not in match.pairs]:
        text = print_of(spot.step, match.names)
        twins = [s for s in free if _is_kind(spot, s) and print_of(s.step, {}) == text]
        twin = _nearest(spot, twins, match)
        if twin is not None:
            free.remove(twin)
            match.pairs[spot.name] = twin.name
            _inside(spot.step, twin.step, match)
            taken = set(match.pairs.values())
            free = [s for s in free if s.name not in taken]


def _nearest(spot: Spot, twins: Sequence[Spot], match: Match) -> Spot | None:
    parent = match.pairs.get(spot.parent) if spot.parent is not None else None
    here = [s for s in twins if s.parent == parent]
    # Two that say the same and have other labels: which is which would be a guess.
    return here[0] if here else twins[0] if len(twins) == 1 else None


def _pair_all_arms(match: Match) -> None:
    for old, new in match.pairs.items():
        match.arm_pairs[new] = paired_arms(arms(match.old[old].step), arms(match.new[new].step))


# --- moves ------------------------------------------------------------------------------------


def _moved(match: Match) -> list[str]:
    blocks: dict[tuple[str | None, int], list[Spot]] = {}
    found: set[str] = set()
    back = match.back
    for name, spot in match.new.items():
        if name not in back:
            continue
        if _is_elsewhere(match.old[back[name]], spot, match):
            found.add(name)
        else:
            blocks.setdefault((spot.parent, spot.arm), []).append(spot)
    for block in blocks.values():
        places = [match.old[back[s.name]].index for s in block]
        kept = _heaviest_increasing(places, [_weight(s.step) for s in block])
        found |= {s.name for number, s in enumerate(block) if number not in kept}
    return [name for name in match.new if name in found]


def _is_elsewhere(old: Spot, new: Spot, match: Match) -> bool:
    """Tell whether a step stands in a block that is not the partner of its block of before."""
    if (old.parent is None) != (new.parent is None):
        return True
    if old.parent is None or new.parent is None:
        return False
    if match.pairs.get(old.parent) != new.parent:
        return True
    one = arms(match.old[old.parent].step)[old.arm]
    other = arms(match.new[new.parent].step)[new.arm]
    return (one, other) not in match.arm_pairs.get(new.parent, [])


def _weight(step: model.Step) -> float:
    """Return how much a step counts as one that stays: of two that swap, the smaller was moved."""
    inside = sum(len(block) for block in model.blocks(step))
    return 1 + inside + (0 if isinstance(step, model.Wait) else 0.5)


def _heaviest_increasing(places: Sequence[int], weights: Iterable[float]) -> set[int]:
    """Return the numbers of the heaviest increasing subsequence."""
    best: list[tuple[float, tuple[int, ...]]] = []
    for number, (place, weight) in enumerate(zip(places, weights, strict=True)):
        before = [b for n, b in enumerate(best) if places[n] < place]
        most = max(before, key=lambda b: b[0], default=(0.0, ()))
        best.append((most[0] + weight, (*most[1], number)))
    return set(max(best, key=lambda b: b[0], default=(0.0, ()))[1])
