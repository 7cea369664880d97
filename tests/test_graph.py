"""Drawings of journeys: golden files of two, and what has to hold for any."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings, strategies as st

from cij.cli.exits import Exit
from cij.cli.main import cli
from cij.compiler import expression as ex, program as pg
from cij.compiler.compilation import compile_project
from cij.compiler.graph import Edge, outline, to_dot, to_mermaid, to_svg
from cij.compiler.graph.drawn_text import isolated, shown, width, wrapped
from cij.compiler.graph.scene import scene
from cij.compiler.model import ProjectSettings
from cij.compiler.types import INTEGER
from tests.conftest import FIXTURES
from tests.draws import draws

Golden = Callable[[str, str], None]
FOLDER = FIXTURES / "graph"

RENDERERS = {"mmd": to_mermaid, "dot": to_dot, "svg": to_svg}
DAY = ex.Period(count=1, unit="day")


def place(line: int) -> pg.Place:
    return pg.Place(file="loyalty.journey", line=line, column=1)


def own(id: str, line: int = 1) -> dict[str, object]:
    return {"id": id, "step": id, "place": place(line)}


def act(id: str, channel: str, message: str, target: str) -> pg.ActState:
    effect = pg.SendEffect(channel=channel, message=message, parameters={})
    return pg.ActState(**own(id), effect=effect, target=target)  # type: ignore[arg-type]


def rest(id: str, period: ex.Period, timeout: str, *awaits: pg.Await) -> pg.WaitState:
    timer = pg.AfterPeriod(period=period)
    return pg.WaitState(**own(id), timer=timer, awaits=awaits, timeout=timeout)  # type: ignore[arg-type]


def decide(id: str, otherwise: str, *branches: tuple[ex.Expression, str]) -> pg.DecideState:
    found = tuple(pg.Branch(guard=guard, target=target) for guard, target in branches)
    return pg.DecideState(**own(id), branches=found, otherwise=otherwise)  # type: ignore[arg-type]


def end(id: str, outcome: str, **more: object) -> pg.EndState:
    return pg.EndState(**own(id), outcome=outcome, **more)  # type: ignore[arg-type]


def more_than(name: str, number: int) -> ex.Compare:
    left = ex.Field(type=INTEGER, name=name)
    return ex.Compare(operator=">", left=left, right=ex.Constant(type=INTEGER, value=number))


def journey(name: str, start: str, *states: pg.State, **more: object) -> pg.Journey:
    fields: dict[str, object] = {
        "name": name,
        "version": "",
        "doc": "",
        "again": "never",
        "start": start,
    }
    fields |= {"entries": (pg.SegmentEntry(segment="loyal"),), "states": states, **more}
    return pg.Journey(place=place(1), **fields)  # type: ignore[arg-type]


@cache
def compiled() -> dict[str, pg.Journey]:
    """Return the journeys of `fixtures/graph`: one with goals and gates, one with many branches."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.journey")}
    found = compile_project(ProjectSettings("graph", "UTC", "en"), texts, {}, {})
    assert found.program is not None, found.diagnostics
    return {journey.name: journey for journey in found.program.journeys}


def loyalty() -> pg.Journey:
    return compiled()["loyalty_reward"]


def cart() -> pg.Journey:
    return compiled()["abandoned_cart"]


def strange() -> pg.Journey:
    """Names of other scripts, and signs that mean something to a renderer."""
    script = 'a"]; <script>alert(1)</script> #35; & {x} \\N | %%'
    wide, rtl = "ポイントが五千を超えるお客様への特別なお知らせ", "نقاط الولاء"
    return journey(
        script,
        "end",
        act("end", "email", wide, "subgraph x"),
        rest("subgraph x", DAY, "1. list", pg.Await(event="opened", of="end", target="مرحبا")),
        decide("1. list", "مرحبا", (more_than(rtl, 5), "a-b")),
        act("a-b", "sms", "e\u0301te\u0301 \u202eevil\u2069 \x07 👩‍👧", "a b"),
        act("a b", "sms", "_x_ *y* `z` fa:fa-car", "مرحبا"),
        end("مرحبا", "مرحبا"),
        doc='It\'s\na "test"; {of} --> %% text\n---',
    )


@pytest.mark.parametrize("make", [loyalty, cart, strange])
@pytest.mark.parametrize("suffix", RENDERERS)
def test_drawings_are_as_reviewed(
    make: Callable[[], pg.Journey], suffix: str, golden: Golden
) -> None:
    text = RENDERERS[suffix](outline(make()))
    golden(f"graph/{make.__name__}.{suffix}", text)


