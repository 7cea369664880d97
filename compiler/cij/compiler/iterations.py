"""Iterations of loops: one number counts those of all loops around a step.

An outer loop counts in steps that leave room for all iterations of the loops inside it, as the tens do
for the ones. So every iteration of every loop has a number of its own. The store calls it `turn`.
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
    """Return the unit of the block of each step. The loops inside of a step count below it."""
    found: dict[str, int] = {}
    for step in steps:
        found[step.name] = unit
        for block in model.blocks(step):
            inner = iterations_of(block) if isinstance(step, model.Repeat) else unit
            found |= units(block, inner)
    return found
