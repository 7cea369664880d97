"""Versions: what a change of a journey means for those who are inside (S21)."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from cij.cli.main import cli
from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Program
from cij.compiler.sql import query
from cij.runtime.deploy import deploy
from cij.runtime.engine import open_engine
from cij.runtime.errors import StoreError
from cij.runtime.migrate import told
from cij.runtime.refresh import take_in
from cij.runtime.tick import tick
from cij.runtime.world import World
from tests.tiny import HEAD

START = datetime(2026, 3, 2, 9)
_DAY = timedelta(days=1)
_WHERE = query(
    "SELECT p.customer, p.state, p.wake_at, p.outcome FROM passage AS p ORDER BY p.customer, p.id"
)
_OLD = """
journey welcome {
  enter on visit
  steps {
    greeting: send email hello
    look: wait for opened(greeting) up to 3 days {
      end keen
    }
    vip_wait: wait 4 days
    end done
  }
}
"""


def _program(journey: str) -> Program:
    settings = ProjectSettings("versions", "UTC")
    found = compile_project(settings, {"a.journey": HEAD + journey}, {}, {})
    assert found.program is not None, [d.message for d in found.diagnostics]
    return found.program


def _changed(head: str = "", look: str = "look", rest: str = "    end done\n") -> Program:
    return _program(f"""
