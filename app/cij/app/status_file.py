"""The status file: the last report of a run, for `cij status` while `cij run` has the store
open."""

import json
import logging
from pathlib import Path
from typing import Any

from cij.runtime.errors import ConfigError
from cij.runtime.private_files import private_folder, write_private
from cij.runtime.report_data import Report, as_json
from cij.runtime.state_folder import STATE, state_folder

_log = logging.getLogger("cij.run")

NAME = STATE / "status.json"


def write_status(root: Path, report: Report) -> None:
    """Write the report atomically, because another process may read the file at any time.

    Where it cannot be written, the log says so: the run goes on, and its numbers are in the state.
    """
    text = json.dumps(as_json(report), ensure_ascii=False)
    try:
        path = private_folder(root, state_folder()) / NAME.name
        write_private(path, text.encode("utf-8", "replace"))
    except (OSError, ConfigError) as error:
        _log.warning("the status file could not be written: %s", error)


def read_status(root: Path) -> dict[str, Any] | None:
    """Return the last report in types that JSON has; None where there is none."""
    try:
        found = json.loads((root / state_folder() / NAME.name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
