"""`cij catalog`: the names that conditions and messages may use, and statistics of source
columns."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from cij.app.catalog_file import described
from cij.app.catalog_listing import Rows, as_json as plain, event_fields, listing, profile_fields
from cij.app.project_files import CATALOG_NAME
from cij.app.tracking_plan import tracking_plan
from cij.cli.exits import Exit
from cij.cli.render.plain_table import table
from cij.compiler.column_statistics import Catalog, ColumnStatistics
from cij.compiler.model import Model
from cij.compiler.naming import near_hint
from cij.compiler.unparse import words

_REFRESH, _EVENTS = "refresh", "events"


@click.command(
    epilog="""\b
Examples:
  cij catalog
  cij catalog examples/loyalty --json
  cij catalog events --format json-schema   # a tracking plan for those who send events
  cij catalog refresh                  # look at the rows of all sources
  cij catalog refresh --check          # exit code 1 if the data have changed since"""
)
@click.argument("words_", nargs=-1, metavar="[refresh|events] [PATH]")
@click.option(
    "--format", "form", type=click.Choice(["json-schema"]), help="With `events`: this form."
)
@click.option("--json", "as_json", is_flag=True, help="Print the catalog as JSON.")
@click.option("--check", "is_dry", is_flag=True, help="Write nothing; exit 1 if refresh would.")
def command(words_: tuple[str, ...], form: str | None, as_json: bool, is_dry: bool) -> None:
    """List what the project at PATH knows: sources, customer fields, events, segments, messages.

    `refresh` reads the rows of the sources and writes what their columns hold to catalog.lock.json,
    which belongs in git: types, the share of rows without a value, the smallest and largest number
    or date, and the values of small enums. It writes no values of personal columns. Some names are
    known as personal; `personal = [col]` in a source adds others.

    `events --format json-schema` prints the events that the project takes, for those who send them.
    """
    is_refresh, is_events = words_[:1] == (_REFRESH,), words_[:1] == (_EVENTS,)
    paths = words_[1:] if is_refresh or is_events else words_
    if len(paths) > 1:
        raise click.UsageError("give one PATH")
    if is_dry and not is_refresh:
        raise click.UsageError("--check needs `refresh`")
    if is_events != (form is not None):
        raise click.UsageError("write `cij catalog events --format json-schema`")
    path = Path(paths[0] if paths else ".")
    if is_events:
        click.echo(json.dumps(tracking_plan(path), ensure_ascii=False, indent=2))
        return
    hint = None if is_refresh or path.exists() else near_hint(str(path), [_REFRESH, _EVENTS])
    if hint:
        raise click.UsageError(f"there is no folder `{path}`; {hint}")
    if is_refresh:
        _refresh(path, as_json, is_dry)
        return
    found = listing(path)
    if count := found.error_count:
        text = f"The project has {count} error{'s' if count > 1 else ''}; see `cij check`."
        click.echo(text, err=True)
    for line in found.stale:
        click.echo(line, err=True)
    if as_json:
        click.echo(json.dumps(plain(found), ensure_ascii=False, indent=2))
    else:
        click.echo(_text(found.model, found.catalog), nl=False)


def _refresh(path: Path, as_json: bool, is_dry: bool) -> None:
    # Only a refresh reads data, so only it loads an engine.
    from cij.app.catalog_refresh import refresh_catalog

    report = refresh_catalog(path, is_dry=is_dry)
    if as_json:
        sources = {
            name: {c: described(seen) for c, seen in columns.items()}
            for name, columns in report.columns.items()
        }
        content = {"version": 1, "is_changed": report.is_changed, "sources": sources}
        click.echo(json.dumps(content, ensure_ascii=False, indent=2))
    elif not is_dry:
        for name, columns in report.columns.items():
            rows = [(n, seen.type, *_seen_words(seen)) for n, seen in columns.items()]
            click.echo(table(f"source {name}", ("column", "type", "unknown", "holds"), rows))
    for message in report.failures:
        click.echo(f"cij: error: {message}", err=True)
    if not as_json and (report.is_changed or not report.failures):
        click.echo(_outcome(report.is_changed, is_dry))
    # A source that cannot be read is more serious than an outdated file.
    if report.failures:
        raise click.exceptions.Exit(Exit.DATA)
    if is_dry and report.is_changed:
        raise click.exceptions.Exit(Exit.ERRORS)


def _outcome(is_changed: bool, is_dry: bool) -> str:
    if not is_changed:
        return f"{CATALOG_NAME} is up to date"
    return (
        f"{CATALOG_NAME} is stale: run `cij catalog refresh`" if is_dry else f"Wrote {CATALOG_NAME}"
    )


def _seen_words(seen: ColumnStatistics | None) -> tuple[str, str]:
    """Return (share of unknown values, values of the column) in words."""
    if seen is None or seen.unknown_share is None:
        return "", ""
    return f"{seen.unknown_share:.1%}", _holds(seen)


def _holds(seen: ColumnStatistics) -> str:
    if seen.is_personal:
        return "personal"
    if seen.values:
        return ", ".join(seen.values)
    return f"{seen.low} to {seen.high}" if seen.low is not None else ""


# --- as tables --------------------------------------------------------------------------------


def _text(model: Model, catalog: Catalog) -> str:
    parts = [table(title, heads, rows) for title, heads, rows in _tables(model, catalog) if rows]
    return "\n".join(parts) or "The project declares nothing yet.\n"


def _tables(model: Model, catalog: Catalog) -> list[tuple[str, Sequence[str], Rows]]:
    found: list[tuple[str, Sequence[str], Rows]] = []
    for source in model.sources.values():
        seen = catalog.get(source.name, {})
        columns = [
            (c.name, str(c.type), _key(c.name, source.key), *_seen_words(seen.get(c.name)))
            for c in source.columns
        ]
        where = [v for k in ("path", "table") if (v := source.settings.get(k))]
        head = f"source {source.name} ({', '.join([source.kind, *where])})"
        found.append((head, ("column", "type", "", "unknown", "holds"), columns))
    for entity in model.entities.values():
        rows = [(f.name, str(f.type)) for f in entity.fields]
        found.append((f"entity {entity.name} ({entity.source})", ("field", "type"), rows))
    name = model.profile.name if model.profile else "customer"
    found.append((f"profile {name}", ("field", "type", "from"), profile_fields(model)))
    found.append(("events", ("event", "fields", "from"), _events(model)))
    measures = [(m.name, str(m.value.type), words(m.value)) for m in model.measures.values()]
    found.append(("measures", ("measure", "type", "value"), measures))
    segments = [(s.name, words(s.condition)) for s in model.segments.values()]
    found.append(("segments", ("segment", "condition"), segments))
    found.append(("messages", ("message", "channel", "topic", "locales"), _messages(model)))
    return found


def _key(name: str, key: str) -> str:
    return "key" if name == key else ""


def _events(model: Model) -> Rows:
    return [
        (
            event.name,
            ", ".join(f"{name} {type}" for name, type in event_fields(event)),
            event.source or ("built in" if event.is_interaction else "intake"),
        )
        for event in model.events.values()
    ]


def _messages(model: Model) -> Rows:
    return [
        (m.name, m.channel, m.topic, ", ".join(c.locale for c in m.locales))
        for m in model.messages.values()
    ]
