"""Turns of loops: how many numbers they need, and where each step counts.

The turns of all loops around a step are one number. An outer loop counts in steps that leave room
for all turns of the loops inside it, so the number is another one in every turn of every loop.
"""

from cij.compiler import model

ITERATIONS_MAX = 1_000_000_000


def iterations_of(steps: model.Steps) -> int:
    """Return how many numbers the loops of a block need; 1 where there is none."""
    inner = (iterations_of(b) * _times(step) for step in steps for b in model.blocks(step))
    return max(inner, default=1)


def _times(step: model.Step) -> int:
    return step.times if isinstance(step, model.Repeat) else 1


def units(steps: model.Steps, unit: int) -> dict[str, int]:
    """Return for each step the unit of the block it stands in: below it count the loops inside."""
    found: dict[str, int] = {}
    for step in steps:
        found[step.name] = unit
        for block in model.blocks(step):
            inner = iterations_of(block) if isinstance(step, model.Repeat) else unit
            found |= units(block, inner)
    return found
