"""`cij doctor` says of sources what a run says; `cij event` takes what a run takes."""

from pathlib import Path

import pytest

from cij.cli.exits import Exit
from tests.calling import CUSTOMERS, MAIL, MAIL_TOML, journey, project
from tests.conftest import Cij

PUSHED = "event start {\n  fields {\n    k = text\n  }\n}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    steps = journey("    mail: send email hello", enter="on start")
    return project(tmp_path / "p", MAIL + PUSHED + steps, MAIL_TOML)


# --- doctor -----------------------------------------------------------------------------------

BROKEN = {
    "no file": None,
    "another key": "key,email\n1,a@example.com\n",
    "most rows are bad": CUSTOMERS + "3,,many,,,,,,,,,,\n4,,few,,,,,,,,,,\n",
    "a quote that is not closed": CUSTOMERS + '"3,a@example.com\n4,b@example.com\n',
    "bytes that are no text": b"id,email\n1,\xff\xfe\xfa\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_a_source_that_a_run_refuses_is_a_fault(cij: Cij, folder: Path, name: str) -> None:
    file, content = folder / "customers.csv", BROKEN[name]
    file.unlink()
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = cij("doctor", folder)
    assert done.code == Exit.CONFIG
    [line] = [line for line in done.out.splitlines() if "source shop" in line]
    assert line.startswith("fail")
    said = cij("run", folder, "--once")
    assert said.code == Exit.DATA
    # The same words, up to the place in the journeys.
    assert line.split("  ")[-1].partition(" (")[0].strip() in said.err


@pytest.mark.slow
def test_bad_rows_are_told_and_good_sources_are_good(cij: Cij, folder: Path) -> None:
    assert "ok    source shop    customers.csv" in cij("doctor", folder).out
    text = (folder / "a.journey").read_text().replace("key = id", "key = id\n  tolerate = 90%", 1)
    (folder / "a.journey").write_text(text)
    (folder / "customers.csv").write_text(CUSTOMERS + "3,,many,,,,,,,,,,\n")
    done = cij("doctor", folder)
    assert done.code == Exit.OK and "warn  source shop" in done.out and "1 bad" in done.out
    assert not (folder / ".cij" / "state.duckdb").exists(), "nothing is kept"


# --- events -----------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["nobody", "shopp:1", "a@@b", "c0123456789abcde", "@", "12"])
def test_an_impossible_customer_is_refused(cij: Cij, folder: Path, who: str) -> None:
    cij("run", folder, "--once")
    done = cij("event", "start", who, "k=a", "--project", folder)
    assert done.code == Exit.USAGE and "is no customer" in done.err
    file = folder / "events.jsonl"
    file.write_text(f'{{"event": "start", "customer": "{who}", "fields": {{"k": "a"}}}}\n')
    if not who.startswith("c0"):
        # An id may be new in the same file, so only the store can tell.
        assert cij("event", "--file", file, "--project", folder).code == Exit.USAGE
    assert cij("run", folder, "--once").code == Exit.OK


@pytest.mark.parametrize("who", ["shop:1", "shop:new", "ana@example.com", "new@example.com"])
def test_whoever_may_be_a_customer_is_taken(cij: Cij, folder: Path, who: str) -> None:
    assert cij("event", "start", who, "k=a", "--project", folder).code == Exit.OK
    assert cij("run", folder, "--once").code == Exit.OK


@pytest.mark.slow
def test_a_mistake_elsewhere_does_not_stop_events(cij: Cij, folder: Path) -> None:
    cij("run", folder, "--once")
    (folder / "other.journey").write_text("journey half {\n")
    assert cij("check", folder).code == Exit.ERRORS
    assert cij("event", "start", "shop:1", "k=a", "--project", folder).code == Exit.OK
    wrong = cij("event", "strat", "shop:1", "k=a", "--project", folder)
    assert wrong.code == Exit.USAGE and "did you mean `start`" in wrong.err
    (folder / "other.journey").unlink()
    cij("run", folder, "--once")
    assert "start k" in cij("timeline", "shop:1", "--project", folder).out


def test_where_nothing_was_deployed_the_mistake_is_told(cij: Cij, folder: Path) -> None:
    (folder / "other.journey").write_text("journey half {\n")
    assert cij("event", "start", "shop:1", "k=a", "--project", folder).code == Exit.ERRORS
