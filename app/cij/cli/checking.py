"""The check itself, when its answer is not known yet."""

from cij.cli.answers import Question, remember_answer
from cij.cli.compiling import Compiled, compile_opened
from cij.cli.project import Project
from cij.cli.project_files import FILE_NAME
from cij.cli.report import Report
from cij.cli.settings import load_settings
from cij.compiler.compilation import needed_contents


def check(question: Question) -> Report:
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


def report_of(result: Compiled) -> Report:
    """Return what there is to say."""
    model = result.compilation.model
    counts = {
        "file": len(result.project.sources),
        "journey": len(model.journeys),
        "segment": len(model.segments),
        "message": len(model.messages),
    }
    return Report(result.diagnostics, result.compilation.suppressed, result.texts, counts)
