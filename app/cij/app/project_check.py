"""The check itself, when its answer is not known yet."""

from cij.app.check_cache import Question, remember_answer
from cij.app.check_report import CheckReport
from cij.app.compile import Compiled, compile_opened
from cij.app.config import load_settings
from cij.app.project import Project
from cij.app.project_files import FILE_NAME
from cij.compiler.compilation import needed_contents


def check(question: Question) -> CheckReport:
    """Check a project as it was found, and remember the answer. Raises: ConfigError."""
    result = compile_found(question)
    report = report_of(result)
    remember_answer(question, needed_contents(result.compilation.files), report)
    return report


def compile_found(question: Question) -> Compiled:
    """Compile what was found. Raises: ConfigError."""
    settings = load_settings(question.root / FILE_NAME)
    project = Project(question.root, settings, question.sources, question.unreadable)
    return compile_opened(project)


def report_of(result: Compiled) -> CheckReport:
    """Return what there is to say."""
    model = result.compilation.model
    counts = {
        "file": len(result.project.sources),
        "journey": len(model.journeys),
        "segment": len(model.segments),
        "message": len(model.messages),
    }
    return CheckReport(result.diagnostics, result.compilation.suppressed, result.texts, counts)
