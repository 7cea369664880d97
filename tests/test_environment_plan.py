"""`cij plan ENV`, `cij apply`, `cij rollback` and `cij history`: from the files to an environment and back."""

import io
import json
import re
import shutil
import subprocess
from datetime import datetime
from hashlib import md5
from pathlib import Path

import pytest

from cij.app.plan_file import load_plan
from cij.app.plan_report import PlanReport
from cij.cli.render.plan_markdown import render_plan_markdown
from cij.cli.render.plan_text import render_plan_text
from cij.runtime.change_counts import ChangeCounts, Entering
from cij.runtime.engine import Engine
from tests.conftest import Cij, Golden
from tests.example import CIJ
from tests.review_cases import git, repository

TIERS = ("gold", "platinum", "basic")
SETTINGS = """
[env.prod]
protected = true

[env.prod.delivery.email]
kind = "files"
folder = "sent"

[env.staging]
"""
ADOPTED = ("within 14 days\n", "within 14 days\n  in_flight = adopt\n")
MOVED = (
    ("    settle: wait 3 days\n", ""),
    ("    split wording {", "    settle: wait 3 days\n    split wording {"),
)
COMPETING = (
    "journey browsing {",
    """journey winback {
  enter from segment big
  steps {
    send email gold_perks
  }
}

segment big {
  where points > 500
}

journey browsing {""",
)


def edit(shop: Path, *changes: tuple[str, str]) -> None:
    file = shop / "journeys" / "rewards.journey"
    text = file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text)


