"""`on = created | updated | deleted`: events that are changes of a source's records."""

from typing import Literal, cast

from cij.compiler import program as pg
from cij.compiler.declarations.body import Body
from cij.compiler.naming import column_mark, did_you_mean
from cij.compiler.pass_state import Build
from cij.grammar import codes, syntax

SETTINGS = ("on", "changes", "existing")
_CHANGES = ("created", "updated", "deleted")


def record_change(body: Body, source: pg.Source, build: Build) -> pg.RecordChange | None:
    """Return which changes an event is about; None where it is about rows that are events."""
    on = body.choice("on", _CHANGES)
    if on is None:
        if "on" not in body.settings:
            _refuse(body, SETTINGS[1:], "on = updated", build)
        return None
    _refuse(body, ("changes",) if on != "updated" else (), "on = updated", build)
    _refuse(body, ("existing",) if on != "created" else (), "on = created", build)
    return pg.RecordChange(
        on=cast(Literal["created", "updated", "deleted"], on),
        columns=_columns(body, source, build) if on == "updated" else (),
        existing=_existing(body) if on == "created" else False,
    )


def own_customer(body: Body, source: pg.Source, build: Build) -> pg.CustomerReference | None:
    """Return the customer of the record itself, where the profile is made of this source."""
    profile = build.model.profile
    is_mapped = profile is not None and source.name in {m.source for m in profile.mappings}
    if "customer" in body.settings or not is_mapped:
        return None
    return pg.CustomerReference(source=source.name, column=source.key)


def _refuse(body: Body, keys: tuple[str, ...], with_: str, build: Build) -> None:
    for key in keys:
        if key in body.settings:
            message = f"`{key}` needs `{with_}`"
            build.report(codes.UNKNOWN_SETTING.at(body.settings[key].span, message))


def _existing(body: Body) -> bool:
    setting = body.settings.get("existing")
    if setting is None:
        return False
    if not isinstance(setting.value, syntax.Boolean):
        body.wrong(setting, "true or false")
        return False
    return setting.value.value


def _columns(body: Body, source: pg.Source, build: Build) -> tuple[str, ...]:
    known = {c.name for c in source.columns}
    found: list[str] = []
    for path in body.names("changes") or ():
        if path.text in known:
            found.append(path.text)
        elif column_mark(source.name, path.text) not in build.broken:
            hint = did_you_mean(path.text, known)
            message = f"source `{source.name}` has no column `{path.text}`"
            build.report(codes.UNKNOWN_NAME.at(path.span, message, help=hint))
    return tuple(found)
