"""Odd values that the search of `tests/value_fuzzing.py` has found, each at the place where it ended a run."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cij.app.zone_times import instant, local
from cij.cli.exits import Exit
from cij.runtime import zones
from cij.runtime.outside_json import read_json
from tests.calling import MAIL, MAIL_TOML, journey, project
from tests.conftest import Cij
from tests.example import cij as command_line

EVENT = "event start {\n  fields {\n    amount = decimal\n    note = text\n  }\n}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    steps = journey("    mail: send email hello", enter="on start", head="again always")
    return project(tmp_path / "p", MAIL + EVENT + steps, MAIL_TOML)


def test_a_fraction_beside_an_escape_is_handed_in(cij: Cij, folder: Path) -> None:
    file = folder / "events.jsonl"
    event = {"event": "start", "customer": "shop:1", "fields": {"amount": 12.5, "note": "\ud83d"}}
    file.write_text(json.dumps(event) + "\n")
    assert cij("event", "--file", file, "--project", folder, "--json").code == Exit.OK
    assert cij("run", folder, "--once").code == Exit.OK
    assert 'amount = 12.5 note = "?"' in cij("timeline", "shop:1", "--project", folder).out


def test_halves_of_characters_keep_the_numbers_beside_them() -> None:
    found = read_json('{"a": 0.10, "b\\ud800": ["\\udfff", 1]}', is_exact=True)
    assert found == {"a": Decimal("0.10"), "b?": ["?", 1]}


@pytest.mark.parametrize("at", ["", None])
def test_an_event_without_a_time_happens_now(cij: Cij, folder: Path, at: str | None) -> None:
    file = folder / "events.jsonl"
    file.write_text(json.dumps({"event": "start", "customer": "shop:1", "at": at}) + "\n")
    assert cij("event", "--file", file, "--project", folder).code == Exit.OK
    assert cij("run", folder, "--once").code == Exit.OK


@pytest.mark.parametrize("command", [["timeline"], ["why"]])
def test_a_person_of_bytes_that_are_no_text_is_unknown(folder: Path, command: list[str]) -> None:
    command_line("run", folder, "--once")
    words = [*command, "\udcff", *(["calls"] if command == ["why"] else [])]
    done = command_line(*words, "--project", folder)
    assert done.returncode == Exit.USAGE and "nobody is known as" in done.stderr


def test_a_reason_of_bytes_that_are_no_text_becomes_text(folder: Path) -> None:
    command_line("run", folder, "--once")
    words = "suppression", "add", "ana@example.com", "--reason", "asked \udcff"
    assert command_line(*words, "--project", folder).returncode == Exit.OK
    assert "asked ?" in command_line("suppression", "list", "--project", folder).stdout


def test_the_ends_of_the_calendar_have_a_local_time() -> None:
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Madrid"):
        for at in (datetime.min, datetime.max):
            assert abs(zones.to_local(at, zone) - at) <= timedelta(days=1)
            assert local(at, zone)[:4] == f"{at.year:04}"
            assert abs(instant(at, zone) - at) <= timedelta(days=1)


@pytest.mark.parametrize("window", ["3 hours", "2 days", "1 month"])
def test_a_window_that_ends_after_the_calendar_changes_nothing(
    cij: Cij, folder: Path, window: str
) -> None:
    more = f"segment late {{\n  where any(start within last {window})\n  refresh = 1 hour\n}}\n"
    late = journey("    end", enter="from segment late").replace("calls", "late")
    file = folder / "late.journey"
    file.write_text(more + late)
    events = folder / "events.jsonl"
    event = {"event": "start", "customer": "shop:1", "at": "9999-12-31T23:30:00Z"}
    events.write_text(json.dumps(event) + "\n")
    assert cij("event", "--file", events, "--project", folder).code == Exit.OK
    assert cij("run", folder, "--once").code in (Exit.OK, Exit.ASIDE)
    assert cij("simulate", folder, "--days", "2").code == Exit.OK


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_a_number_that_is_not_finite_is_no_text(cij: Cij, folder: Path, number: str) -> None:
    (folder / ".cij" / "inbox").mkdir(parents=True)
    line = f'{{"event": "start", "customer": "shop:1", "fields": {{"note": {number}}}}}\n'
    (folder / ".cij" / "inbox" / "a.jsonl").write_text(line)
    assert cij("run", folder, "--once").code == Exit.ASIDE
    assert "note" in cij("quarantine", "list", "--project", folder).out
