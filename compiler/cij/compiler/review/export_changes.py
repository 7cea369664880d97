"""Changes of exports: whose data leave the project, which, to where, and when.

An export sends no message, so nothing changes for customers. What a reviewer decides is who may have the data.
"""

from collections.abc import Iterator

from cij.compiler import program as pg
from cij.compiler.review.both_sides import Context, where
from cij.compiler.review.change_class import ChangeClass
from cij.compiler.review.review_report import Action, Change
from cij.compiler.unparse import schedule_words
from cij.compiler.wording import listed


def export_added(name: str, new: pg.Export, context: Context) -> Change:
    """Return the change of a new export."""
    return _change(
        new,
        "added",
        "policy",
        f"new export `{name}`",
        f"Of {_people(new)}, {_columns(new)} are written to {new.target}, {_when(new)}.",
        decide=f"May whoever reads {new.target} have these data?",
    )


def export_removed(name: str, old: pg.Export, context: Context) -> Change:
    """Return the change of an export that is gone. What it has written stays."""
    effect = f"Nothing is written to {old.target} any more. What was written stays there."
    decide = f"Does nobody need {old.target} any more?"
    return _change(
        old, "removed", "structure removed", f"export `{name}` is gone", effect, decide=decide
    )


def export_changes(name: str, old: pg.Export, new: pg.Export, context: Context) -> Iterator[Change]:
    """Yield a change for each answer that differs: whose data, which, to where, how, and when."""
    what = f"export `{name}`"
    if _people(old) != _people(new):
        effect = f"{new.target} gets the data of other people."
        decide = f"May whoever reads {new.target} have the data of {_people(new)}?"
        shown = _people(old), _people(new)
        yield _change(
            new, "changed", "policy", f"{what} is about others", effect, shown, decide=decide
        )
    if old.fields != new.fields:
        shown = _columns(old), _columns(new)
        decide = _decide_fields(old, new)
        what_now = f"{what} has other columns"
        yield _change(
            new, "changed", "policy" if decide else "content", what_now, _of_fields(old, new), shown,
            decide=decide,
        )  # fmt: skip
    if (old.target, old.database, old.kind) != (new.target, new.database, new.kind):
        effect = "Whoever reads the new place gets the data. What was written to the old one stays."
        decide = "May whoever reads the new place have these data?"
        shown = _place(old), _place(new)
        yield _change(
            new, "changed", "policy", f"{what} goes elsewhere", effect, shown, decide=decide
        )
    if old.rows != new.rows:
        effect = (
            "A file has only who was added, changed or removed since the last run."
            if new.rows == "changes"
            else "Each run writes all rows, and not only what has changed."
        )
        yield _change(
            new, "changed", "content", f"{what} has other rows", effect, (old.rows, new.rows)
        )
    if (old.when, old.every) != (new.when, new.every):
        effect = f"It is written {_when(new)}."
        shown = _when(old), _when(new)
        yield _change(new, "changed", "timing", f"{what} is written at other times", effect, shown)


def _change(
    export: pg.Export,
    action: Action,
    change_class: ChangeClass,
    what: str,
    effect: str,
    shown: tuple[str | None, str | None] = (None, None),
    *,
    decide: str = "",
) -> Change:
    return Change(
        address=f"export.{export.name}",
        action=action,
        change_class=change_class,
        what=what,
        before=shown[0],
        after=shown[1],
        effect=f"{effect} Nobody gets another message by it.",
        who=f"{_people(export)}: their data, and not what they are sent",
        decide=decide,
        place=where(export.place),
    )


def _of_fields(old: pg.Export, new: pg.Export) -> str:
    added, gone = _added(old, new), [f for f in old.fields if f not in new.fields]
    found = [f"{listed(added)} of each person leaves as well."] if added else []
    found += [f"{listed(gone)} is not written any more."] if gone else []
    return " ".join(found) or "The same columns come in another order."


def _decide_fields(old: pg.Export, new: pg.Export) -> str:
    added = _added(old, new)
    return f"May whoever reads {new.target} have {listed(added)}?" if added else ""


def _added(old: pg.Export, new: pg.Export) -> list[str]:
    return [field for field in new.fields if field not in old.fields]


def _people(export: pg.Export) -> str:
    members = f"the members of segment `{export.segment}`"
    return members if export.segment is not None else "all customers"


def _columns(export: pg.Export) -> str:
    if export.measure is not None:
        return f"figures of measure `{export.measure}` by `{export.by}`"
    return listed(("id", *export.fields))


def _place(export: pg.Export) -> str:
    return f"{export.target}, as {export.kind}"


def _when(export: pg.Export) -> str:
    if export.every is not None:
        return schedule_words(export.every)
    return "after each refresh" if export.when == "refresh" else "by command only"
