"""`cij test --explore`: what is drawn, what is checked, and how a story that fails is told."""

import json
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from cij.app.compile import compiled_stories
from cij.cli.main import cli
from cij.compiler import story as st
from cij.compiler.expression import Period
from cij.compiler.program import Program
from cij.compiler.sql import query
from cij.compiler.sql.interning import number_of
from cij.runtime.clock import SimulatedClock
from cij.runtime.deploy import deploy
from cij.runtime.engine import open_engine
from cij.runtime.explore import Explorer, invariants, play
from cij.runtime.explore.draw import draw
from cij.runtime.explore.invariants import violations
from cij.runtime.explore.lived import Barred, Event, Lived, Violation
from cij.runtime.explore.story_text import as_test
from cij.runtime.explore.vocabulary import vocabulary
from cij.runtime.story.stage import Stage
from cij.runtime.world import World
from tests.builders import PLACE
from tests.conftest import FIXTURES

POLICIES = FIXTURES / "stories" / "policies"
EXAMPLES = Path(__file__).parent.parent / "examples"
START = datetime(2026, 3, 2, 10)
DRAWN = 2
HOUR = timedelta(hours=1)


@cache
def _program() -> Program:
    program, _ = compiled_stories(POLICIES)
    return program


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["test", *map(str, arguments)], catch_exceptions=False)


# --- what is checked --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """Ana visits two pages within a day: some messages go, some are too many, and she waits."""
    with closing(open_engine(None)) as engine:
        world = deploy(engine, _program(), START)
        stage = Stage(world, SimulatedClock(START), world.program.journeys[0])
        found = Lived(stage)
        for statement in _read(tmp_path_factory.mktemp("visits"), VISITS, "visits")[0].statements:
            play.do_statement(statement, found)
        stage.settle()
        yield found


class _Undone(Exception):
    """Rolls back what a test does to the store."""


@pytest.fixture
def lived(visits: Lived) -> Iterator[Lived]:
    """The visits, as a copy of their own: what a test changes is undone."""
    world = visits.stage.world
    program = world.program
    with suppress(_Undone), world.engine.transaction():
        yield replace(
            visits, said=[*visits.said], events=[*visits.events], barred=[*visits.barred], _found={}
        )
        raise _Undone
    world.program = program


VISITS = """
test "visits" for chatty {
  clock 2026-03-02 10:00
  given customer "ana" {
    email = "ana@example.com"
    phone = "+34600000001"
    points = 20
    consent.news = true
  }
  event visit by "ana" {
    page = "a"
  }
  after 1 hour event visit by "ana" {
    page = "b"
  }
}
"""


def _read(folder: Path, text: str, title: str) -> list[st.Story]:
    """Return the stories of a text whose titles begin so, as they are read beside the policies."""
    shutil.copytree(POLICIES, folder / "read")
    (folder / "read" / "more.journey").write_text(text)
    _, found = compiled_stories(folder / "read")
    return [story for story in found if story.title.startswith(title)]


@pytest.mark.slow
def test_a_quiet_life_breaks_nothing(lived: Lived) -> None:
    assert [*violations(lived)] == []
    outcomes = {row[0] for row in lived.stage.rows(query("SELECT o.outcome FROM outbox AS o"))}
    assert outcomes == {"delivered", "capped"}


Doctor = Callable[[Lived], object]


def _sql(text: str) -> Doctor:
    return lambda lived: lived.stage.world.engine.execute(query(text))


def _said_of_journeys(lived: Lived, **changes: object) -> None:
    world = lived.stage.world
    journeys = tuple(j.model_copy(update=changes) for j in world.program.journeys)
    world.program = world.program.model_copy(update={"journeys": journeys})


DOCTORED: dict[str, Doctor] = {
    "nothing is sent after an exit": _sql(
        "UPDATE passage_row SET ended_at = CAST('2026-03-02 08:00' AS TIMESTAMP), "
        f"cause = {number_of('exit')}"
    ),
    "consent holds": lambda lived: lived.said.clear(),
    "nothing is sent in quiet hours": _sql(
        "UPDATE outbox_row SET created_at = CAST('2026-03-02 22:59:59' AS TIMESTAMP) "
        "WHERE outcome = 'delivered'"
    ),
    "caps hold": _sql("UPDATE outbox_row SET outcome = 'delivered' WHERE outcome = 'capped'"),
    "nothing is sent too late": _sql(
        "UPDATE outbox_row SET expires_at = created_at WHERE outcome = 'delivered'"
    ),
    "nothing is sent to the suppression list": lambda lived: lived.barred.append(
        Barred(START - HOUR, "ana", "email", "bounced")
    ),
    "held-out customers get nothing": _sql("UPDATE passage_row SET is_held_out = TRUE"),
    "an exit ends the passage": lambda lived: lived.events.append(
        Event(START + HOUR / 2, "ana", "order")
    ),
    "a key occurs once": _sql("INSERT INTO outbox_row SELECT * FROM outbox_row AS o LIMIT 1"),
    "again always": _sql(
        "INSERT INTO passage_row SELECT * REPLACE (p.id + 100 AS id) FROM passage_row AS p "
        "WHERE p.ended_at IS NULL"
    ),
    "again after": lambda lived: _said_of_journeys(
        lived, again="after", again_after=Period(count=2, unit="hour"), per=None
    ),
    "nobody is overdue": _sql(
        "UPDATE passage_row SET wake_at = CAST('2026-03-01' AS TIMESTAMP) WHERE ended_at IS NULL"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("rule", DOCTORED)
def test_each_rule_can_be_broken(lived: Lived, rule: str) -> None:
    DOCTORED[rule](lived)
    assert rule in {found.rule for found in violations(lived)}


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C counts, also where the tests run in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_an_interrupt_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver tells of Ctrl-C by an exception of its own."""
    program, _ = compiled_stories(POLICIES)
    with closing(Explorer(program, 0)) as explorer:

        def interrupted(story: st.Story, world: World, **_: object) -> None:
            timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
            timer.start()
            world.engine.rows(
                query("SELECT SUM(a.range * b.range) FROM RANGE(20000) AS a, RANGE(1000000) AS b")
            )

        monkeypatch.setattr(play, "play_story", interrupted)
        with pytest.raises(KeyboardInterrupt):
            explorer.explore(1, lambda _: None)


def test_every_check_has_been_seen_to_fail() -> None:
    # One of them looks at all kinds of `again`.
    assert len(DOCTORED) == len(invariants.CHECKS) + 1


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found is not made smaller, which takes most of the time."""
    monkeypatch.setattr(play, "SHRINKING_MAX", 0)


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
def test_a_passage_that_does_not_get_on_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "run_while", lambda *_: 0)
    assert _first_broken() == "every passage moves on"


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
def test_another_history_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "COMPARED", (query("SELECT RANDOM()"),))
    assert _first_broken() == "a replay gives the same history"