def test_gates_are_a_note_and_not_nodes() -> None:
    graph = outline(loyalty())
    assert not any("gate" in node.id for node in graph.nodes)
    assert graph.notes[-1].startswith("goals and exits with a condition are tested")
    assert Edge("opened", "thanks", ("yes: opened(reward)",)) in graph.edges
    assert Edge("opened", "nudge", ("after 3 days",)) in graph.edges
    assert [node.text for node in graph.leaves] == [
        ("goal redeemed", "on purchase", 'where coupon = "LOYAL20"', "within 14 days"),
        ("exit too_young", "when not age > 17"),
    ]


def test_two_ways_to_one_step_are_one_edge() -> None:
    wait = rest("look", DAY, "out", pg.Await(event="opened", of="x", target="out"))
    graph = outline(journey("j", "look", wait, end("out", "out")))
    assert graph.edges[-1] == Edge("look", "out", ("yes: opened(x)", "after 1 day"))


def test_a_split_shows_shares() -> None:
    labels = [edge.labels for edge in outline(cart()).edges if edge.source == "tone"]
    assert labels == [("45%",), ("55%",)]


def test_timers_of_the_calendar_say_when_they_are_due() -> None:
    timer = pg.UntilWeekday(weekday=1, at="09:00:00")
    opened = pg.Await(event="opened", of="x", target="b")
    state = pg.WaitState(**own("w"), timer=timer, awaits=(opened,), timeout="a")  # type: ignore[arg-type]
    graph = outline(journey("j", "w", state, end("a", "a"), end("b", "b")))
    assert graph.nodes[1].text == ("wait until monday at 09:00", "w")
    assert graph.edges[-1].labels == ("not until monday at 09:00",)


def test_an_svg_is_the_same_each_time_and_needs_nothing_else() -> None:
    text = to_svg(outline(cart()))
    assert text == to_svg(outline(cart()))
    root = ET.fromstring(text)
    names = {element.tag.split("}")[1] for element in root.iter()}
    assert names == {"svg", "title", "desc", "style", "defs", "marker", "path", "rect", "g", "text"}
    assert "http" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_a_mermaid_label_has_no_sign_that_ends_it() -> None:
    for label in re.findall(r'"(.*?)"[\])}|]', to_mermaid(outline(strange())).split("\n", 3)[3]):
        assert not set(label.replace("<br/>", "")) & set('"<>[](){}|\\*`&')


# --- text -------------------------------------------------------------------------------------


def test_wide_characters_take_their_width() -> None:
    assert width("漢字", 10) == 20
    assert width("é", 10) == width("e\u0301", 10)
    assert wrapped("漢字" * 10, 10, 100, 9) == ["漢字" * 5] * 2


def test_long_text_ends_in_an_ellipsis_and_long_words_break() -> None:
    assert len(wrapped("word " * 100, 10, 100, 3)) == 3
    assert wrapped("word " * 100, 10, 100, 3)[-1].endswith("…")
    assert all(width(line, 10) <= 100 for line in wrapped("x" * 99, 10, 100, 99))


def test_right_to_left_names_do_not_turn_what_is_beside_them() -> None:
    assert isolated("نقاط الولاء > 5") == "\u2068نقاط الولاء\u2069 > 5"
    assert shown("a\u202eb\x00c") == "a\ufffdb\ufffdc"


# --- any graph --------------------------------------------------------------------------------

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@st.composite
def journeys(draw: st.DrawFn) -> pg.Journey:
    """Draw a state machine with any edges, also back and to itself."""
    ids = draw(st.lists(NAMES.map("s".__add__), min_size=1, max_size=10, unique=True))
    to = st.sampled_from(ids)
    states = [draw(_states(id, to)) for id in ids]
    return journey(draw(NAMES), ids[0], *states, doc=draw(NAMES))


def _states(id: str, to: st.SearchStrategy[str]) -> st.SearchStrategy[pg.State]:
    awaits = st.lists(st.builds(pg.Await, event=NAMES, target=to), max_size=3)
    guards = st.builds(more_than, NAMES, st.integers())
    branches = st.lists(st.tuples(guards, to), min_size=1, max_size=4)
    return st.one_of(
        st.builds(lambda t: act(id, "email", id, t), to),
        st.builds(lambda t, a: rest(id, DAY, t, *a), to, awaits),
        st.builds(lambda t, b: decide(id, t, *b), to, branches),
        st.builds(lambda o: end(id, o), NAMES),
    )


