"""Versions: the content hash of a journey with all it refers to (S21)."""

from pydantic import BaseModel

from cij.compiler import expression as ex, program as pg
from cij.compiler.model import Model
from cij.compiler.walk import walk


def versioned(journey: pg.Journey, source: Model) -> pg.Journey:
    """Set the content hash of the journey with all it refers to (S21)."""
    referred: dict[str, BaseModel] = {}
    _collect(journey, source, referred)
    version = pg.content_hash([journey, [referred[key] for key in sorted(referred)]])
    return journey.model_copy(update={"version": version})


def _collect(part: BaseModel, source: Model, referred: dict[str, BaseModel]) -> None:
    for inner in walk(part):
        for key, target in _references(inner, source):
            if key not in referred and target is not None:
                referred[key] = target
                _collect(target, source, referred)


def _references(part: BaseModel, source: Model) -> list[tuple[str, BaseModel | None]]:
    match part:
        case pg.SendEffect(message=name):
            return [(f"message {name}", source.messages.get(name))]
        case pg.DoEffect(action=name):
            return [(f"action {name}", source.actions.get(name))]
        case ex.Result(action=name):
            return [(f"event {pg.done_by(name)}", source.events.get(pg.done_by(name)))]
        case pg.SegmentEntry(segment=name) | ex.Member(segment=name):
            return [(f"segment {name}", source.segments.get(name))]
        case ex.Related(entity=name):
            return [(f"entity {name}", source.entities.get(name))]
        case ex.MeasureValue(measure=name):
            return [(f"measure {name}", source.measures.get(name))]
        case pg.EventEntry(event=name) | pg.Await(event=name) | ex.Aggregate(event=name):
            return [(f"event {name}", source.events.get(name))]
    return []
