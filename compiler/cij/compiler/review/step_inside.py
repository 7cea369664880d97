"""What happens to people who are inside a journey when its steps change (S21)."""

from dataclasses import dataclass

from cij.compiler import model
from cij.compiler.ahead import backwards, reached, sends, ways
from cij.compiler.going_on import going_on, named_target
from cij.compiler.review.both_sides import Context
from cij.compiler.review.step_matching import Match
from cij.compiler.review.step_spots import Spot, is_label
from cij.compiler.review.step_words import step_words
from cij.compiler.wording import listed


@dataclass(slots=True)
class Inside:
    """The names of one journey on both sides; what happens to people inside follows from the head."""

    old: str
    new: str
    context: Context

    @property
    def _adopts(self) -> bool:
        return self.context.head.model.journeys[self.new].head.in_flight == "adopt"

    def stay(self) -> str:
        """Return what happens to those who are at no step that changed."""
        if self._adopts:
            return "People inside go over to the new version at once, and meet the change if they have not come that far."
        return "People inside stay on the version they entered with, so nothing changes for them."

    def timer(self, old: Spot, new: Spot, match: Match) -> str:
        """Return what happens to those who wait at a step whose timer changed."""
        if self._adopts and is_label(old.name):
            return (
                f"People who wait at `{old.name}` now go over to the new version with the timer that "
                "they have; those who come later wait as the new version says."
            )
        return (
            f"People who wait at `{old.name}` now, and all others inside, stay on the version they "
            f"entered with: they wait as before (`{step_words(old.step)}`)."
        )

    def gone(self, spot: Spot, match: Match) -> tuple[str, str]:
        """Return what happens to those who wait at a step that is gone, and what must be decided."""
        waits = [spot, *_inside_of(spot, match)]
        return self.gone_waits([s for s in waits if isinstance(s.step, model.Wait)])

    def gone_waits(self, waits: list[Spot]) -> tuple[str, str]:
        """Return the same for several waits that are gone together."""
        if not waits:
            return self.stay(), ""
        new = self.context.head.lowered.get(self.new)
        told, stuck = [], []
        for spot in waits:
            what, target = going_on(spot.name, spot.name, new) if new else ("stays", None)
            told.append(self._at(spot.name, what, named_target(what, target)))
            if what == "stuck":
                stuck.append(spot.name)
        if stuck:
            return " ".join(told), (
                f"Where do the people at {listed(stuck)} go on? Write `removed {stuck[0]} then go to STEP`, "
                "`then end OUTCOME` or `then finish`; `cij plan` counts them."
            )
        return " ".join(
            told
        ), f"Is that right for the people who wait at {listed(w.name for w in waits)}?"

    @staticmethod
    def _at(step: str, what: str, to: str) -> str:
        match what:
            case "moves":
                return f"People who wait at `{step}` go on at once at `{to}` of the new version."
            case "ends":
                return f"People who wait at `{step}` leave at once as `{to}`."
            case "stuck":
                return (
                    f"People who wait at `{step}` have no place in the new version: `cij run` refuses it "
                    "while somebody waits there."
                )
        return f"People who wait at `{step}` finish the version they entered with."

    def renamed(self, old: Spot, new: Spot, match: Match) -> tuple[str, str]:
        """Return what happens to those at a step with another name, and what must be decided."""
        is_said = match.said.get(old.name) == new.name
        journey = self.context.head.model.journeys[self.new]
        if is_said and self._adopts:
            return f"People who wait at `{old.name}` go on at `{new.name}` of the new version.", ""
        if not self._adopts:
            return self.stay(), ""
        if not isinstance(old.step, model.Wait):
            return self.stay(), ""
        return (
            self._at(old.name, "stuck", ""),
            f"Add `renamed {old.name} to {new.name}` to journey `{journey.name}`, so that they go on there.",
        )

    def moved(self, old: Spot, new: Spot, match: Match) -> tuple[str, str]:
        """Return what happens to those at a step that stands at another place."""
        if not isinstance(old.step, model.Wait) or not self._adopts:
            return self.stay(), "Is the new order right?"
        lost, twice = self._lost_and_repeated(old.name, new.name)
        parts = [f"People who wait at `{old.name}` go on at `{new.name}` of the new version."]
        if lost:
            parts.append(f"They never come to {listed(lost)}, which stands before it now.")
        if twice:
            parts.append(
                f"Those who got it would come to {listed(twice)} a second time, so `cij run` refuses the "
                "new version while one of them waits there."
            )
        question = (
            "Should they finish the version they entered with? Then leave out `in_flight = adopt`."
            if twice
            else "Should those who wait there now miss that?"
            if lost
            else "Is the new order right?"
        )
        return " ".join(parts), question

    def _lost_and_repeated(self, old: str, new: str) -> tuple[list[str], list[str]]:
        """Return the sends that people at a wait would skip, and those that they would get again."""
        before = self.context.base.lowered.get(self.old)
        after = self.context.head.lowered.get(self.new)
        if before is None or after is None:
            return [], []
        ahead, ahead_now = (
            sends(reached(old, ways(before)), before),
            sends(reached(new, ways(after)), after),
        )
        behind = sends(reached(old, backwards(ways(before))), before)
        now = {s.step for s in after.states}
        lost = [s for s in ahead if s not in ahead_now and s in now]
        return lost, [s for s in ahead_now if s in behind and s not in ahead]


def _inside_of(spot: Spot, match: Match) -> list[Spot]:
    found, names = list[Spot](), {spot.name}
    for other in match.old.values():
        if other.parent in names and other.name not in match.pairs:
            names.add(other.name)
            found.append(other)
    return found
