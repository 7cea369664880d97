"""Exports into tables of a database: all rows in one transaction."""

import os
from collections.abc import Sequence

from cij.compiler.program import Export, Program
from cij.runtime.engine import ArrowStream
from cij.runtime.errors import ConfigError
from cij.runtime.private_values import note

_VARIABLE = "env:"


def write_table_rows(
    export: Export, program: Program, rows: ArrowStream, names: Sequence[str]
) -> int:
    """Replace the rows of the table of an export, and return how many it has then.

    Raises: ConfigError where the variable with the address is not set; DataError; OSError.
    """
    # The driver takes a tenth of a second to load.
    from cij.runtime.engine.postgres_table import replace_rows

    mark = f"made by the export {export.name} of the project {program.project}"
    return replace_rows(_address(export), export.table, rows, names, mark)


def _address(export: Export) -> str:
    name = export.database.removeprefix(_VARIABLE)
    if name not in os.environ:
        raise ConfigError(f"export {export.name} needs the variable {name} ({export.place})")
    return note(name, os.environ[name])