@pytest.mark.usefixtures("hasty")
def test_what_breaks_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise AssertionError("never so")

    monkeypatch.setattr(play, "do_statement", broken)
    assert _first_broken() == "nothing breaks"


def _first_broken() -> str | None:
    with closing(Explorer(_program(), seed=0)) as explorer:
        found = explorer.explore(20, lambda played: None)
    return found.broken.violation.rule if found.broken else None


# --- what is drawn ----------------------------------------------------------------------------


def test_a_seed_draws_the_same_story_and_another_another() -> None:
    words = vocabulary(_program())
    first, again, other = (draw(words, Random(seed)) for seed in ("1:1", "1:1", "2:1"))
    assert first == again != other


@pytest.mark.slow
def test_a_drawn_story_is_a_test_that_authors_can_keep(tmp_path: Path) -> None:
    # A test is about one journey, and may name the steps of this one only.
    alone = tuple(j for j in _program().journeys if j.name == "greeting")
    words = vocabulary(_program().model_copy(update={"journeys": alone}))
    stories = [draw(words, Random(f"0:{n}")) for n in range(40)]
    texts = [as_test(s, f"drawn {n}", "greeting") for n, s in enumerate(stories)]
    read = _read(tmp_path, "\n".join(texts), "drawn")
    assert [_bare(s) for s in read] == [_bare(s) for s in stories]


def _bare(story: st.Story) -> list[st.Statement]:
    """Return what a story says, without places, words, and channels that follow from a step."""
    return [_without(statement) for statement in story.statements]


def _without(statement: st.Statement) -> st.Statement:
    if isinstance(statement, st.Happens) and statement.of is not None:
        fields = {k: v for k, v in statement.fields.items() if k != "channel"}
        statement = replace(statement, fields=fields)
    return replace(statement, place=PLACE, words="")


# --- what is told -----------------------------------------------------------------------------


def _nobody_gets_a_text(lived: Lived) -> Iterator[Violation]:
    sent = query("SELECT o.customer FROM outbox AS o WHERE o.message = 'text' AND o.reason IS NULL")
    for (customer,) in lived.stage.rows(sent):
        yield Violation("nobody gets a text", "texts", customer, "sms text was sent")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariants, "CHECKS", (_nobody_gets_a_text,))


@pytest.mark.slow
@pytest.mark.usefixtures("broken")
def test_the_smallest_story_that_fails_is_told(tmp_path: Path) -> None:
    alone = tuple(j for j in _program().journeys if j.name == "texts")
    program = _program().model_copy(update={"journeys": alone})
    with closing(Explorer(program, seed=0)) as explorer:
        found = explorer.explore(200, lambda played: None)
    assert found.broken is not None
    statements = _read(tmp_path, found.broken.test, "explored")[0].statements
    assert [type(s) for s in statements] == [st.Given, st.Happens]
    assert any("sms text delivered" in line for line in found.broken.trace)


@pytest.mark.slow
@pytest.mark.usefixtures("broken", "hasty")
def test_the_command_fails_and_says_how_to_see_it_again(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    arguments = ("--match", "nothing like it", "--explore", "200", "--junit", report)
    result = _run(POLICIES, *arguments)
    assert result.exit_code == 1
    assert "broken rule: nobody gets a text" in result.output
    assert 'test "explored 0:' in result.output
    assert "again: cij test --explore " in result.output
    failures = ElementTree.parse(report).findall("./testsuite/testcase/failure")
    assert len(failures) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
def test_what_was_found_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "COMPARED", (query("SELECT RANDOM()"),))
    result = _run(POLICIES, "--match", "nothing like it", "--explore", "5", "--json")
    explored = json.loads(result.output)["explored"]
    assert (result.exit_code, explored["broken"]["rule"]) == (1, "a replay gives the same history")
    assert explored["played"] == explored["broken"]["number"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("example", sorted(p.name for p in EXAMPLES.iterdir() if p.is_dir()))
def test_nothing_is_found_in_an_example(example: str) -> None:
    program, _ = compiled_stories(EXAMPLES / example)
    with closing(Explorer(program, seed=1)) as explorer:
        found = explorer.explore(DRAWN, lambda played: None)
    assert found.broken is None, found.broken


@pytest.mark.slow
def test_nothing_is_found_in_the_stories_of_policies() -> None:
    result = _run(POLICIES, "--match", "nothing like it", "--explore", "6")
    assert result.exit_code == 0, result.output
    assert "explored 6 stories from seed 0" in result.output
