"""Odd values through every door: files, events, commands, conditions, templates and answers.

Nothing of it may be a bug of cij: no command ends with code 70, and a run always ends. A round is a
project of its own, made of one seed:

    python -m tests.fuzzing --minutes 60        # seeds from 0 on
    python -m tests.fuzzing --seed 17           # one round again
"""

import io
import json
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cij.app.compile import compile_path
from cij.cli.exits import Exit
from cij.cli.failures import run as run_command
from cij.cli.main import cli
from cij.runtime.delivery import Defaults
from cij.runtime.delivery.channels import Outcome
from cij.runtime.engine import open_engine
from cij.runtime.outside_json import read_json
from cij.runtime.runner import open_runner, step
from tests.calling import DATA, MAIL_TOML, Rows, journey
from tests.odd_values import (
    ADDRESSES,
    CONDITIONS,
    EVENT,
    EVENT_FIELDS,
    FIELDS,
    FILTERS,
    INSTANTS,
    KINDS,
    LITERALS,
    NUMBERS,
    PERIODS,
    TEXTS,
    VALID,
    WHOLES,
)


@dataclass(slots=True)
class Round:
    """One project with odd values. `said` is what the commands printed, `done` which there were."""

    random: random.Random
    folder: Path
    done: list[tuple[list[str], int]] = field(default_factory=list)
    said: str = ""

    def cij(self, *arguments: str | Path) -> int:
        """Run a command; it must not be a bug."""
        words = [str(argument) for argument in arguments]
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run_command(cli, words)
        self.done.append((words, code))
        self.said = err.getvalue() + out.getvalue()
        assert code != Exit.BUG, f"cij {words} is a bug:\n{self.said[-4000:]}"
        assert "Traceback" not in self.said, f"cij {words}:\n{self.said[-4000:]}"
        return int(code)

    def of(self, values: tuple[str, ...]) -> str:
        return self.random.choice(values)

    def event(self) -> dict[str, Any]:
        """Return an event as JSON has it: any value in any field."""
        values: dict[str, Any] = {}
        for name, kind in EVENT_FIELDS.items():
            if self.random.random() < 0.5:
                values[name] = self.value(kind)
        who = self.of(ADDRESSES) if self.random.random() < 0.3 else "shop:1"
        row: dict[str, Any] = {"event": "happened", "customer": who, "fields": values}
        for name, odd in (("at", INSTANTS), ("id", TEXTS)):
            if self.random.random() < 0.4:
                row[name] = self.value(odd)
        return row

    def value(self, kind: tuple[str, ...]) -> Any:
        """Return a value of a kind, or of another one, or of a type that JSON has."""
        if self.random.random() < 0.7:
            return self.of(kind)
        others: tuple[Any, ...] = (
            *(None, True, False, 0, -1, 1.5, 1e308, 10**40, -(10**19), [], ["a", None], {"a": {}}),
            *([[[[]]]], self.of(TEXTS), self.of(NUMBERS), self.of(INSTANTS), {"\ud800": "\x00"}),
        )
        return self.random.choice(others)


def examine_values(seed: int, is_thorough: bool = True) -> Round:
    """Make the round of a seed, and play it through every door."""
    with _round(seed) as made:
        _write_project(made)
        _play(made, is_thorough)
    return made


@contextmanager
def _round(seed: int) -> Iterator[Round]:
    folder = Path(tempfile.mkdtemp(prefix="cij_fuzz_"))
    # A bug shows its trace, and every check is a whole one.
    before = {name: os.environ.get(name) for name in ("CIJ_DEBUG", "CIJ_CACHE")}
    os.environ.update(CIJ_DEBUG="1", CIJ_CACHE="off")
    try:
        yield Round(random.Random(seed), folder)
    except BaseException:
        print(f"seed {seed}: the project is in {folder}")
        raise
    else:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


# --- a project --------------------------------------------------------------------------------


def _write_project(made: Round) -> None:
    (made.folder / "cij.toml").write_text(MAIL_TOML)
    _write_rows(made)
    data = DATA.replace("key = id", "key = id\n  tolerate = 100%\n  may_lose = 100%", 1)
    data = data.replace("event ordered", EVENT + "\nevent ordered", 1)
    fixed = data + _TOPIC + "use std.actions\n"
    # The word `use` stands at the top of a file.
    fixed = "use std.actions\n\n" + fixed.replace("use std.actions\n", "")
    (made.folder / "a.journey").write_text(fixed)
    for name, make in (("message", _message), ("segment", _segment), ("journey", _journey)):
        _write_if_right(made, f"{name}.journey", make(made))


_TOPIC = "\ntopic service {\n  channels = [email]\n  consent = none\n}\n"


def _write_if_right(made: Round, file: str, texts: list[str]) -> None:
    """Write the first text with which the project has no error; the last one always has none."""
    for text in texts:
        (made.folder / file).write_text(text, encoding="utf-8")
        if made.cij("check", made.folder) == Exit.OK:
            return
    raise AssertionError(f"{file} is never right:\n{made.said}")


def _write_rows(made: Round) -> None:
    lines = [",".join(["id", *KINDS])]
    for number in range(12):
        is_valid = made.random.random() < 0.5
        cells = [str(number), *(_cell(made, kind, is_valid) for kind in KINDS)]
        lines.append(",".join(cells))
    text = "\n".join(lines) + "\n"
    (made.folder / "customers.csv").write_bytes(text.encode("utf-8", "replace"))


def _cell(made: Round, name: str, is_valid: bool) -> str:
    if is_valid:
        return made.of(VALID[name])
    text = made.of(KINDS[name]) if made.random.random() < 0.6 else made.of((*TEXTS, ""))
    # Some quotes are missing, as in real files.
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if made.random.random() < 0.95 else text


