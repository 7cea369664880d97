"""The environments of the places where expressions stand."""

from dataclasses import replace

from cij.compiler import program as pg
from cij.compiler.declarations.typed_measure import typed_measure
from cij.compiler.pass_state import Build
from cij.compiler.typecheck import Environment


def source_environment(build: Build, source: pg.Source) -> Environment:
    """Return the environment of a source's filter, a mapping or an event's definition."""
    return replace(customer_environment(build), source=source, has_customer=False)


def customer_environment(build: Build) -> Environment:
    """Return the environment of a condition about a customer."""
    return Environment(
        build.model,
        build.diagnostics,
        build.declared,
        typed_measure,
        has_customer=True,
        broken=build.broken,
        catalog=build.catalog,
    )
