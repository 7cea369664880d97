"""The table `export_run`: when exports ran, and with what result."""

from cij.compiler.sql import query

# Runs are numbered over all exports, so that the order is known where two are in one instant. Beside the
# number: when a source was loaded last.
NEXT = query(
    "SELECT (SELECT COALESCE(MAX(r.number), 0) + 1 FROM export_run AS r), "
    "(SELECT MAX(s.loaded_at) FROM loaded_source AS s)"
)
ADD = query(
    "INSERT INTO export_run (number, export, at, data_at, rows, digest, file, outcome, reason) "
    "VALUES ($number, $export, $at, $data_at, $rows, $digest, $file, $outcome, $reason)"
)
SET_DONE = query("UPDATE export_run SET outcome = 'done' WHERE number = $number")
_RUNS = (
    "SELECT r.number, r.export, r.at, r.data_at, r.rows, r.digest, r.file, r.outcome, r.reason "
    "FROM export_run AS r "
)
LAST = query(
    f"{_RUNS} WHERE r.number IN (SELECT MAX(x.number) FROM export_run AS x GROUP BY x.export) "
    "ORDER BY r.export"
)
OF_ONE = query(f"{_RUNS} WHERE r.export = $export ORDER BY r.number DESC LIMIT 100")
UNFINISHED = query(f"{_RUNS} WHERE r.export = $export AND r.outcome = 'writing' ORDER BY r.number")
# Tables have no digest.
FILES = query(
    "SELECT DISTINCT r.file FROM export_run AS r WHERE NOT r.digest IS NULL ORDER BY r.file"
)
# Enough to see when something began to fail.
TRIM = query(
    "DELETE FROM export_run WHERE export_run.export = $export AND NOT export_run.number IN ("
    "SELECT r.number FROM export_run AS r WHERE r.export = $export ORDER BY r.number DESC LIMIT 100)"
)
