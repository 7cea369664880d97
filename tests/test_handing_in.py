"""`cij event`: what is refused at once, and where people see what was put aside later."""

import json
import re
from pathlib import Path

import pytest

from cij.cli.exits import Exit
from cij.runtime.inbox import hand_in
from tests.example import cij, cij_alone, copy_example, inside, replace, run_once, start, status
from tests.tiny import HEAD

ANA = ("--customer", "ana.garcia@example.com")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_example(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name an event"),
        (("purchse", *ANA), "did you mean `purchase`?"),
        (("opened",), "name the customer, as in `cij event opened ana@example.com`"),
        (("opened", "channel=email"), "name the customer"),
        (("purchase", "ana@example.com", "49.90"), "fields are written NAME=VALUE"),
        (("purchase", "ana@example.com", *ANA), "is a second person"),
        (("purchase", "ana@example.com", "amount=fifty"), '"fifty" is not an amount'),
        (("purchase", "ana@example.com", "amont=3"), "is not NAME=VALUE with a field of purchase"),
        (("unsubscribed", *ANA, "-f", "topic=reward"), "did you mean `rewards`?"),
        (("unsubscribed", *ANA, "-f", "topik=rewards"), "is not NAME=VALUE"),
    ],
)
def test_what_cannot_be_right_is_refused_at_once(
    project: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = cij("event", *arguments, "--project", project)
    assert done.returncode == Exit.USAGE and words in done.stderr
    assert not (project / ".cij" / "inbox").exists()


def test_person_and_fields_may_stand_behind_the_name(project: Path) -> None:
    code, out, err = inside(
        "event", "unsubscribed", ANA[1], "topic=rewards", "channel=email", "--project", str(project)
    )
    assert (code, out) == (0, "handed in 1 event\n"), err
    [file] = (project / ".cij" / "inbox").iterdir()
    handed = json.loads(file.read_text("utf-8"))
    assert handed["customer"] == ANA[1] and handed["channel"] == "email"
    assert handed["fields"] == {"topic": "rewards"}


@pytest.mark.slow
def test_a_message_is_known_by_its_step(project: Path) -> None:
    opened = ("event", "opened", ANA[1], "--project", str(project), "--message")
    assert inside(*opened, "reward")[0] == Exit.CONFIG
    assert inside(*opened, "loyalty_reward:1:reward:0")[0] == Exit.OK
    [file] = (project / ".cij" / "inbox").iterdir()
    file.unlink()
    run_once(project)
    assert inside(*opened, "reward")[:2] == (Exit.OK, "handed in 1 event\n")
    standing = {row["step"]: row["count"] for row in run_once(project)["standing"]}
    assert standing == {"opened": 11, "vip": 1}


@pytest.mark.slow
def test_a_message_that_she_did_not_get_is_refused(project: Path) -> None:
    run_once(project)
    code, _, err = inside(
        "event", "opened", ANA[1], "--message", "rewart", "--project", str(project)
    )
    assert code == Exit.USAGE
    assert f"{ANA[1]} got no message or call of `rewart`; there is `reward`" in err


@pytest.mark.slow
def test_who_hands_in_before_the_first_run_is_told(project: Path) -> None:
    at = ("opened", *ANA, "--project", project)
    assert "nothing has run here yet" in cij("event", *at).stderr
    cij("run", project, "--once")
    assert cij("event", *at).stderr == ""


@pytest.mark.slow
def test_what_was_put_aside_is_told_by_run_and_status(project: Path) -> None:
    # The command refuses such a customer, and a file of the inbox may name anybody.
    hand_in(project, [{"event": "opened", "customer": "nobody", "id": n} for n in "ab"])
    ran = cij("run", project, "--once")
    reason = 'there is no customer "nobody"'
    assert ran.stderr.count(f"opened was put aside 2 times: {reason}") == 1
    assert status(project)["put_aside"] == [{"reason": reason, "count": 2}]
    assert f"{reason} 2" in " ".join(cij("status", project).stdout.split())
    assert "put aside" not in cij("run", project, "--once").stderr


@pytest.mark.slow
def test_a_script_cannot_be_asked_whether_to_stop(project: Path) -> None:
    cij("run", project, "--once")
    done = cij_alone("stop", "loyalty_reward", "--project", project)
    assert done.returncode == Exit.USAGE and "give `--yes` in a script" in done.stderr


@pytest.mark.slow
def test_tables_have_no_blanks_at_the_ends_of_lines(project: Path) -> None:
    lines = cij("run", project, "--once").stdout.splitlines()
    assert lines == [line.rstrip() for line in lines] and "Journeys" in lines


@pytest.mark.slow
def test_a_run_with_nothing_to_do_says_when_there_is(project: Path) -> None:
    arguments = ("run", str(project), "--once")
    assert "nothing was due" not in inside(*arguments)[2]
    _, out, err = inside(*arguments)
    [told] = err.splitlines()
    next_timer = out.splitlines()[-1].removeprefix("next timer: ")
    assert told == f"nothing was due; the next thing is at {next_timer}"


def test_a_run_that_nobody_will_ever_need_says_so(tmp_path: Path) -> None:
    (tmp_path / "cij.toml").write_text('[project]\nname = "p"\ntimezone = "UTC"\n')
    (tmp_path / "people.csv").write_text("person,email\n1,ana@example.com\n")
    journey = "journey j {\n  enter on visit\n  steps {\n    send email hello\n  }\n}\n"
    (tmp_path / "j.journey").write_text(HEAD + journey)
    inside("run", str(tmp_path), "--once")
    err = inside("run", str(tmp_path), "--once")[2]
    assert err == "nothing was due, and nothing will be until an event or new data arrives\n"


@pytest.mark.slow
def test_who_is_not_on_the_suppression_list_is_told(project: Path) -> None:
    run_once(project)
    at = ("--project", str(project))
    inside("suppression", "add", ANA[1], "--reason", "asked", *at)
    listed = inside("suppression", "list", *at)[1]
    assert re.search(r"asked +20\d\d-\d\d-\d\d \d\d:\d\d\n", listed), listed
    assert inside("suppression", "remove", ANA[1], *at)[1] == "removed 1 entry\n"
    assert inside("suppression", "remove", ANA[1], *at)[1] == "was not on the list\n"


@pytest.mark.slow
def test_tables_for_a_reader_who_went_away_end_with_the_code_for_that(project: Path) -> None:
    run_once(project)
    process = start("status", project)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert (process.wait(60), process.stderr.read()) == (Exit.PIPE, "")
    process.stderr.close()


@pytest.mark.slow
def test_why_without_a_journey_names_them(project: Path) -> None:
    run_once(project)
    code, _, err = inside("why", ANA[1], "--project", str(project))
    assert code == Exit.USAGE
    assert "name a JOURNEY; the journeys are loyalty_reward, coupon_thanks" in err


def test_an_inbox_that_cannot_be_written_is_told(project: Path) -> None:
    (project / ".cij").mkdir()
    (project / ".cij" / "inbox").write_text("in the way")
    code, _, err = inside("event", "opened", ANA[1], "--project", str(project))
    assert code == Exit.CONFIG and err.startswith("cij: error: cannot use ") and "inbox" in err


@pytest.mark.slow
def test_a_damaged_state_is_not_taken_for_one_in_use(project: Path) -> None:
    run_once(project)
    (project / ".cij" / "state.duckdb").write_bytes(b"no database" * 1000)
    code, out, err = inside("status", str(project))
    assert (code, out) == (Exit.STORE, "") and "is running" not in err


def test_a_file_of_events_is_judged_before_it_is_handed_in(project: Path) -> None:
    good = '{"event": "purchase", "customer": "ana@example.com", "fields": {"amount": 12}}'
    wrong = {
        '{"event": "purchas", "customer": "ana@example.com"}': "there is no event purchas",
        '{"event": "purchase", "customer": "a@b.c", "fields": {"amount": "x"}}': "not an amount",
        '{"event": "purchase", "customer": "a@b.c", "at": "yesterday"}': "not a date and time",
        '{"event": "purchase"}': "the customer is missing",
        '{"event": "purchase", "customer": "a@b.c", "amuont": 3}': "has no field amuont",
    }
    file = project / "events.jsonl"
    file.write_text("\n".join([good, "", *wrong]), "utf-8")
    code, _, err = inside("event", "--file", str(file), "--project", str(project))
    assert code == Exit.USAGE and "nothing was handed in" in err
    for number, reason in enumerate(wrong.values(), 3):
        assert any(f"jsonl:{number}: " in x and reason in x for x in err.splitlines()), (
            number,
            err,
        )
    assert not [*project.rglob("inbox/*.json*")]
    file.write_text(good, "utf-8")
    code, out, _ = inside("event", "--file", str(file), "--project", str(project), "--json")
    assert code == 0
    assert json.loads(out) == {"version": 1, "handed_in": [json.loads(good)]}


@pytest.mark.slow
@pytest.mark.parametrize(
    "who", [("notanaddress",), ("ana@",), ("12345",), ("--customer", "c0000000000000000")]
)
def test_who_cannot_be_meant_does_not_come_on_the_suppression_list(
    project: Path, who: tuple[str, ...]
) -> None:
    inside("run", str(project), "--once")
    done = inside("suppression", "add", *who, "--reason", "asked", "--project", str(project))
    assert done[0] == Exit.USAGE and who[-1] in done[2]
    assert "the list is empty" in inside("suppression", "list", "--project", str(project))[1]


@pytest.mark.slow
def test_rows_that_are_left_out_are_told_with_their_place(project: Path) -> None:
    key = "  key = customer_id\n"
    replace(project / "journeys" / "data.journey", key, key + "  tolerate = 50%\n")
    with (project / "data" / "shop_customers.csv").open("a", encoding="utf-8") as file:
        file.write("X-1,Eve,,eve@example.com,en,,yes,someday\n")
    inside("run", str(project), "--once")
    found = [r for r in status(project)["bad_rows"] if r["source"] == "shop"]
    assert found and found[0]["line"] > 1 and found[0]["reason"], found
    told = inside("status", str(project))[1]
    assert f"shop_customers.csv:{found[0]['line']}" in told
