"""The columns of a Parquet file as rows of text, with DuckDB's reader."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cij.runtime.engine.protocol import ArrowStream

# Columns of columns are looked into no deeper.
_DEPTH_MAX = 5


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class _Column:
    """`value` is the expression of its values, `type` its type in words of DuckDB."""

    value: str
    type: str


class ParquetColumns:
    """The columns of an open file by their paths, and those inside of structures."""

    def __init__(
        self, run: Callable[[str], list[tuple[str, ...]]], stream: Callable[[str], ArrowStream]
    ) -> None:
        self._stream = stream
        found = run("DESCRIBE SELECT * FROM parquet")
        self._columns: dict[str, _Column] = {}
        self._inner: set[str] = set()
        level = {name: _Column(quoted(name), type) for name, type, *_ in found if name != _NUMBER}
        self._own = set(level)
        for _ in range(_DEPTH_MAX):
            self._columns |= level
            level = self._members(level, run)

    def _members(
        self, level: dict[str, _Column], run: Callable[[str], list[tuple[str, ...]]]
    ) -> dict[str, _Column]:
        found = {}
        for path, column in level.items():
            if column.type.startswith("STRUCT(") and not column.type.endswith("]"):
                self._inner.add(path)
                for name, type, *_ in run(f"DESCRIBE SELECT UNNEST({column.value}) FROM parquet"):
                    value = f"struct_extract({column.value}, {_text(name)})"
                    found[f"{path}.{name}"] = _Column(value, type)
        # A column with a point in its own name comes before a path.
        return {path: column for path, column in found.items() if path not in self._columns}

    def has(self, path: str) -> bool:
        return path in self._columns

    def paths(self) -> list[str]:
        """Return the paths of all columns that hold values."""
        return [path for path in self._columns if path not in self._inner]

    def type_of(self, path: str) -> str:
        return self._columns[path].type

    def roots(self, paths: Sequence[str]) -> list[str]:
        """Return the columns that hold these paths, each once."""
        return list(dict.fromkeys(p if p in self._own else p.split(".")[0] for p in paths))

    def rows(self, paths: Sequence[str]) -> ArrowStream:
        """Return `ordinal`, then the texts of columns as r0, r1, ..."""
        texts = (_as_text(self._columns[path]) for path in paths)
        picks = "".join(f", {text} AS r{n}" for n, text in enumerate(texts))
        return self._stream(f"SELECT {_NUMBER} AS ordinal{picks} FROM parquet")


_NUMBER = "file_row_number"
VIEW = (
    "CREATE VIEW parquet AS SELECT * "
    f"FROM read_parquet({{path}}, hive_partitioning = false, {_NUMBER} = true)"
)
# Of other tables that have columns of columns: numbered as they come.
NUMBERED = (
    f"CREATE OR REPLACE TEMP VIEW parquet AS SELECT *, ROW_NUMBER() OVER () - 1 AS {_NUMBER} "
    "FROM {table}"
)


def _as_text(column: _Column) -> str:
    value, type = column.value, column.type
    plain = f"CAST({value} AS VARCHAR)"
    if type.endswith("]") or type.startswith(("STRUCT(", "MAP(", "UNION(")):
        return f"CAST(to_json({value}) AS VARCHAR)"
    if type == "TIMESTAMP WITH TIME ZONE":
        # The text of such an instant would depend on the zone of this machine.
        return f"CAST(make_timestamp(epoch_us({value})) AS VARCHAR) || 'Z'"
    if type == "BLOB":
        return f"COALESCE(TRY(decode({value})), {plain})"
    if type in ("FLOAT", "DOUBLE"):
        number = f"TRY_CAST({value} AS DECIMAL(38, 10))"
        is_exact = f"CAST({number} AS {type}) = {value}"
        return (
            f"CASE WHEN contains({plain}, 'e') AND {is_exact} "
            f"THEN CAST({number} AS VARCHAR) ELSE {plain} END"
        )
    return plain


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
