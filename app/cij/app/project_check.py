"""Makes a check whose report is not cached."""

from cij.app.check_cache import Question, remember_answer
from cij.app.check_report import CheckReport
from cij.app.compile import Compiled, compile_opened
from cij.app.config import load_settings
from cij.app.project import Project
from cij.app.project_files import FILE_NAME
from cij.compiler.compilation import needed_contents
from cij.runtime.version_reads import offers


def check(question: Question) -> CheckReport:
    """Check a project and cache the report. Raises: ConfigError."""
    result = compile_found(question)
    report = report_of(result)
    remember_answer(question, needed_contents(result.compilation.files), report)
    return report


def compile_found(question: Question) -> Compiled:
    """Compile the texts of a question, without reading them again. Raises: ConfigError."""
    settings = load_settings(question.root / FILE_NAME)
    project = Project(question.root, settings, question.sources, question.unreadable)
    return compile_opened(project)


def report_of(result: Compiled) -> CheckReport:
    """Return the report of a compilation."""
    model, program = result.compilation.model, result.compilation.program
    counts = {
        "file": len(result.project.sources),
        "journey": len(model.journeys),
        "segment": len(model.segments),
        "message": len(model.messages),
    }
    return CheckReport(
        result.diagnostics,
        result.compilation.suppressed,
        result.texts,
        counts,
        offers(program) if program is not None else None,
    )
