"""A setting that is a text, or the name of a variable that has it."""

from cij.compiler.declarations.body import Body
from cij.grammar import syntax


def written_or_named(body: Body, key: str) -> str | None:
    """Return a text, or `env:NAME` for `env("NAME")`, which is read when the program runs."""
    value = body.settings[key].value
    if isinstance(value, syntax.Call) and value.function.text == "env" and value.arguments:
        name = value.arguments[0].value
        if isinstance(name, syntax.Text):
            return f"env:{name.value}"
    return body.text(key)
