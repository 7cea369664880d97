"""The status file: the last report of a run, for `cij status` while `cij run` has the store
open."""

import json
from pathlib import Path
from typing import Any

from cij.runtime.report_data import Report, as_json

NAME = Path(".cij") / "status.json"


def write_status(root: Path, report: Report) -> None:
    """Write the report atomically, because another process may read the file at any time."""
    path = root / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(as_json(report), ensure_ascii=False), encoding="utf-8")
    draft.replace(path)


def read_status(root: Path) -> dict[str, Any] | None:
    """Return the last report in types that JSON has; None where there is none."""
    try:
        found = json.loads((root / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