@pytest.mark.slow
@given(journeys())
def test_any_drawing_is_well_formed(drawn: pg.Journey) -> None:
    graph = outline(drawn)
    assert len(ET.fromstring(to_svg(graph)).findall(".//{*}g")) == len(graph.nodes) + 1
    for line in to_mermaid(graph).splitlines()[4:]:
        assert line.count('"') in (0, 2)
    dot = re.sub(r'"(?:[^"\\]|\\[^\0])*"', "T", to_dot(graph))
    assert dot.count('"') == 0 and dot.count("->") == len(graph.edges)


@pytest.mark.slow
@given(journeys())
def test_nothing_lies_on_anything_else(drawn: pg.Journey) -> None:
    found = scene(outline(drawn))
    boxes = [card.box for card in found.cards] + [label.box for label in found.labels]
    for a, b in combinations(boxes, 2):
        assert not a.overlaps(b), (a, b)
    assert all(box.x >= 0 and box.y >= 0 for box in boxes)
    assert all(box.right <= found.width and box.bottom <= found.height for box in boxes)


@given(journeys())
def test_lines_stay_off_the_cards(drawn: pg.Journey) -> None:
    found = scene(outline(drawn))
    for line in found.lines:
        numbers = [int(n) for n in re.findall(r"-?\d+", line.partition("C")[0].partition("V")[0])]
        x, y = numbers
        # A line may begin on the border of its card, and of no other.
        inside = [
            c for c in found.cards if c.box.x < x < c.box.right and c.box.y < y < c.box.bottom
        ]
        assert not inside


@pytest.mark.slow
def test_a_long_journey_is_drawn() -> None:
    """A thousand steps one after the other are no deep recursion."""
    steps = [act(f"s{i}", "email", f"m{i}", f"s{i + 1}") for i in range(1000)]
    text = to_svg(outline(journey("long", "s0", *steps, end("s1000", "done"))))
    assert "send email m999" in text


# --- the command ------------------------------------------------------------------------------


PROJECT = {
    "cij.toml": '[project]\nname = "shop"\ntimezone = "Europe/Madrid"\n',
    "data.journey": """
source shop {
  kind = csv
  path = "customers.csv"
  key = customer_id
  columns {
    customer_id = text
    email = text
    points = integer
  }
}

profile customer {
  from shop {
    email = email
    points = points
  }
}
""",
    "journeys.journey": """
segment rich {
  where points > 1000
}

journey patience {
  enter from segment rich
  steps {
    wait 1 day
  }
}

journey `a/b` {
  enter from segment rich
  steps {
    if points > 5000 {
      end served
    }
  }
}
""",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of two journeys; the name of one is no good name for a file."""
    for name, text in PROJECT.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def drawn_by(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["graph", *map(str, arguments)])


def test_all_journeys_are_one_page_of_markdown(project: Path) -> None:
    result = drawn_by(project)
    assert result.exit_code == 0, result.output
    assert result.stdout.count("```mermaid\n---\n") == 2
    assert "## a/b\n" in result.stdout


def test_one_journey_is_the_picture_alone(project: Path) -> None:
    assert drawn_by(project, "--journey", "a/b", "--format", "svg").stdout.startswith("<svg ")
    assert drawn_by(project, "--journey", "a/b").stdout.startswith("---\ntitle:")


def test_pictures_of_several_journeys_go_into_a_folder(project: Path) -> None:
    assert drawn_by(project, "--format", "svg").exit_code == Exit.USAGE
    folder = project / "pictures"
    assert drawn_by(project, "--format", "svg", "-o", folder).exit_code == Exit.OK
    names = sorted(file.name for file in folder.iterdir())
    assert len(names) == 2 and names[0] == "a_b.svg"


def test_an_unknown_journey_is_named_with_what_there_is(project: Path) -> None:
    result = drawn_by(project, "--journey", "a_b")
    assert result.exit_code == Exit.USAGE
    assert "there is no journey `a_b`" in result.output


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not here")
@settings(max_examples=draws(5))
@given(journeys())
def test_graphviz_reads_any_drawing(drawn: pg.Journey) -> None:
    text = to_dot(outline(drawn))
    subprocess.run(["dot", "-Tplain"], input=text.encode(), check=True, stdout=subprocess.DEVNULL)
