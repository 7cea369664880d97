"""The table `[store]` of cij.toml: where the store of a project is."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class StoreTable(BaseModel):
    """`[store]`. The path is relative to the project folder.

    Without `memory_mb` and `threads` the engine uses at most 80% of the memory of the machine, and
    all its cores. Data that does not fit is written to disk, beside the state file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["duckdb", "postgresql"] = "duckdb"
    path: str = ".cij/state.duckdb"
    # The address of the database, where the store is in PostgreSQL, and the schema of its tables. With an
    # empty address the driver would look for a server on this machine.
    dsn: str | None = Field(default=None, repr=False, min_length=1)
    schema_: str = Field(default="cij", alias="schema", pattern=r"^[a-z_][a-z0-9_]{0,47}$")
    memory_mb: int | None = Field(default=None, ge=256)
    threads: int | None = Field(default=None, ge=1, le=1024)

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if self.is_shared != (self.dsn is not None):
            raise ValueError(
                'a store with kind = "postgresql" needs `dsn`, such as "env:CIJ_STORE_DSN", and no '
                "other kind has it"
            )
        return self

    @property
    def is_shared(self) -> bool:
        """Tell whether the store is on a server, so that others can read it while a run writes."""
        return self.kind == "postgresql"
