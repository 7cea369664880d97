"""Environments: `[env.NAME]` in cij.toml says what differs from the settings at the top of the file.

    cij.toml --[env.prod] laid over the tables at the top--> one set of settings

A table of an environment replaces single keys; a transport is replaced as a whole, so that no address of one
provider meets the password of another. Without a path of its own the state is in `.cij/NAME`, and on a
server in the schema `cij_NAME`: two environments never share a state by accident.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cij.app.project_files import FILE_NAME
from cij.app.toml_places import KeyPath, line_of
from cij.compiler.naming import did_you_mean
from cij.runtime.errors import ConfigError
from cij.runtime.state_folder import STATE, fault_of

TABLE = "env"
_PROTECTED = "protected"
# The meaning of a project and its rules of approval are the same everywhere.
_SHARED = ("project", "review", TABLE)
_STORE, _ON_SERVER = "store", "postgresql"
# PostgreSQL cuts longer names, and the server adds to them (`cij.app.store_table`).
_SCHEMA_MAX = 48


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment that settings are of. `name` is None for those at the top of the file.

    `known` are all names. A `protected` one runs only programs that `cij apply` has put there.
    """

    name: str | None = None
    is_protected: bool = False
    known: tuple[str, ...] = ()


def laid_over(
    data: Mapping[str, Any], lines: dict[KeyPath, int], name: str | None
) -> tuple[dict[str, Any], Environment]:
    """Return the settings of an environment and what it is. `lines` gets the lines of what it replaces.

    Raises: ConfigError for an unknown environment, or one that is no table of tables.
    """
    rest = {key: value for key, value in data.items() if key != TABLE}
    tables = data.get(TABLE, {})
    for problem in _faults(tables, lines):
        raise ConfigError(problem)
    if name is None:
        return rest, Environment(known=tuple(tables))
    if name not in tables:
        hint = did_you_mean(name, tables) or f"{FILE_NAME} has {_listed(tables)}"
        raise ConfigError(f"there is no environment `{name}`; {hint}")
    own = tables[name]
    for path, line in list(lines.items()):
        if path[:2] == (TABLE, name):
            lines[path[2:]] = line
    for key, value in own.items():
        if key != _PROTECTED:
            rest[key] = _over(rest.get(key), value)
    if isinstance(store := rest.get(_STORE, {}), dict):
        rest[_STORE] = {**store, **_own_place(store, own.get(_STORE, {}), name, tables)}
    return rest, Environment(name, bool(own.get(_PROTECTED, False)), tuple(tables))


def _own_place(
    store: Mapping[str, Any], own: Mapping[str, Any], name: str, tables: Mapping[str, Any]
) -> dict[str, str]:
    """Return where the store of an environment is, as far as its table does not say it.

    Raises: ConfigError where no name of a schema can be made.
    """
    place = {} if "path" in own else {"path": (STATE / name / "state.duckdb").as_posix()}
    if store.get("kind") == _ON_SERVER and not {"schema", "dsn"} & own.keys():
        place["schema"] = _schema(str(store.get("schema", "cij")), name, tables)
    return place


def _schema(top: str, name: str, tables: Mapping[str, Any]) -> str:
    found = f"{top}_{_underlined(name)}"
    alike = [other for other in tables if _underlined(other) == _underlined(name)]
    if len(found) <= _SCHEMA_MAX and len(alike) == 1:
        return found
    why = "is too long" if len(found) > _SCHEMA_MAX else f"would be that of {' and '.join(alike)}"
    raise ConfigError(
        f"{FILE_NAME}: the schema `{found}` of the environment `{name}` {why}; "
        f"write `schema` into [env.{name}.store]"
    )


def _underlined(name: str) -> str:
    return name.replace("-", "_")


def _over(top: Any, own: Any) -> Any:
    if not isinstance(top, dict) or not isinstance(own, dict):
        return own
    return {**top, **own}


def _listed(tables: Mapping[str, Any]) -> str:
    return ", ".join(f"`{name}`" for name in tables) or "none: write `[env.prod]`"


def _faults(tables: Any, lines: Mapping[KeyPath, int]) -> list[str]:
    if not isinstance(tables, dict):
        return [_at(lines, (TABLE,), f"`{TABLE}` is a table of environments: write `[env.prod]`")]
    found = []
    for name, own in tables.items():
        path = (TABLE, name)
        if fault := fault_of(name):
            found.append(_at(lines, path, fault))
        elif not isinstance(own, dict):
            found.append(_at(lines, path, f"`{name}` is an environment, so write `[env.{name}]`"))
        elif not isinstance(own.get(_PROTECTED, False), bool):
            found.append(_at(lines, (*path, _PROTECTED), "`protected` is true or false"))
        else:
            found += [_shared(lines, path, key) for key in own if key in _SHARED]
    return found


def _shared(lines: Mapping[KeyPath, int], path: KeyPath, key: str) -> str:
    return _at(
        lines, (*path, key), f"`[{key}]` is the same in all environments: move it to the top"
    )


def _at(lines: Mapping[KeyPath, int], path: KeyPath, message: str) -> str:
    return f"{FILE_NAME}:{line_of(dict(lines), path)}: {message}"
