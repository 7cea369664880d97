"""Models of dbt: what dbt has made of one is read where it is. Settings: manifest, model, path or database.

The manifest says which relation a model is, and of which kind its database is; the reader of that kind
reads. So a project names models, and dbt may move them into other schemas.
"""

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from cij.compiler.program import Source
from cij.compiler.source_kinds import SOURCE_KINDS
from cij.runtime.sources.reader import (
    ColumnName,
    Kind,
    Reading,
    failure,
    one_of_files,
    path_of,
)

# Where a database is; each kind of source that dbt may work on needs one of the two.
_PLACES = ("path", "database")
_MADE = ("model", "seed", "snapshot")


def read(source: Source, root: Path) -> AbstractContextManager[Reading]:
    """Open the relation of the model. Raises DataError when there is none."""
    kind, table = _resolved(source, root)
    return kind.read(table, root)


def fingerprint(source: Source, root: Path) -> str:
    """Which relation the model is, and the fingerprint of that."""
    kind, table = _resolved(source, root)
    return f"{table.kind} {table.settings['table']} {kind.fingerprint(table, root)}"


def names(source: Source, root: Path) -> list[ColumnName]:
    """Return the columns of the relation with their types."""
    kind, table = _resolved(source, root)
    return kind.names(table, root)


KIND = Kind(read, fingerprint, names)


def _resolved(source: Source, root: Path) -> tuple[Kind, Source]:
    """Return the source that the relation of the model is, and its kind."""
    # It is one of the kinds itself.
    from cij.runtime.sources import KINDS

    manifest = _manifest(source, root)
    adapter = str(manifest["metadata"].get("adapter_type"))
    known = [word for word, row in SOURCE_KINDS.items() if "table" in row.either]
    if adapter not in known:
        listed = ", ".join(known)
        raise failure(source, f"its dbt project is for {adapter}; what can be read is {listed}")
    kind, [where] = adapter, [w for w in _PLACES if w in SOURCE_KINDS[adapter].needed]
    if where not in source.settings:
        raise failure(
            source, f"its dbt project is for {adapter}, so it needs the setting `{where}`"
        )
    table = _relation(_node(source, manifest), is_in_schema=kind != "sqlite")
    settings = {where: source.settings[where], "table": table}
    rest = {k: v for k, v in source.settings.items() if k not in ("manifest", "model", *_PLACES)}
    return KINDS[kind], source.model_copy(update={"kind": kind, "settings": settings | rest})


def _manifest(source: Source, root: Path) -> dict[str, Any]:
    name = source.settings["manifest"]
    path = path_of(one_of_files(source, name), root)
    try:
        found = json.loads(path.read_bytes())
        if isinstance(found["metadata"], dict) and isinstance(found["nodes"], dict):
            return dict(found)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise failure(source, f"{name} is no manifest of dbt") from error
    raise failure(source, f"{name} is no manifest of dbt")


def _node(source: Source, manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the one node with the name of the model, which may have its package before it."""
    package, _, name = source.settings["model"].rpartition(".")
    nodes = [n for n in manifest["nodes"].values() if isinstance(n, dict)]
    made = [n for n in nodes if n.get("resource_type") in _MADE]
    found = [n for n in made if n.get("name") == name and package in ("", n.get("package_name"))]
    if not found:
        names = ", ".join(sorted({str(n.get("name")) for n in made})[:20])
        raise failure(source, f"there is no model {source.settings['model']}; there are {names}")
    if len(found) > 1:
        packages = " or ".join(f'"{n.get("package_name")}.{name}"' for n in found)
        raise failure(source, f"several packages have a model {name}: write {packages}")
    if (found[0].get("config") or {}).get("materialized") == "ephemeral":
        raise failure(source, f"the model {name} is ephemeral: dbt makes no table of it")
    return found[0]


def _relation(node: dict[str, Any], *, is_in_schema: bool) -> str:
    table = str(node.get("alias") or node.get("name"))
    return f"{node['schema']}.{table}" if is_in_schema and node.get("schema") else table
