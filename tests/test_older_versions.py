"""Older versions keep what they read (S31): fields, topics, channels and relations, with their last values."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Program
from cij.compiler.sql import query
from cij.compiler.sql.row_locator import ID_HASH
from cij.compiler.sql.unify import customer_columns
from cij.runtime.containment import contained_tick
from cij.runtime.deploy import deploy
from cij.runtime.engine import Engine, open_engine
from cij.runtime.intake import take_in
from cij.runtime.older_versions import gone_but_read
from cij.runtime.report import report
from cij.runtime.runner import refresh_data
from cij.runtime.version_reads import offers
from cij.runtime.world import World
from tests.conftest import Cij

NOW = datetime(2026, 3, 2, 10)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)

TEXT = """
source shop {
  kind = csv
  path = "people.csv"
  key = id
  columns {
    id = text
    email = text
    tier = text
    club = text
    likes = boolean
  }
}
source clubs {
  kind = csv
  path = "clubs.csv"
  key = id
  columns {
    id = text
    town = text
    rank = integer
  }
}
entity club {
  source = clubs
  key = id
  fields {
    town = town
    rank = rank
  }
}
profile customer {
  from shop {
    email = email
    tier = tier
    club = club(club)
    consent.news = likes
  }
}
topic service {
  channels = [email]
  consent = none
}
topic news {
  channels = [email]
  consent = opt_out
}
segment everybody {
  where email is known
}
message email hello {
  topic = service
  locale "en" {
    subject = "Hello"
    body = "Hello"
  }
}
message email letter {
  topic = news
  locale "en" {
    subject = "News"
    body = "News"
  }
}
journey unrelated {
  enter from segment everybody
  steps {
    rest: wait 1 day
    send email hello
  }
}
journey old {
  enter from segment everybody
  steps {
    rest: wait 1 day
    STEPS
  }
}
"""
LETTER = """message email letter {
  topic = news
  locale "en" {
    subject = "News"
    body = "News"
  }
}
"""
BY_TIER = 'if tier = "gold" {\n      end gold\n    }\n    send email hello'
BY_TOWN = 'if club.town = "Rome" {\n      end rome\n    }\n    send email hello'
BY_NEWS = "letter: send email letter"
MAIL = "send email hello"


def text_of(steps: str, *without: str) -> str:
    text = TEXT.replace("STEPS", steps)
    for piece in without:
        assert piece in text
        text = text.replace(piece, "")
    return text


def program_of(steps: str, *without: str) -> Program:
    files = {"a.journey": text_of(steps, *without)}
    found = compile_project(ProjectSettings("x", "UTC"), files, {}, {})
    assert found.program is not None, found.diagnostics
    return found.program


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "gold")
    (tmp_path / "clubs.csv").write_text("id,town,rank\nx,Rome,1\ny,Bonn,2\n")
    return tmp_path


def write(folder: Path, tier: str) -> None:
    rows = f"1,ana@example.com,{tier},x,yes\n2,bob@example.com,{tier}en,y,no\n"
    (folder / "people.csv").write_text("id,email,tier,club,likes\n" + rows)


def live(folder: Path, engine: Engine, steps: str) -> World:
    world = deploy(engine, program_of(steps), NOW)
    refresh_data(world, folder, NOW)
    contained_tick(world, NOW)
    return world


def renew(folder: Path, engine: Engine, program: Program) -> World:
    """Deploy the new program, and refresh twice: the table of customers is made anew each time."""
    for hour in (1, 2):
        world = deploy(engine, program, NOW + hour * HOUR)
        write(folder, f"gold{' ' * hour}")
        refresh_data(world, folder, NOW + hour * HOUR)
    return world


def ends(engine: Engine, journey: str) -> list[str]:
    statement = query(
        "SELECT p.outcome FROM passage AS p JOIN customer AS c ON c.id = p.customer "
        "WHERE p.journey = $journey ORDER BY c.email"
    )
    return [outcome for (outcome,) in engine.rows(statement, {"journey": journey})]


TIER = ("    tier = tier\n",)
CLUB = ("    club = club(club)\n",)
TOWN = ("    town = town\n",)
NEWS = (
    "    consent.news = likes\n",
    "topic news {\n  channels = [email]\n  consent = opt_out\n}\n",
    LETTER,
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("steps", "without", "outcomes", "name"),
    [
        (BY_TIER, TIER, ["gold", "completed"], "`tier`"),
        (BY_TOWN, CLUB, ["rome", "completed"], "`club`"),
        (BY_TOWN, TOWN, ["rome", "completed"], "`club.town`"),
        (BY_NEWS, NEWS, ["completed", "completed"], "`consent.news.email`"),
    ],
)
def test_a_version_reads_the_last_values_of_what_is_gone(
    folder: Path, steps: str, without: tuple[str, ...], outcomes: list[str], name: str
) -> None:
    engine = open_engine(None)
    live(folder, engine, steps)
    new = program_of(MAIL, *without)
    [line] = gone_but_read(engine, new)
    assert name in line and "2 people" in line
    world = renew(folder, engine, new)
    contained_tick(world, NOW + 2 * DAY)
    assert report(world, NOW + 2 * DAY).failed == ()
    assert ends(engine, "old")[:2] == outcomes
    assert ends(engine, "unrelated") == ["completed"] * 2
    assert gone_but_read(engine, new) == []
    write(folder, "silver")
    refresh_data(world, folder, NOW + 3 * DAY)
    assert name.strip("`") not in engine.columns_of("customer")
    engine.close()


@pytest.mark.slow
def test_a_refusal_of_a_topic_that_is_gone_holds(folder: Path) -> None:
    engine = open_engine(None)
    live(folder, engine, BY_NEWS)
    world = renew(folder, engine, program_of(MAIL, *NEWS))
    row = {"event": "unsubscribed", "customer": "ana@example.com", "channel": "email", "id": "u"}
    assert not take_in(engine, world.program, [row], NOW + 3 * HOUR).refused
    contained_tick(world, NOW + 2 * DAY)
    sent = query("SELECT DISTINCT o.outcome FROM outbox AS o WHERE o.step = 'letter'")
    # Bob had refused in the source, and Ana has since.
    assert engine.rows(sent) == [("no_consent",)]
    engine.close()


# --- what `check` and `plan` say --------------------------------------------------------------

TOML = (
    '[project]\nname = "x"\ntimezone = "UTC"\n[delivery.email]\nkind = "files"\nfolder = "outbox"\n'
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("steps", "without", "name"),
    [
        (BY_TIER, TIER, "`tier`"),
        (BY_TOWN, CLUB, "`club`"),
        (BY_TOWN, TOWN, "`club.town`"),
        (BY_NEWS, NEWS, "`consent.news.email`"),
    ],
)
def test_check_and_plan_say_what_stays_for_an_older_version(
    folder: Path, cij: Cij, steps: str, without: tuple[str, ...], name: str
) -> None:
    (folder / "cij.toml").write_text(TOML + 'from = "Shop <shop@example.com>"\n')
    file = folder / "a.journey"
    file.write_text(text_of(steps))
    assert "old version" not in cij("check", folder).err
    assert cij("run", folder, "--once").code == 0
    assert "still read" not in cij("check", folder).err
    file.write_text(text_of(MAIL, *without))
    for done in (cij("check", folder), cij("check", folder, "--json"), cij("plan", folder)):
        assert f"still read {name}, which the new version does not have" in done.err + done.out
        assert "old: 2 people on version" in done.err + done.out
    # A cached report says it too, and a file that somebody has changed stops no check.
    (folder / ".cij" / "status.json").write_text('{"reads": [{"journey": 1}]}')
    done = cij("check", folder)
    assert (done.code, done.err) == (0, "")


def test_names_that_a_program_offers_are_the_columns_of_its_tables() -> None:
    program = program_of(BY_TOWN)
    columns = {name for name, _ in customer_columns(program)} - {ID_HASH}
    assert offers(program).names == columns | {"club.town", "club.rank"}
