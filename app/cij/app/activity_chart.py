"""The activity of a period as a chart: one SVG without scripts, fonts or links.

Such a file can be shown everywhere, also where external resources are blocked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from html import escape

from cij.app.zone_times import local
from cij.compiler.graph.drawn_text import isolated, shown
from cij.compiler.graph.svg_style import style_sheet
from cij.runtime.activity import Course
from cij.runtime.zones import to_local

# In pixels of the view box.
_MARGIN, _WIDE, _HIGH, _GAP, _HEAD = 24, 860, 110, 54, 92
_AXIS = 64
_NAME = "cij-course"
_LABELS_MAX = 8


@dataclass(frozen=True, slots=True)
class _Panel:
    """One panel of bars over a time axis. `kind` selects the colour, as in drawings of journeys.

    `values` are (place, count) of each bar. `place` and `share`, the width, are shares of the
    period.
    """

    title: str
    kind: str
    share: float
    values: tuple[tuple[float, int], ...]
    limit: int | None = None

    @property
    def top(self) -> int:
        # At least 1, because heights are divided by it. The limit has to fit into the panel too.
        return max([1, *(n for _, n in self.values), self.limit or 0])


def chart(found: Course, zone: str, title: str) -> str:
    """Return the text of an `.svg` file."""
    first, last = (to_local(at, zone).date() for at in (found.start, found.end))
    panels = [p for p in (*_daily(found, first, last), *_hourly(found, first, last)) if p.values]
    wide = _WIDE + _AXIS + 2 * _MARGIN
    high = _MARGIN + _HEAD + len(panels) * (_HIGH + _GAP)
    about = f"{local(found.start, zone)} to {local(found.end, zone)} ({zone})"
    size = f'width="{wide}" height="{high}" viewBox="0 0 {wide} {high}"'
    named = f'id="{_NAME}" role="img" aria-labelledby="{_NAME}-t {_NAME}-d"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {named} {size}>',
        f'<title id="{_NAME}-t">{_xml(title)}</title>',
        f'<desc id="{_NAME}-d">{_xml(" ".join(_described(panels)))}</desc>',
        f"<style>\n{style_sheet('#' + _NAME)}</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{wide - 1}" height="{high - 1}" rx="12"/>',
        _text("title", _MARGIN, _MARGIN + 18, title[:1].upper() + title[1:]),
        _text("quiet", _MARGIN, _MARGIN + 42, about),
    ]
    for number, panel in enumerate(panels):
        top = _MARGIN + _HEAD + number * (_HIGH + _GAP)
        parts += [f'<g transform="translate({_MARGIN + _AXIS} {top})">']
        parts += [*_drawn(panel), *_days(first, last), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _described(panels: Sequence[_Panel]) -> Iterator[str]:
    """Yield a sentence for each panel, for screen readers."""
    for panel in panels:
        limit = f", limit {panel.limit}" if panel.limit else ""
        most = max((n for _, n in panel.values), default=0)
        yield f"{panel.title}: {sum(n for _, n in panel.values)} in all, most {most}{limit}."


# --- panels -----------------------------------------------------------------------------------


def _daily(found: Course, first: date, last: date) -> Iterator[_Panel]:
    days = (last - first).days + 1

    def panel(title: str, kind: str, counts: dict[date, int]) -> _Panel:
        values = tuple(((d - first).days / days, n) for d, n in sorted(counts.items()))
        return _Panel(title, kind, 1 / days, values)

    for title, kind, what in (
        ("People who enter, by day", "entry", "entered"),
        ("Goals reached, by day", "goal", "converted"),
    ):
        yield panel(title, kind, _summed((c.day, c.count) for c in found.days if c.what == what))
    inside = _summed((s.day, s.people) for s in found.standing)
    yield panel("People inside at the end of the day", "wait", inside)


def _summed(counts: Iterator[tuple[date, int]]) -> dict[date, int]:
    found: dict[date, int] = {}
    for day, count in counts:
        found[day] = found.get(day, 0) + count
    return found


def _hourly(found: Course, first: date, last: date) -> Iterator[_Panel]:
    begin = datetime.combine(first, time())
    hours = ((last - first).days + 1) * 24
    for channel in dict.fromkeys(h.channel for h in found.hours):
        of = [h for h in found.hours if h.channel == channel]
        values = tuple(((h.hour - begin) / timedelta(hours=1) / hours, h.messages) for h in of)
        title = f"{'actions' if channel == 'action' else channel}, by hour".capitalize()
        yield _Panel(title, "send", 1 / hours, values, of[0].limit)


# --- drawing ----------------------------------------------------------------------------------


def _drawn(panel: _Panel) -> Iterator[str]:
    yield _text("strong", 0, -8, panel.title)
    yield f'<path class="edge" d="M0 0V{_HIGH}H{_WIDE}"/>'
    yield _text("small quiet", -8, 10, f"{panel.top:,}", ' text-anchor="end"')
    yield _text("small quiet", -8, _HIGH, "0", ' text-anchor="end"')
    yield f'<g class="{panel.kind}">'
    for place, count in panel.values:
        yield _bar(panel, place, count)
    yield "</g>"
    if panel.limit is not None:
        y = _HIGH - panel.limit * _HIGH / panel.top
        yield f'<g class="exit"><path class="icon" stroke-dasharray="6 4" d="M0 {y:.1f}H{_WIDE}"/></g>'
        yield _text("label", _WIDE, round(y) - 4, f"limit {panel.limit:,}", ' text-anchor="end"')


def _bar(panel: _Panel, place: float, count: int) -> str:
    high = count * _HIGH / panel.top
    # A gap between bars only where they are wide enough, and no bar is invisible.
    wide = max(panel.share * _WIDE - (2 if panel.share * _WIDE > 6 else 0), 1)
    kind = "exit" if panel.limit is not None and count > panel.limit else panel.kind
    shape = (
        f'<rect class="shape" x="{place * _WIDE:.1f}" y="{_HIGH - high:.1f}" '
        f'width="{wide:.1f}" height="{high:.1f}"><title>{count}</title></rect>'
    )
    return (
        shape
        if kind == panel.kind
        else f'</g><g class="{kind}">{shape}</g><g class="{panel.kind}">'
    )


def _days(first: date, last: date) -> Iterator[str]:
    days = (last - first).days + 1
    # Division rounded up, so that there are never more labels than fit.
    step = -(-days // _LABELS_MAX)
    for n in range(0, days, step):
        day = (first + timedelta(days=n)).isoformat()
        yield _text("small quiet", round(n * _WIDE / days), _HIGH + 18, day)


def _text(name: str, x: int, y: int, text: str, more: str = "") -> str:
    return f'<text class="{name}" x="{x}" y="{y}"{more}>{_xml(text)}</text>'


def _xml(text: str) -> str:
    return escape(isolated(shown(text)))
