"""`cij event`: what is refused at once, and where people see what was put aside later."""

from pathlib import Path

import pytest

from cij.cli.exits import Exit
from tests.example import cij, copy_example, status

ANA = ("--customer", "ana.garcia@example.com")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_example(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "say which event"),
        (("purchse", *ANA), "did you mean `purchase`?"),
        (("opened",), "needs `--customer`"),
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


def test_who_hands_in_before_the_first_run_is_told(project: Path) -> None:
    at = ("opened", *ANA, "--project", project)
    assert "nothing has run here yet" in cij("event", *at).stderr
    cij("run", project, "--once")
    assert cij("event", *at).stderr == ""


def test_what_was_put_aside_is_told_by_run_and_status(project: Path) -> None:
    for _ in range(2):
        cij("event", "opened", "--customer", "nobody", "--project", project)
    ran = cij("run", project, "--once")
    reason = 'there is no customer "nobody"'
    assert ran.stderr.count(f"opened was put aside: {reason}") == 2
    assert status(project)["put_aside"] == [{"reason": reason, "count": 2}]
    assert f"{reason}        2" in cij("status", project).stdout
    assert "put aside" not in cij("run", project, "--once").stderr


def test_a_script_cannot_be_asked_whether_to_stop(project: Path) -> None:
    cij("run", project, "--once")
    done = cij("stop", "loyalty_reward", "--project", project)
    assert done.returncode == Exit.USAGE and "say `--yes` in a script" in done.stderr


def test_tables_have_no_blanks_at_the_ends_of_lines(project: Path) -> None:
    lines = cij("run", project, "--once").stdout.splitlines()
    assert lines == [line.rstrip() for line in lines] and "Journeys" in lines
