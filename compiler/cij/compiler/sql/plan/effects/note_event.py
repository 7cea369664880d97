"""The event that ended a wait is noted under a name, for what is read behind the wait.

noted_event(passage, step, event)   one row for each name of a passage; that of the latest iteration
"""

from cij.compiler import program as pg
from cij.compiler.sql.plan.context import text
from cij.compiler.sql.plan.effects.site import Site
from cij.compiler.sql.template import Statement, query

_FORGET = (
    "DELETE FROM noted_event WHERE noted_event.step = {step} "
    "AND noted_event.passage IN (SELECT m.passage FROM tick_batch AS m WHERE {comes_by})"
)
_NOTE = (
    "INSERT INTO noted_event (passage, step, event) "
    "SELECT m.passage, {step}, m.event FROM tick_batch AS m WHERE {comes_by}"
)


def note_event(site: Site) -> list[Statement]:
    """Return the statements that note the event for all passages that it has woken."""
    assert isinstance(site.state.effect, pg.NoteEventEffect)
    step = text(site.state.step)
    return [query(each, step=step, comes_by=site.comes_by) for each in (_FORGET, _NOTE)]
