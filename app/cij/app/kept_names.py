"""What `cij check` says of customers on older versions: what these read stays in the store (S31).

The last report of a run tells who stands where, so that a check opens no store.
"""

from pathlib import Path

from cij.app.check_report import CheckReport
from cij.app.project_files import find_root
from cij.app.status_file import read_status
from cij.runtime.version_reads import VersionReads, lacking


def kept_names(path: Path, report: CheckReport) -> list[str]:
    """Return one line for each older version that reads what the checked project does not have."""
    found = read_status(find_root(path)) if report.offers is not None else None
    if found is None or report.offers is None:
        return []
    try:
        reads = [
            VersionReads(each["journey"], each["version"], each["people"], tuple(each["names"]))
            for each in found.get("reads", ())
        ]
    except (KeyError, TypeError):
        # A file of another version, or one that somebody has changed, says nothing.
        return []
    return [*lacking(reads, report.offers)]
