"""What `cij doctor` tells of a server: its version, and settings that can lose confirmed data."""

from dataclasses import dataclass

from cij.compiler.sql import query
from cij.runtime.engine.protocol import Engine

_VERSION = query("SELECT s.setting FROM pg_settings AS s WHERE s.name = 'server_version'")
# With one of these off, a failure of the machine can lose a claim whose message has left.
_SAFE = query(
    "SELECT s.name, s.setting FROM pg_settings AS s "
    "WHERE s.name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND s.setting = 'off' "
    "ORDER BY s.name"
)


@dataclass(frozen=True, slots=True)
class Fact:
    """A sentence about the server; `is_risk` where it should be changed."""

    text: str
    is_risk: bool = False


def facts_of(engine: Engine) -> list[Fact]:
    """Return the version of the server, and each setting that is not safe."""
    version = engine.rows(_VERSION)[0][0]
    risks = [
        f"{name} is {value}: the server can lose data that it confirmed if its machine fails; "
        "the next run is then refused"
        for name, value in engine.rows(_SAFE)
    ]
    return [Fact(f"PostgreSQL {version}"), *(Fact(text, True) for text in risks)]
