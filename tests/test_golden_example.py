"""The example `loyalty` as golden files: its program, its SQL, its messages and its report.

Whatever changes what people get, or how it is computed, shows here as a difference to be reviewed.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from cij.app.compile import compiled
from cij.app.transports import open_transports, senders
from cij.compiler.program import Program, to_json
from cij.compiler.sql import Statement
from cij.compiler.sql.interning import number_of
from cij.compiler.sql.plan import (
    WAKE_DUE,
    JourneyPlan,
    make_plan,
    measure_query,
    segment_query,
)
from cij.runtime.engine import open_engine
from cij.runtime.report import report
from cij.runtime.report_data import as_json
from cij.runtime.runner import open_runner, step
from tests.conftest import Golden
from tests.example import copy_example, messages

NOW = datetime(2026, 3, 6, 11, 0)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_example(tmp_path_factory.mktemp("example"))


@pytest.fixture(scope="module")
def program(project: Path) -> Program:
    return compiled(project)[1]


def test_the_program(program: Program, golden: Golden) -> None:
    golden("example/program.json", to_json(program))


def test_the_sql_of_segments_and_measures(program: Program, golden: Golden) -> None:
    parts = [script(f"segment {s.name}", segment_query(s, program)) for s in program.segments]
    parts += [script(f"measure {m.name}", measure_query(m, program)) for m in program.measures]
    golden("example/queries.sql", "".join(parts))


@pytest.mark.parametrize("name", ["loyalty_reward", "coupon_thanks"])
def test_the_plan_of_a_journey(program: Program, name: str, golden: Golden) -> None:
    plan = next(plan for plan in make_plan(program).journeys if plan.name == name)
    text = "".join(script(title, statement) for title, statement in statements(plan))
    # The version is a hash of all the journey refers to: it is in the golden program.
    assert plan.version in text
    text = text.replace(plan.version, "VERSION")
    text = text.replace(str(number_of(plan.version)), "NUMBER")
    # The number of an effect is made of the version.
    for effect in plan.effects:
        assert str(effect.id) in text
        text = text.replace(str(effect.id), "EFFECT")
    golden(f"example/{name}.sql", text)


def statements(plan: JourneyPlan) -> Iterator[tuple[str, Statement]]:
    """Yield every statement of a plan with a title."""
    for entry in plan.entries:
        yield f"candidates from {entry.segment}", entry.candidates
    for event in plan.events.values():
        for statement in event.reactions:
            yield f"reaction on {event.event}", statement
        for entry in event.entries:
            yield f"candidates on {event.event}", entry.candidates
    for statement in plan.admit.statements:
        yield "admit", statement
    yield "timers", WAKE_DUE
    for region in plan.regions.values():
        for what, statement in region.statements:
            yield f"region {region.root}: {what}", statement


def script(title: str, statement: Statement) -> str:
    return f"-- {title}\n{statement.text(pretty=True)};\n\n"


@pytest.mark.slow
def test_the_messages_and_the_report_of_a_first_step(project: Path, golden: Golden) -> None:
    opened, program = compiled(project)
    engine = open_engine(None)
    transports = open_transports(opened, program)
    runner, _ = open_runner(engine, program, opened.root, transports, senders(opened, program), NOW)
    step(runner, NOW, with_refresh=True)
    found = as_json(report(runner.world, NOW))
    engine.close()
    golden("example/report.json", json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    sent = messages(project)
    folder = Path(__file__).parent / "fixtures" / "example" / "messages"
    for name, content in sent.items():
        golden(f"example/messages/{name}", content.decode("ascii"))
    assert {path.name for path in folder.iterdir()} == sent.keys()
