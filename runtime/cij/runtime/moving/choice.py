"""Which mover an engine has."""

from cij.runtime.engine import Engine
from cij.runtime.moving.mover import Mover
from cij.runtime.moving.plain import PlainMover
from cij.runtime.moving.strategic import StrategicMover
from cij.runtime.moving.strategies import STRATEGIES


def mover_for(engine: Engine) -> Mover:
    """Return a mover that knows nothing of the store yet. Strategies need row ids, and an owner."""
    if engine.traits.has_row_ids and not engine.traits.is_shared:
        return StrategicMover([make() for make in STRATEGIES])
    return PlainMover()
