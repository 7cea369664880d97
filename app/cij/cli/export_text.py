"""The sentence that the command line prints about a run of an export."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cij.runtime.exports.one_run import ExportRun


def line_of(run: "ExportRun") -> str | None:
    """Return a sentence about a run that is done; None where there is an error to tell instead."""
    if run.reason is not None:
        return None
    if run.file is None:
        return f"export {run.export}: nothing has changed"
    count = "1 row" if run.rows == 1 else f"{run.rows} rows"
    return f"export {run.export}: {count} to {run.file}"
