"""`renamed shop to store` in a profile: the customers of a source stay the same people (S26)."""

from collections.abc import Sequence

from cij.compiler import program as pg
from cij.compiler.naming import did_you_mean
from cij.compiler.pass_state import Build
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Label


def renamed_sources(
    clauses: Sequence[syntax.Renamed], mapped: Sequence[str], build: Build
) -> tuple[pg.RenamedSource, ...]:
    """Return each older name of a source with its name of now, also over several changes."""
    ways: dict[str, syntax.Renamed] = {}
    for clause in clauses:
        if _is_free(clause, ways, build):
            ways[clause.old.text] = clause
    found = []
    for old, clause in ways.items():
        new = _name_of_now(clause.new.text, ways)
        if new in mapped:
            found.append(pg.RenamedSource(old=old, new=new))
        elif new in build.model.sources or new not in build.declared["source"]:
            # A source that was declared with a mistake has been reported already.
            message = f"the profile has no `from {clause.new.text}`"
            hint = did_you_mean(clause.new.text, mapped)
            build.report(codes.UNKNOWN_NAME.at(clause.new.span, message, help=hint))
    return tuple(found)


def _is_free(clause: syntax.Renamed, ways: dict[str, syntax.Renamed], build: Build) -> bool:
    """Report an old name that is in use, or that has been given away already."""
    old = clause.old
    if old.text in build.declared["source"]:
        message = f"`{old.text}` is the name of a source, so it is not an older name of another"
        build.report(codes.BAD_SETTING.at(old.span, message))
        return False
    if old.text in ways:
        related = [Label(ways[old.text].span, "first here")]
        message = f"`{old.text}` is renamed twice"
        build.report(codes.DUPLICATE_NAME.at(old.span, message, related=related))
        return False
    return True


def _name_of_now(name: str, ways: dict[str, syntax.Renamed]) -> str:
    seen: set[str] = set()
    while name in ways and name not in seen:
        seen.add(name)
        name = ways[name].new.text
    return name
