"""The environments of the places where expressions stand."""

from cij.compiler import program as pg
from cij.compiler.build import Build
from cij.compiler.declarations.measure import typed_measure
from cij.compiler.typecheck import Environment


def source_environment(build: Build, source: pg.Source) -> Environment:
    """Return the environment of a source's filter, a mapping or an event's definition."""
    return Environment(build.model, build.diagnostics, build.declared, typed_measure, source=source)


def customer_environment(build: Build) -> Environment:
    """Return the environment of a condition about a customer."""
    return Environment(
        build.model, build.diagnostics, build.declared, typed_measure, has_customer=True
    )