journey welcome {{
  enter on visit
{head}  steps {{
    hail: send email hello
    {look}: wait for opened(hail) up to 3 days {{
      end eager
    }}
{rest}  }}
}}
""")


def _running() -> World:
    """Return a world in which Ana waits at `vip_wait` and Bob at `look`, since a day."""
    world = deploy(open_engine(None), _program(_OLD), START)
    people: dict[str, list[object]] = {
        "id": ["ana", "bob"],
        "zone": ["UTC", "UTC"],
        "email": ["a@example.com", "b@example.com"],
    }
    world.engine.append("customer", people)
    tick(world, START)
    _event(world, "visit", "ana", START)
    tick(world, START)
    _event(world, "visit", "bob", START + 3 * _DAY)
    tick(world, START + 3 * _DAY)
    assert [row[1] for row in world.engine.rows(_WHERE)] == ["vip_wait", "look"]
    return world


def _event(world: World, name: str, who: str, at: datetime, **more: object) -> None:
    row = {"event": name, "customer": who, "at": at, "id": f"{name} {who} {at}", **more}
    assert take_in(world.engine, world.program, [row], at).accepted == 1


def test_without_a_word_everybody_stays_on_his_version() -> None:
    world = _running()
    newer = deploy(world.engine, _changed(), START + 4 * _DAY)
    assert [c.what for c in newer.changes] == ["stays", "stays"]
    for day in range(5, 12):
        tick(newer, START + day * _DAY)
    assert [row[3] for row in world.engine.rows(_WHERE)] == ["done", "done"]


_TOLD = """
message email seen {
  topic = service
  locale "en" {
    subject = "Hello"
    body = "You came at {{ trigger.at }}."
  }
}
journey told {
  enter on visit
  steps {
    pause: wait DAYS days
    look: send email seen
    end done
  }
}
"""


def test_who_stays_on_his_version_is_told_of_the_event_that_brought_him_in() -> None:
    world = deploy(open_engine(None), _program(_TOLD.replace("DAYS", "2")), START)
    ana: dict[str, list[object]] = {"id": ["ana"], "zone": ["UTC"], "email": ["a@example.com"]}
    world.engine.append("customer", ana)
    tick(world, START)
    _event(world, "visit", "ana", START)
    tick(world, START)
    newer = deploy(world.engine, _program(_TOLD.replace("DAYS", "3")), START + _DAY)
    _event(newer, "visit", "ana", START + _DAY)
    tick(newer, START + 2 * _DAY)
    sent = newer.engine.rows(query("SELECT o.step, o.parameters FROM outbox AS o"))
    assert [step for step, _ in sent] == ["look"] and "2026" in sent[0][1]
    assert [row[3] for row in newer.engine.rows(_WHERE)] == ["done"], "nobody entered again"


def test_removed_steps_say_where_people_go_on() -> None:
    world = _running()
    head = "  removed vip_wait then end enough\n  removed greeting then finish\n"
    newer = deploy(world.engine, _changed(head), START + 4 * _DAY)
    tick(newer, START + 4 * _DAY)
    assert world.engine.rows(_WHERE)[0][3] == "enough"
    assert [told(c).split(")")[-1] for c in newer.changes] == [
        ": they go on in that version to its end",
        ": they leave as enough",
    ]


def test_a_removed_step_may_lead_to_another_one() -> None:
    world = _running()
    rest = "    pause: wait 1 day\n    again: send email hello\n    end later\n"
    head = "  removed vip_wait then go to again\n"
    newer = deploy(world.engine, _changed(head, rest=rest), START + 4 * _DAY)
    tick(newer, START + 4 * _DAY)
    assert world.engine.rows(_WHERE)[0][3] == "later"
    sent = query("SELECT o.step FROM outbox AS o WHERE o.customer = 'ana' ORDER BY o.created_at")
    assert world.engine.rows(sent) == [("greeting",), ("again",)]


def test_who_is_adopted_keeps_his_timer_and_the_messages_of_renamed_steps() -> None:
    world = _running()
    head = (
        "  in_flight = adopt\n  renamed greeting to hail\n  renamed look to watch\n"
        "  removed vip_wait then end enough\n"
    )
    newer = deploy(world.engine, _changed(head, look="watch"), START + 4 * _DAY)
    assert world.engine.rows(_WHERE)[1][1:3] == ("watch", START + 6 * _DAY)
    key = query("SELECT o.key FROM outbox AS o WHERE o.customer = 'bob'")
    (message,) = world.engine.rows(key)[0]
    row = {"message_key": message, "channel": "email"}
    _event(newer, "opened", "bob", START + 5 * _DAY, **row)
    tick(newer, START + 5 * _DAY)
    assert world.engine.rows(_WHERE)[1][3] == "eager"


def test_adopting_is_refused_while_somebody_has_nowhere_to_go() -> None:
    world = _running()
    with pytest.raises(StoreError, match="1 at `vip_wait` of welcome"):
        deploy(world.engine, _changed("  in_flight = adopt\n"), START + 4 * _DAY)
    assert [row[1] for row in world.engine.rows(_WHERE)] == ["vip_wait", "look"]


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("  renamed greeting to nobody\n", "the journey has no step `nobody`"),
        ("  renamed hail to look\n", "the journey still has a step `hail`"),
        ("  removed look then finish\n", "the journey still has a step `look`"),
        ("  removed gone then go to nowhere\n", "the journey has no step `nowhere`"),
        (
            "  removed gone then finish\n  removed gone then end out\n",
            "two lines say what becomes of `gone`",
        ),
    ],
)
def test_a_change_that_does_not_fit_is_reported(head: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        _changed(head)


@pytest.mark.slow
def test_the_plan_is_told_before_it_is_applied(tmp_path: Path) -> None:
    (tmp_path / "cij.toml").write_text('[project]\nname = "versions"\ntimezone = "UTC"\n')
    (tmp_path / "people.csv").write_text("person,email\nana,a@example.com\n")
    text = tmp_path / "a.journey"
    text.write_text(HEAD + _OLD)
    new = CliRunner().invoke(cli, ["plan", str(tmp_path)])
    assert (new.exit_code, new.output) == (0, "new        welcome\n")
    assert CliRunner().invoke(cli, ["run", "--once", str(tmp_path)]).exit_code == 0
    same = CliRunner().invoke(cli, ["plan", str(tmp_path)])
    assert same.output == "unchanged  welcome\n"
    event = ["event", "visit", "--customer", "people:ana", "--project", str(tmp_path)]
    assert CliRunner().invoke(cli, event).exit_code == 0
    assert CliRunner().invoke(cli, ["run", "--once", str(tmp_path)]).exit_code == 0
    text.write_text(HEAD + _OLD.replace("  enter", "  in_flight = adopt\n  enter", 1))
    changed = CliRunner().invoke(cli, ["plan", str(tmp_path)])
    assert changed.output.startswith("changed    welcome\n  welcome: 1 person at `look`")
    assert "on in the new version, at `look`" in changed.output
    text.write_text(
        HEAD + _OLD.replace("  enter", "  in_flight = adopt\n  enter").replace("look", "see")
    )
    stuck = CliRunner().invoke(cli, ["plan", str(tmp_path), "--json"])
    assert stuck.exit_code == 5
    assert json.loads(stuck.output)["people"][0]["what"] == "stuck"


@pytest.mark.slow
def test_the_plan_tells_who_is_paused_or_stopped(tmp_path: Path) -> None:
    (tmp_path / "cij.toml").write_text('[project]\nname = "versions"\ntimezone = "UTC"\n')
    (tmp_path / "people.csv").write_text("person,email\nana,a@example.com\n")
    (tmp_path / "a.journey").write_text(HEAD + _OLD)

    def said(*arguments: str) -> str:
        done = CliRunner().invoke(cli, [*arguments, str(tmp_path)])
        assert done.exit_code == 0, done.output
        return done.output

    said("run", "--once")
    said("pause", "welcome", "--project")
    today = r"\d{4}-\d\d-\d\d \d\d:\d\d"
    paused = rf"unchanged  welcome  \(paused since {today}; `cij resume welcome` lets it go on\)\n"
    assert re.fullmatch(paused, said("plan"))
    said("stop", "welcome", "--yes", "--project")
    stopped = rf"\(stopped since {today}; `cij resume welcome --again` starts it again\)\n"
    assert re.search(stopped, said("plan"))
    held = json.loads(said("plan", "--json"))["held"]["welcome"]
    assert held["state"] == "stopped" and held["since"].endswith("Z")
    said("resume", "welcome", "--again", "--project")
    assert said("plan") == "unchanged  welcome\n"
