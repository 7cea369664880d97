"""Every command that opens a store prints on a server what it prints on a file.

Two copies of one project go through the same commands. What they print may differ in `DIFFERENCES`
only, each with its reason.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from difflib import unified_diff
from pathlib import Path

import pytest

from cij.cli.exits import Exit
from cij.cli.main import cli
from cij.runtime.delivery.ledger import Ledger
from tests.engines import dsn_of, on_file_and_server, put_on_server
from tests.example import copy_example, inside, replace
from tests.postgres import PostgresStore, server

_WHO = "chloe.dubois@example.com"
_SETTINGS = '\n[env.prod]\n\n[env.prod.delivery.email]\nkind = "files"\nfolder = "sent"\n'
_QUESTIONS = (
    "status",
    "history",
    f"timeline {_WHO}",
    f"why {_WHO} loyalty_reward",
    "segment list",
    "segment members loyal --field email",
    "measure list",
    "catalog",
    "source list",
    "export list",
    f"consent show {_WHO}",
    "consent export",
    "quarantine list",
    "suppression list",
    f"export-person {_WHO}",
    "doctor",
)
# In this order: each finds what those before it have left.
COMMANDS = (
    "status",
    "run --once",
    *_QUESTIONS,
    "test",
    "simulate --days 5 --from 2026-12-01",
    "backtest --from 2026-03-01 --to 2026-03-10",
    "replay --from 2026-03-01",
    f"suppression add {_WHO} --reason phone",
    "suppression list",
    f"suppression remove {_WHO}",
    "suppression remove nobody@example.com --channel email",
    "pause loyalty_reward",
    "resume loyalty_reward",
    "stop loyalty_reward --yes",
    "resume loyalty_reward --again",
    f"event purchase {_WHO} amount=49.90 coupon=LOYAL20",
    "run --once",
    f"timeline {_WHO}",
    "quarantine retry --all",
    "backup",
    f"forget {_WHO} --yes",
    "status",
    # Another environment, with a store of its own.
    "plan prod -o plan.json",
    "apply plan.json",
    "history prod",
    "--env prod run --once",
    "CHANGE",
    "plan prod -o plan.json",
    "apply plan.json",
    "rollback prod --yes",
    "history prod",
)
# The first word of a command -> lines that may differ, and why.
DIFFERENCES = {
    "doctor": r"CIJ_STORE_DSN|server |state ",  # it is about the place itself
    "export-person": r'"written"',  # numbers that a store gives to texts
    "backup": r"wrote|pg_dump",  # the server has its own way
    "forget": r"backup",  # so there is none that is forgotten too
}
# Commands that open no store, or are tried elsewhere.
NOT_TRIED = {
    **dict.fromkeys(("new", "check", "fmt", "lsp", "explain", "graph", "sql"), "opens no store"),
    **dict.fromkeys(("diff", "approve", "lineage", "build", "key"), "opens no store"),
    "serve": "is a run with a service: tests/test_standby.py",
    "restore": "is refused as `backup` is",
    "store": "tests/test_store_copy.py",
}


@pytest.fixture(scope="module", name="store")
def _store() -> Iterator[PostgresStore]:
    with server() as store:
        yield store


def test_no_command_is_left_out() -> None:
    tried = {re.sub(r"^--env prod ", "", words).split()[0] for words in COMMANDS} - {"CHANGE"}
    assert tried | NOT_TRIED.keys() == set(cli.list_commands(None))  # type: ignore[arg-type]


def test_a_store_of_another_kind_from_which_messages_were_sent_is_told_of(
    store: PostgresStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIJ_STORE_DSN", dsn_of(store))
    project = put_on_server(copy_example(tmp_path), "changed")
    (project / ".cij").mkdir()
    with closing(Ledger(project / ".cij" / "state.duckdb.ledger")) as ledger:
        ledger.note("s", 1, (), datetime(2026, 3, 2))
    replace(project / "cij.toml", 'schema = "changed"', 'schema = "changed"\n\n[env.east-1]')
    for command in ("status", "doctor"):
        _, out, err = inside(command, str(project))
        assert "messages of the project were sent from another store" in out + err, command
    # Each environment has a schema of its own, so it is another store.
    _, out, _ = inside("--env", "east-1", "doctor", str(project))
    assert "the schema changed_east_1 on the server has no store yet" in out
    replace(project / "cij.toml", "[env.east-1]", "[env.east-1]\n[env.east_1]")
    _, out, _ = inside("--env", "east-1", "doctor", str(project))
    assert "would be that of east-1 and east_1; write `schema` into [env.east-1.store]" in out


def _printed(project: Path, words: str) -> tuple[int, list[str]]:
    """Run a command in a project and return its code and lines, without instants and times."""
    if words == "CHANGE":
        replace(project / "journeys" / "loyalty.journey", "points > 1000", "points > 1500")
        return 0, []
    code, out, err = inside(*words.split())
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?", "INSTANT", out + err)
    text = re.sub(r"\d\d:\d\d(:\d\d)?|\d+ ms|\d+(\.\d+)? s\b", "TIME", text)
    lines = [re.sub(" +", " ", line) for line in text.replace(str(project.parent), "").splitlines()]
    # The rows of a person have no order.
    return code, sorted(lines) if words.startswith("export-person") else lines


@pytest.mark.slow
def test_every_command_prints_on_a_server_what_it_prints_on_a_file(
    store: PostgresStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, shared = on_file_and_server(store, tmp_path, "walk", monkeypatch)
    for project in (file, shared):
        with (project / "cij.toml").open("a") as settings:
            settings.write(_SETTINGS)
    found: list[str] = []
    for number, words in enumerate(COMMANDS):
        printed = []
        for project in (file, shared):
            monkeypatch.chdir(project)
            printed.append(_printed(project, words))
        (code, lines), (other, others) = printed
        name = words.split()[0]
        known = DIFFERENCES.get(name, r"(?!)")
        kept = [[x for x in each if not re.search(known, x)] for each in (lines, others)]
        if kept[0] != kept[1] or (code != other and name != "backup"):
            lines_apart = unified_diff(kept[0], kept[1], n=0, lineterm="")
            found += [f"{words}: {code}, {other}", *lines_apart]
        # Nothing has run when the first one asks.
        assert code == (Exit.OK if number else Exit.CONFIG), (words, lines)
    assert not found, "\n".join(found)
