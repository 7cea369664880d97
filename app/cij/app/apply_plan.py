"""`cij apply`: puts the program of a plan into its environment, if nothing has moved since the plan.

One process has the store open at a time, and the program and its row of the history are one transaction: so
of two applies one is refused, and none is done by half.
"""

from collections.abc import Callable
from pathlib import Path

from cij.app.authorship import author
from cij.app.compile import compile_path
from cij.app.deployed_program import keep_program
from cij.app.environment_plan import core_of
from cij.app.kept_texts import kept_texts
from cij.app.moved_since import moved_since
from cij.app.open_store import ledger_of, open_when_free, other_ledgers
from cij.app.plan_file import load_plan, printable
from cij.app.plan_report import PlanReport
from cij.app.project import Project
from cij.app.request_error import RequestError
from cij.runtime.applied import note_applied
from cij.runtime.clock import LiveClock
from cij.runtime.current_state import identify, require_own
from cij.runtime.deploy import deploy, prepare
from cij.runtime.errors import StoreError
from cij.runtime.state_folder import environment


def apply_plan(
    file: Path,
    path: Path,
    on_wait: Callable[[str], None] = lambda text: None,
    *,
    drift: float = 0.0,
) -> PlanReport:
    """Apply a saved plan to the environment that it names, and return what was done.

    Counts of people may differ by the share `drift`. Raises: RequestError for what is no plan, or one of
    another project; StoreError where the environment has moved since, or somebody has no place.
    """
    plan = load_plan(file)
    with environment(plan.environment or None):
        made, now = compile_path(path), LiveClock().now()
        _require_same(plan, made.project, file)
        program, root = made.program, made.project.root
        engine = open_when_free(made.project, on_wait=on_wait)
        try:
            require_own(
                engine, program.project, ledger_of(made.project), other_ledgers(made.project)
            )
            report = core_of(engine, made, now, share=plan.share).report
            _require_true(plan, report, drift, file)
            with engine.transaction():
                prepare(engine, program)
                # Before the deployment, which reads the share.
                note_applied(
                    engine,
                    program.hash,
                    now,
                    what="apply",
                    who=author(root),
                    revision=report.revision,
                    texts=kept_texts(made),
                    share=plan.share,
                )
                deploy(engine, program, now)
                identify(engine, program.project, now)
        finally:
            engine.close()
        keep_program(root, program)
    return report


def _require_same(plan: PlanReport, project: Project, file: Path) -> None:
    name = project.settings.project.name
    if plan.project != name:
        raise RequestError(
            f"{file} is a plan of the project `{printable(plan.project)}`, and this one is `{name}`"
        )
    here = project.settings.environment.name or ""
    if plan.environment != here:
        raise RequestError(f"{file} is for {_named(plan.environment)}, and this is {_named(here)}")


def _named(name: str) -> str:
    return f"the environment `{printable(name)}`" if name else "the settings at the top of cij.toml"


def _require_true(plan: PlanReport, now: PlanReport, drift: float, file: Path) -> None:
    found = list(moved_since(plan, now, drift))
    where = _named(plan.environment)
    if found:
        raise StoreError(
            f"nothing was applied, because {file} is not true any more for {where}:\n"
            + "\n".join(f"  {printable(each)}" for each in found)
            + "\nMake the plan again and read it. Where people come and go all the time, `--drift 5%` lets "
            "counts differ by 5%"
        )
    if now.is_refused:
        raise StoreError(f"nothing was applied: {file} says that somebody has no place to go on")
