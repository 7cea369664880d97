"""What all tests share: golden files, and one Hypothesis profile for CI."""

import gc
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from cij.cli.failures import run
from cij.cli.main import cli
from cij.runtime.sources import standing_still
from tests.draws import USUAL, draws

FIXTURES = Path(__file__).parent / "fixtures"

Golden = Callable[[Path | str, str], None]

# In CI every run draws the same examples, so a red build is red again on a developer's machine.
_DRAWN = settings(max_examples=draws(USUAL), deadline=None, print_blob=True)
settings.register_profile("ci", _DRAWN, derandomize=True)
settings.register_profile("dev", _DRAWN)
# Every check is a whole one; tests/test_memory.py turns remembering on.
os.environ["CIJ_CACHE"] = "off"

# A shell starts what runs in the background with Ctrl-C ignored, and each process inherits that.
# Tests interrupt processes that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# `nohup` ignores the end of a terminal, and each process that a test starts would ignore it too.
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# The tests write their files whole, and need not wait until they stand still.
standing_still.STILL_S = 0.0

settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_collection_finish() -> None:
    """Leave all that was imported out of the collection of garbage.

    Each full collection would visit it again, which took a tenth of the time of all tests.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite the golden files")


class Done:
    """What a command left behind."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Cij = Callable[..., Done]


@pytest.fixture
def cij(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cij:
    """Return a function that runs `cij` with arguments."""
    # A bug must show its trace here and not in a file.
    monkeypatch.setenv("CIJ_DEBUG", "1")

    def call(*arguments: str | Path) -> Done:
        capsys.readouterr()
        code = run(cli, [str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err, captured.err
        return Done(code, captured.out, captured.err)

    return call


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare text with a file below tests/fixtures; `pytest --update` rewrites the file."""
    update = bool(request.config.getoption("--update"))

    def compare(path: Path | str, text: str) -> None:
        file = FIXTURES / path
        if update:
            _write(file, text)
        assert file.exists(), f"no golden file {file.name}: run `pytest --update` and review it"
        assert text == file.read_bytes().decode(), f"{file.name} differs: see `pytest --update`"

    return compare


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