def customers(shop: Path, count: int) -> None:
    rows = ["customer_id,email,phone,first_name,language,tier,points,newsletter"]
    rows += [
        f"c{n},c{n}@example.com,,N{n},en,{TIERS[n % 3]},{900 + n * 100},true" for n in range(count)
    ]
    (shop / "data").mkdir(exist_ok=True)
    (shop / "data" / "customers.csv").write_text("\n".join(rows) + "\n")
    (shop / "data" / "orders.csv").write_text("order_id,customer_id,ordered_at,total,coupon\n")


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a shop of 12 customers in git, with 10 of them inside `loyalty` of the environment `prod`."""
    from click.testing import CliRunner

    from cij.cli.main import cli

    shop = tmp_path_factory.mktemp("made") / "shop"
    shop.mkdir()
    repository(shop)
    # The runs are made now, at any hour.
    data = shop / "journeys" / "data.journey"
    data.write_text(data.read_text().replace("  quiet 21:00..08:00\n", ""))
    with (shop / "cij.toml").open("a") as file:
        file.write(SETTINGS)
    (shop / ".gitignore").write_text(".cij\noutbox\nsent\ndata\n*.json\n")
    customers(shop, 12)
    git(shop, "add", "-A")
    git(shop, "commit", "-q", "-m", "environments")
    git(shop, "config", "user.email", "ana@example.com")
    plan = str(shop / "first.json")
    for words in (
        ["plan", "prod", "--project", str(shop), "-o", plan],
        ["apply", plan, "--project", str(shop)],
        ["--env", "prod", "run", "--once", str(shop)],
    ):
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 0, done.output
    return shop


@pytest.fixture
def shop(_made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = Path(shutil.copytree(_made, tmp_path / "shop"))
    monkeypatch.chdir(found)
    return found


@pytest.fixture(scope="module")
def planned(_made: Path, tmp_path_factory: pytest.TempPathFactory) -> PlanReport:
    """Return the plan of several changes at once, as it was saved: a forecast takes some seconds."""
    from click.testing import CliRunner

    from cij.cli.main import cli

    shop = Path(shutil.copytree(_made, tmp_path_factory.mktemp("planned") / "shop"))
    edit(shop, ("points > 1000", "points > 1500"), *MOVED, ADOPTED, COMPETING)
    words = ["plan", "prod", "--project", str(shop), "--examples", "2", "-o", str(shop / "p.json")]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    return load_plan(shop / "p.json")


@pytest.mark.slow
def test_a_plan_counts_people_messages_and_conflicts(planned: PlanReport) -> None:
    plain = json.loads(planned.model_dump_json(by_alias=True))
    assert (plain["format_version"], plain["environment"], plain["is_protected"]) == (
        "1.0",
        "prod",
        True,
    )
    assert plain["journeys"] == {"loyalty": "changed", "winback": "new", "browsing": "unchanged"}
    loyal, big = plain["segments"]
    assert [loyal[k] for k in ("before", "after", "enter", "leave")] == [10, 5, 0, 5]
    assert [big[k] for k in ("before", "after", "enter", "leave")] == [None, 12, 12, 0]
    assert len(loyal["leaves"]) == 2 and not loyal["enters"]
    (group,) = plain["people"]
    assert (group["step"], group["people"], group["what"]) == ("settle", 10, "adopts")
    assert group["missed"] == ["vip_text", "gold"] and not group["is_refused"]
    sent = {(m["journey"], m["message"]): (m["before"], m["after"]) for m in plain["messages"]}
    # After the change nobody comes to the steps before the wait: gold customers get one message less.
    assert sent["winback", "gold_perks"] == (0, 12)
    assert sent["loyalty", "gold_perks"][0] > sent["loyalty", "gold_perks"][1]
    overlap = next(c for c in plain["conflicts"] if c["kind"] == "overlap")
    assert (overlap["journeys"], overlap["people"]) == (["loyalty", "winback"], 5)
    assert plain["review"]["format_version"] == "1.0"
    assert plain["foresight"]["audiences"]
    assert plain["base"]["who"] == "ana@example.com" and "not committed" in plain["revision"]
    assert (
        plain["delivery"]["email"] == "files: sent" and plain["delivery"]["sms"] == "files: outbox"
    )


def test_a_plan_answers_what_a_newcomer_asks(planned: PlanReport) -> None:
    said = render_plan_text(planned)
    for answer in (
        "plan for prod",
        "segment `loyal`: 10 -> 5 customers; 0 enter, 5 leave",
        "10 people at `settle`",
        "they never come to `vip_text`, `gold`",
        "email `gold_perks` of winback: 0 -> 12, to 12 customers",
        "5 customers may enter both `loyalty` and `winback`.",
        "to decide",
        "Nothing was changed.",
    ):
        assert answer in " ".join(said.split()), answer
    # A measure in a message is no field that only the older version reads.
    assert "still read" not in said
    markdown = render_plan_markdown(planned.model_copy(update={"days": 0}))
    assert markdown.startswith("<!-- cij-plan prod -->") and "cij-diff" not in markdown
    assert "#### People inside journeys that change" in markdown and "**5 to decide.**" in markdown
    assert "next 0 days" not in markdown


@pytest.mark.slow
def test_apply_does_what_was_printed_and_refuses_what_has_moved(shop: Path, cij: Cij) -> None:
    edit(shop, ("points > 1000", "points > 1500"), ADOPTED)
    refused = cij("--env", "prod", "run", "--once")
    assert refused.code == 5 and "protected" in refused.err and "cij plan prod" in refused.err
    assert cij("plan", "prod", "-o", "plan.json", "--days", "0").code == 0
    # The files change after the plan.
    edit(shop, ("Gold", "Golden"))
    moved = cij("apply", "plan.json")
    assert moved.code == 5 and "the files have changed" in moved.err
    edit(shop, ("Golden", "Gold"))
    # A journey is paused after the plan.
    assert cij("--env", "prod", "pause", "loyalty").code == 0
    assert "paused, resumed or stopped" in cij("apply", "plan.json").err
    assert cij("--env", "prod", "resume", "loyalty").code == 0
    assert cij("plan", "prod", "-o", "plan.json", "--days", "0").code == 0
    # More people come after the plan.
    customers(shop, 14)
    more = cij("apply", "plan.json")
    assert (
        more.code == 5 and "customers who are new: the plan has 0, and now there are 2" in more.err
    )
    customers(shop, 12)
    done = cij("apply", "plan.json")
    assert done.code == 0 and "10 people at `settle`" in done.out, done.err
    again = cij("apply", "plan.json")
    assert again.code == 5 and "runs there already" in again.err
    assert cij("--env", "prod", "run", "--once").code == 0
    # The program that is there changes after the plan: another plan was applied first.
    edit(shop, ("points > 1500", "points > 1600"))
    cij("plan", "prod", "-o", "one.json", "--days", "0")
    cij("plan", "prod", "-o", "two.json", "--days", "0")
    assert cij("apply", "one.json").code == 0
    assert cij("apply", "two.json").code == 5
    rows = json.loads(cij("history", "prod", "--json").out)
    assert [row["what"] for row in rows] == ["apply", "apply", "apply"]
    assert all(row["who"] == "ana@example.com" and row["revision"] for row in rows)
    assert cij("history", "prod").out.count("applied") == 3


@pytest.mark.slow
def test_of_two_applies_at_once_one_is_done(shop: Path, cij: Cij) -> None:
    edit(shop, ("points > 1000", "points > 1500"))
    cij("plan", "prod", "-o", "plan.json", "--days", "0")
    command = [*CIJ, "apply", "plan.json"]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ends = [(process.communicate()[1], process.returncode) for process in both]
    assert sorted(code for _, code in ends) == [0, 5], ends
    assert len(json.loads(cij("history", "prod", "--json").out)) == 2


@pytest.mark.slow
def test_a_failure_in_the_middle_applies_nothing(
    shop: Path, cij: Cij, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cij.app import apply_plan
    from cij.runtime.errors import StoreError

    edit(shop, ("points > 1000", "points > 1500"), ADOPTED)
    cij("plan", "prod", "-o", "plan.json", "--days", "0")

    def full(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(apply_plan, "note_applied", full)
        assert cij("apply", "plan.json").code == 5
    assert cij("apply", "plan.json").code == 0
    assert len(json.loads(cij("history", "prod", "--json").out)) == 2


@pytest.mark.slow
def test_rollback_first_says_what_happens_to_everybody(
    shop: Path, cij: Cij, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody is there to answer.
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert "no other program" in cij("rollback", "prod", "--yes").err
    edit(shop, ("points > 1000", "points > 1500"), ADOPTED)
    cij("plan", "prod", "-o", "plan.json", "--days", "0")
    assert cij("apply", "plan.json").code == 0
    asked = cij("rollback", "prod")
    assert asked.code == 2 and "--yes" in asked.err
    dry = cij("rollback", "prod", "--dry-run")
    assert dry.code == 0 and "10 people at `settle`" in dry.out and "runs again" not in dry.out
    done = cij("rollback", "prod", "--yes")
    assert done.code == 0 and "they go on in that version to its end" in done.out
    assert "needs the files of that program: `git checkout " in done.out
    assert cij("--env", "prod", "run", "--once").code == 5
    git(shop, "checkout", "-q", "--", "journeys")
    assert cij("--env", "prod", "run", "--once").code == 0
    rows = json.loads(cij("history", "prod", "--json").out)
    assert [row["what"] for row in rows] == ["rollback", "apply", "apply"]
    assert rows[0]["hash"] == rows[2]["hash"]
    assert "no program `abcdef`" in cij("rollback", "prod", "--to", "abcdef", "--yes").err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"project": "other\x1b[2J"}, "plan of the project `other\ufffd[2J`"),
        ({"environment": "nowhere"}, "no environment `nowhere`"),
        ({"format_version": "2.0"}, "has the format 2.0"),
        ({"hash": None}, "no whole plan"),
        ([], "is no plan"),
        ("{", "is no plan"),
    ],
)
def test_a_file_that_cannot_be_applied(change: object, words: str, shop: Path, cij: Cij) -> None:
    found = json.loads((shop / "first.json").read_text())
    if isinstance(change, dict):
        change = {**found, **change}
    text = change if isinstance(change, str) else json.dumps(change)
    (shop / "plan.json").write_text(text)
    done = cij("apply", "plan.json")
    assert done.code in (2, 3) and words in done.err
    assert cij("apply", "missing.json").code == 2


def test_environments_have_their_own_state_and_settings(shop: Path, cij: Cij) -> None:
    assert (shop / ".cij" / "prod" / "state.duckdb").is_file()
    assert (shop / ".cij" / "prod" / "status.json").is_file() and (shop / "sent").is_dir()
    assert not (shop / ".cij" / "state.duckdb").exists()
    # Events and orders of one environment do not reach another.
    assert cij("--env", "staging", "run", "--once").code == 0
    assert json.loads(cij("history", "staging", "--json").out)[0]["what"] == "run"
    assert "neither an environment nor a folder" in cij("plan", "prd").err
    assert "did you mean `prod`?" in cij("--env", "prd", "status").err
    for text, words in (
        ("[env.Prod]\n", "cannot be the name"),
        ("[env.inbox]\n", "has such a folder"),
        ("[env.prod.project]\nname='x'\n", "the same in all environments"),
        ('[env.prod]\nprotected = "yes"\n', "`protected` is true or false"),
        ("env = 3\n", "a table of environments"),
        ("[env]\nprod = 1\n", "write `[env.prod]`"),
        ('[env.prod.delivery.email]\nkind = "smtp"\n', "`host` is missing"),
        ("[env.prod.nothing]\nx = 1\n", "`nothing` is not a setting"),
    ):
        head = '[project]\nname = "shop"\ntimezone = "UTC"\n'
        (shop / "cij.toml").write_text(text + head if "env =" in text else head + text)
        done = cij("--env", "prod", "status")
        assert done.code == 3 and words in done.err, (text, done.err)


def test_a_store_without_texts_is_planned_without_explanations(shop: Path, cij: Cij) -> None:
    import duckdb

    with duckdb.connect(shop / ".cij" / "prod" / "state.duckdb") as store:
        store.execute("DROP TABLE applied")
    edit(shop, ("points > 1000", "points > 1500"))
    plain = json.loads(cij("plan", "prod", "--json", "--days", "0").out)
    assert plain["review"] is None and "does not know the texts" in plain["notes"][0]
    assert plain["segments"][0]["leave"] == 5


@pytest.mark.slow
def test_a_journey_that_is_gone_and_a_segment_that_cannot_be_counted(
    shop: Path, cij: Cij, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(shop, ("journey loyalty", "journey other"), ("for loyalty", "for other"))
    plain = json.loads(cij("plan", "prod", "--json", "--days", "0").out)
    (group,) = plain["people"]
    assert (group["journey"], group["people"], group["what"]) == ("loyalty", 10, "stays")
    edit(shop, ("points > 1000", "points > 1500"), COMPETING)
    count = ChangeCounts.entering

    def failing(self: ChangeCounts, engine: Engine, name: str, now: datetime) -> Entering:
        if name == "loyal":
            raise ArithmeticError("too large")
        return count(self, engine, name, now)

    monkeypatch.setattr(ChangeCounts, "entering", failing)
    plain = json.loads(cij("plan", "prod", "--json", "--days", "0").out)
    assert [each["segment"] for each in plain["segments"]] == ["big"]
    assert plain["notes"] == ["loyal cannot be counted: too large"]


def test_a_golden_plan(planned: PlanReport, golden: Golden) -> None:
    said = render_plan_markdown(planned, saved="plan.json")
    said = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "2026-03-02 10:00", said)
    golden("review/plan.md", re.sub(r"revision [0-9a-f]{9}", "revision 4be1d07aa", said))


def _inside(shop: Path) -> dict[str, tuple[str, str]]:
    """Return the version and the state of each customer who is inside `loyalty`."""
    import duckdb

    with duckdb.connect(shop / ".cij" / "prod" / "state.duckdb", read_only=True) as store:
        rows = store.execute(
            "SELECT customer, version, state FROM passage WHERE journey = 'loyalty'"
        ).fetchall()
    return {customer: (version, state) for customer, version, state in rows}


def _is_in(customer: str, percent: int) -> bool:
    digits = md5(f"rollout loyalty:{customer}".encode()).hexdigest()[:8]
    return int(digits, 16) < percent * 16**8 // 100


@pytest.mark.slow
def test_a_rollout_is_for_a_share_that_grows(shop: Path, cij: Cij) -> None:
    begun = _inside(shop)
    (old,) = {version for version, _ in begun.values()}
    edit(shop, *MOVED, ADOPTED)
    new: set[str] = set()
    for percent, count in ((30, 50), (60, 90)):
        known = _inside(shop)
        planned = cij("plan", "prod", "--rollout", f"{percent}%", "-o", "plan.json", "--days", "0")
        assert planned.code == 0 and f"{percent}% of those who enter" in planned.out
        assert cij("apply", "plan.json").code == 0
        customers(shop, count)
        assert cij("--env", "prod", "run", "--once").code == 0
        inside = _inside(shop)
        come = inside.keys() - known.keys()
        new |= {who for who in come if inside[who][0] != old}
        assert new & come == {who for who in come if _is_in(who, percent)} and new & come != come
        # Nobody who is inside goes over, and the others take the steps that ran before.
        assert all(inside[who] == where for who, where in known.items()) and new
        assert all(inside[who][1] == "settle" for who in come - new)
    # Without a word the rollout goes on as it is. For everybody, those inside are adopted.
    same = json.loads(cij("plan", "prod", "--json", "--days", "0").out)
    assert same["share"] == 60 and {g["what"] for g in same["people"]} == {"stays"}
    words = ("plan", "prod", "--rollout", "100%", "--json", "-o", "plan.json", "--days", "0")
    whole = json.loads(cij(*words).out)
    assert whole["base"]["share"] == 60 and {g["what"] for g in whole["people"]} == {"adopts"}
    assert cij("apply", "plan.json").code == 0
    assert len({version for version, _ in _inside(shop).values()}) == 1
    edit(shop, ('page = "/offers"', 'page = "/new"'))
    refused = cij("plan", "prod", "--rollout", "10%")
    assert refused.code == 2 and "journey browsing has other entries" in refused.err
    assert cij("plan", "prod", "--rollout", "101").code == 2
    edit(shop, ('page = "/new"', 'page = "/offers"'))
    assert "for everybody already" in cij("plan", "prod", "--rollout", "10%").err


@pytest.mark.slow
def test_a_replay_shows_first_differences_with_an_example(shop: Path, cij: Cij) -> None:
    same = json.loads(
        cij(
            "--env",
            "prod",
            "replay",
            "HEAD",
            "--from",
            "2026-03-01",
            "--to",
            "2026-03-20",
            "--json",
        ).out
    )
    assert (same["compared"], same["differ"]) == (10, 0)
    edit(shop, ("points > 1000", "points > 1500"), ("wait 3 days", "wait 4 days"))
    words = ("--env", "prod", "replay", "--from", "2026-03-01", "--to", "2026-03-20")
    found = json.loads(cij(*words, "--json").out)
    kinds = {(d["kind"], d["was"], d["now_is"]): d["customers"] for d in found["divergences"]}
    assert kinds["less", "enters", ""] == 5 and found["differ"] == 10
    assert sum(n for (kind, *_), n in kinds.items() if kind == "later") == 5
    said = cij(*words).out
    assert "loyalty: 5 customers: enters -> nothing" in said and "for example c" in said
    some = json.loads(cij(*words, "--sample", "7", "--json").out)
    assert some["sample"] == {"customers": 7, "of": 12} and 5 <= some["differ"] <= 7
    said = cij(*words, "--sample", "999").out
    assert "a sample of 12 of 12 customers" in said and "loyalty: 5 customers: enters" in said
    assert found["sample"] is None
    assert cij(*words, "--sample", "0").code == 2
    assert cij("--env", "prod", "replay", "nowhere", "--from", "2026-03-01").code == 2
    assert cij("replay", "--from", "2026-03-01").code == 3


def test_adoption_is_refused_where_somebody_would_get_a_message_again(shop: Path, cij: Cij) -> None:
    move = (
        ("    first_mail: send email reward\n", ""),
        (
            "    settle: wait 3 days\n",
            "    settle: wait 3 days\n    first_mail: send email reward\n",
        ),
    )
    edit(shop, *move, ADOPTED)
    done = cij("plan", "prod", "-o", "plan.json", "--days", "0")
    assert done.code == 5
    assert "refused, because they would get again what they got: `first_mail` for 10" in done.out
    refused = cij("apply", "plan.json")
    assert refused.code == 5
    edit(shop, ("  in_flight = adopt\n", ""))
    assert cij("plan", "prod", "--days", "0").code == 0
