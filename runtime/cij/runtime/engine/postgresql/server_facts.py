"""What `cij doctor` tells of a server: its version, and settings by which it may lose what it confirmed."""

from dataclasses import dataclass

from cij.compiler.sql import query
from cij.runtime.engine.protocol import Engine

_VERSION = query("SELECT s.setting FROM pg_settings AS s WHERE s.name = 'server_version'")
# Each says how a failure of the machine could take back a claim after the message has left.
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
        f"{name} is {value}: if its machine fails, the store may go back, and the next run is refused"
        for name, value in engine.rows(_SAFE)
    ]
    return [Fact(f"PostgreSQL {version}"), *(Fact(text, True) for text in risks)]
