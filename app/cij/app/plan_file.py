"""A plan in a file, between `cij plan -o` and `cij apply`."""

import json
from pathlib import Path

from pydantic import ValidationError

from cij.app.atomic_write import write_atomically
from cij.app.plan_report import FORMAT_VERSION, PlanReport
from cij.app.request_error import RequestError

# A plan is small; a file that is not one may be of any size.
_BYTES_MAX = 200_000_000
_MAJOR = FORMAT_VERSION.partition(".")[0]


def save_plan(report: PlanReport, file: Path) -> None:
    """Write a plan, all of it or nothing. Raises: ConfigError."""
    write_atomically(file, report.model_dump_json(indent=2, by_alias=True) + "\n")


def printable(text: str) -> str:
    """Return a text of a plan file for a message: anybody may have written the file."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def load_plan(file: Path) -> PlanReport:
    """Read a plan. Raises: RequestError for what is no plan, or one of a newer cij."""
    try:
        if file.stat().st_size > _BYTES_MAX:
            raise RequestError(f"{file} is too large for a plan")
        found = json.loads(file.read_text(encoding="utf-8"))
        version = found["format_version"]
    except OSError as error:
        raise RequestError(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RequestError(f"{file} is no plan; `cij plan ENV -o {file}` makes one") from error
    if str(version).partition(".")[0] != _MAJOR:
        had = printable(str(version))[:20]
        raise RequestError(f"{file} has the format {had}, and this cij reads {FORMAT_VERSION}")
    try:
        return PlanReport.model_validate(found)
    except ValidationError as error:
        raise RequestError(f"{file} is no whole plan; make it again with `cij plan`") from error