def _message(made: Round) -> list[str]:
    return [*(_written(_body(made)) for _ in range(3)), _written("Hello")]


def _written(body: str) -> str:
    return (
        'message email hello {\n  topic = service\n  locale "en" {\n    subject = "Hello"\n'
        f'    body = """\n{body}\n"""\n  }}\n}}\n'
    )


def _body(made: Round) -> str:
    parts = []
    for _ in range(made.random.randint(1, 4)):
        chain = " | ".join(
            ["default: 1", *(made.of(FILTERS) for _ in range(made.random.randint(0, 3)))]
        )
        parts.append(f"{{{{ {made.of(FIELDS)} | {chain} }}}}")
    return " ".join(parts)


def _segment(made: Round) -> list[str]:
    holes = {
        "n": made.of(WHOLES),
        "m": made.of(WHOLES),
        "x": made.of(LITERALS),
        "d": made.of(PERIODS),
    }
    tried = [c.format(**holes) for c in made.random.sample(CONDITIONS, 4)]
    return [f"segment odd {{\n  where {text}\n}}\n" for text in (*tried, "points is known")]


def _journey(made: Round) -> list[str]:
    odd = made.of(
        (
            "    set seen_at = now()",
            f"    wait {made.of(PERIODS)}",
            "    wait until seen_at",
            "    wait until born_on",
            "    wait until seen_at + 1000 years",
            "    wait until born_on - 1000 years",
            "    wait 1000 years\n    wait 1000 years\n    wait 1000 years at 09:00",
            f"    if {made.of(WHOLES)} / {made.of(WHOLES)} > 1 {{\n      end\n    }}",
            '    call: do create_task {\n      subject = plan ?? "x"\n    }',
        )
    )
    steps = "    mail: send email hello", odd, "    again: send email hello"
    on_event = journey(*steps, enter="on happened", head="again always")
    plain = journey("    mail: send email hello", enter="on happened", head="again always")
    both = journey(*steps, enter="from segment odd").replace("journey calls", "journey odd")
    return [on_event + both, plain + both, plain]


# --- through every door -----------------------------------------------------------------------


def _play(made: Round, is_thorough: bool) -> None:
    folder = made.folder
    made.cij("run", folder, "--once")
    _hand_in(made)
    made.cij("run", folder, "--once")
    _write_rows(made)
    made.cij("run", folder, "--once", "--json")
    made.cij("status", folder)
    _answer(made)
    if is_thorough:
        _ask(made)


def _hand_in(made: Round) -> None:
    folder, options = made.folder, ("--project", made.folder)
    for name, kind in made.random.sample(sorted(EVENT_FIELDS.items()), 2):
        value = made.of(kind).replace("\x00", "")
        made.cij("event", "happened", made.of(ADDRESSES), f"{name}={value}", *options)
    lines = [_line(made) for _ in range(8)]
    file = folder / "events.jsonl"
    file.write_bytes(b"\n".join(lines))
    made.cij("event", "--file", file, *options)
    inbox = folder / ".cij" / "inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / "odd.jsonl").write_bytes(b"\n".join(lines))
    deep = made.of(("[", '{"a":')) * made.random.choice((10, 900, 100_000))
    (inbox / "deep.jsonl").write_text('{"event": "happened", "customer": "shop:1", "x": ' + deep)


def _line(made: Round) -> bytes:
    # Halves of characters are written as JSON writes them, or as bytes that are no text.
    text = json.dumps(made.event(), ensure_ascii=made.random.random() < 0.5)
    return text.encode("utf-8", made.of(("surrogatepass", "replace")))


def _ask(made: Round) -> None:
    folder, options = made.folder, ("--project", made.folder)
    for who in ("shop:1", made.of(ADDRESSES), made.of(TEXTS).replace("\x00", "") or "x"):
        made.cij("timeline", who, *options)
        made.cij("why", who, "calls", *options)
    address = made.of((*ADDRESSES, *TEXTS)).replace("\x00", "")
    made.cij(
        "suppression", "add", f"{address}", "--reason", made.of(TEXTS).replace("\x00", ""), *options
    )
    made.cij("suppression", "list", *options)
    made.cij("run", folder, "--once")
    made.cij("simulate", folder, "--days", "3")
    made.cij("simulate", folder, "--days", "2", "--from", "2026-12-31")
    made.cij("backtest", "--from", "2026-03-01", "--to", "2026-03-05", *options)
    made.cij("doctor", folder)
    made.cij("sql", folder)


class _Odd(Rows):
    """A receiver that answers odd values."""

    def __init__(self, made: Round) -> None:
        super().__init__()
        self.made = made

    def deliver(self, batch: Any) -> list[Any]:
        return [Outcome(one.key, "delivered", returned=self.returned()) for one in batch]

    def returned(self) -> dict[str, Any]:
        text = json.dumps({"task_id": self.made.value(TEXTS), "outcome": self.made.value(TEXTS)})
        found = read_json(text.encode())
        return found if isinstance(found, dict) else {}


def _answer(made: Round) -> None:
    """Call an action and take its odd answers in."""
    opened = compile_path(made.folder)
    engine, now = open_engine(None), datetime(2026, 3, 2, 9)
    try:
        way = _Odd(made)
        runner, _ = open_runner(
            engine, opened.program, made.folder, {"action": way}, Defaults(), now
        )
        step(runner, now, with_refresh=True)
        step(runner, datetime(2027, 3, 2, 9), with_refresh=False)
    finally:
        engine.close()
