"""`cij lineage`: what a name is made of, and what is made of it."""

from pathlib import Path

from cij.app.compile import compile_path
from cij.app.request_error import InvalidProject, RequestError
from cij.compiler.naming import did_you_mean
from cij.compiler.review.lineage import lineage_of
from cij.compiler.review.lineage_report import LineageReport, lineage_report


def name_lineage(path: Path, name: str) -> LineageReport:
    """Return the lineage of a name in the project at `path`.

    Raises: RequestError for an unknown name, ConfigError, InvalidProject.
    """
    made = compile_path(path)
    if made.errors:
        raise InvalidProject(made.errors, made.texts)
    source = made.compilation.model
    found = lineage_of(source)
    report = lineage_report(name, found, source)
    if not report.names:
        known = {node.name for node in found.uses} | {str(node) for node in found.uses}
        hint = did_you_mean(name, sorted(known)) or "`cij catalog` lists all names"
        raise RequestError(f"nothing is called `{name}`; {hint}")
    return report
