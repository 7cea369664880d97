"""`fragment`: steps that several journeys run. `steps/run.py` resolves them where they are run."""

from cij.compiler.library import file_of_module
from cij.compiler.pass_state import Build
from cij.grammar import codes, syntax


def define(node: syntax.Fragment, build: Build) -> None:
    """Do nothing: what a fragment means depends on the journey that runs it."""


def check_unused(build: Build) -> None:
    """Report fragments that no journey runs. All journeys are resolved."""
    borrowed = {file_of_module(module) for module in build.used}
    for name, node in build.fragments.items():
        is_own = node.name.span.file not in borrowed
        if is_own and name not in build.run_fragments:
            message = f"no journey runs the fragment `{name}`, so it cannot be checked"
            hint = f"add `run {name}` to a journey, or remove it"
            build.report(codes.UNUSED_FRAGMENT.at(node.name.span, message, help=hint))
