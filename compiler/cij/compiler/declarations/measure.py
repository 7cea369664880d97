"""`measure`: a number per customer."""

from cij.compiler import program as pg
from cij.compiler.declarations.environments import customer_environment
from cij.compiler.declarations.explain_lines import Lines, heading
from cij.compiler.declarations.typed_measure import typed_measure
from cij.compiler.model import Model
from cij.compiler.pass_state import Build
from cij.compiler.unparse import words
from cij.grammar import syntax


def define(node: syntax.Declaration, build: Build) -> None:
    """Add the measure to the model, or report what is wrong with it."""
    typed_measure(node.name.text, customer_environment(build))


def explain(measure: pg.Measure, source: Model) -> Lines:
    yield heading("measure", measure.name, measure.place)
    yield f"For each customer, {measure.value.type}: {words(measure.value)}"
    if measure.value.is_nullable:
        yield "It is missing where a part of it is missing."
