"""Values of the store as people and JSON write them."""

import re
from datetime import datetime
from decimal import Decimal

from cij.runtime.engine.duckdb.table_file import FORMULA, HARMLESS


def plain(cell: object) -> object:
    """Return a value that JSON has: no zeros at the end of a number, instants in UTC.

    A number with a fraction is a text, so that no reader rounds it.
    """
    if isinstance(cell, datetime):
        return f"{cell.isoformat()}Z"
    if not isinstance(cell, Decimal):
        return cell if isinstance(cell, bool | int | None) else str(cell)
    text = f"{cell:f}"
    return text.rstrip("0").rstrip(".") if "." in text else int(cell)


def defused(cell: object) -> object:
    """Return a cell of CSV that no spreadsheet takes for a formula."""
    is_formula = isinstance(cell, str) and re.search(FORMULA, cell)
    return f"'{cell}" if is_formula and not re.search(HARMLESS, str(cell)) else cell
