"""`cij catalog`: what conditions and messages may name; and the columns of sources, looked up."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cij.cli.compiling import CATALOG_NAME, compile_path
from cij.cli.exits import Exit
from cij.cli.render.table import table
from cij.compiler.model import Model
from cij.compiler.program import Event
from cij.compiler.wording import words

_REFRESH = "refresh"
Rows = Sequence[Sequence[str]]


@click.command(
    epilog="""\b
Examples:
  cij catalog
  cij catalog examples/loyalty --json
  cij catalog refresh                  # look up the columns of sources that declare none"""
)
@click.argument("words_", nargs=-1, metavar="[refresh] [PATH]")
@click.option("--json", "as_json", is_flag=True, help="Print the catalog as JSON.")
def command(words_: tuple[str, ...], as_json: bool) -> None:
    """List what the project at PATH knows: sources, customer fields, events, segments, messages.

    `refresh` reads the files of sources without a `columns` block and writes the columns and
    their types to catalog.lock.json, which belongs into git.
    """
    is_refresh = words_[:1] == (_REFRESH,)
    paths = words_[1:] if is_refresh else words_
    if len(paths) > 1:
        raise click.UsageError("give one PATH")
    path = Path(paths[0] if paths else ".")
    if is_refresh:
        _refresh(path)
        return
    result = compile_path(path)
    count = sum(d.is_error for d in result.diagnostics)
    if count:
        text = f"The project has {count} error{'s' if count > 1 else ''}; see `cij check`."
        click.echo(text, err=True)
    model = result.compilation.model
    click.echo(_json(model) if as_json else _text(model), nl=False)


def _refresh(path: Path) -> None:
    from cij.cli.refreshing import refresh_catalog

    report = refresh_catalog(path)
    for name, columns in report.columns.items():
        rows = [(c.name, c.type, _share(c.unknown_share)) for c in columns]
        click.echo(table(f"source {name}", ("column", "type", "unknown"), rows) + "\n", nl=False)
    for name in report.declared:
        click.echo(f"source {name} declares its columns itself", err=True)
    for message in report.failures:
        click.echo(f"cij: error: {message}", err=True)
    click.echo(f"Wrote {CATALOG_NAME}" if report.is_changed else f"{CATALOG_NAME} is up to date")
    if report.failures:
        raise click.exceptions.Exit(Exit.DATA)


def _share(share: float) -> str:
    return f"{share:.1%}"


# --- as tables --------------------------------------------------------------------------------


def _text(model: Model) -> str:
    parts = [table(title, heads, rows) for title, heads, rows in _tables(model) if rows]
    return "\n".join(parts) or "The project declares nothing yet.\n"


def _tables(model: Model) -> list[tuple[str, Sequence[str], Rows]]:
    found: list[tuple[str, Sequence[str], Rows]] = []
    for source in model.sources.values():
        columns = [(c.name, str(c.type), _key(c.name, source.key)) for c in source.columns]
        head = f"source {source.name} ({source.kind}, {source.settings['path']})"
        found.append((head, ("column", "type", ""), columns))
    name = model.profile.name if model.profile else "customer"
    found.append((f"profile {name}", ("field", "type", "from"), _fields(model)))
    found.append(("events", ("event", "fields", "from"), _events(model)))
    measures = [(m.name, str(m.value.type), words(m.value)) for m in model.measures.values()]
    found.append(("measures", ("measure", "type", "value"), measures))
    segments = [(s.name, words(s.condition)) for s in model.segments.values()]
    found.append(("segments", ("segment", "condition"), segments))
    found.append(("messages", ("message", "channel", "topic", "locales"), _messages(model)))
    return found


def _key(name: str, key: str) -> str:
    return "key" if name == key else ""


def _fields(model: Model) -> Rows:
    if model.profile is None:
        return []
    rows: list[tuple[str, ...]] = [("id", "text", "the unification")]
    for field in model.profile.fields:
        origins = [m.source for m in model.profile.mappings if field.name in m.fields]
        rows.append((field.name, str(field.type), ", ".join(origins)))
    return rows


def _events(model: Model) -> Rows:
    return [
        (
            event.name,
            ", ".join(f"{name} {type}" for name, type in _event_fields(event)),
            event.source or ("built in" if event.is_interaction else "intake"),
        )
        for event in model.events.values()
    ]


def _event_fields(event: Event) -> list[tuple[str, str]]:
    """Return the fields with those that every event, and every interaction, has."""
    built_in = [("at", "datetime"), *([("channel", "text")] if event.is_interaction else [])]
    return built_in + [(f.name, str(f.type)) for f in event.fields]


def _messages(model: Model) -> Rows:
    return [
        (m.name, m.channel, m.topic, ", ".join(c.locale for c in m.locales))
        for m in model.messages.values()
    ]


# --- as JSON ----------------------------------------------------------------------------------


def _json(model: Model) -> str:
    content: dict[str, Any] = {"version": 1, "sources": [], "profile": None}
    for source in model.sources.values():
        columns = [{"name": c.name, "type": str(c.type)} for c in source.columns]
        row = {"name": source.name, "kind": source.kind, "key": source.key, "columns": columns}
        content["sources"].append(row)
    if model.profile is not None:
        fields = [_field(name, type, origin) for name, type, origin in _fields(model)]
        content["profile"] = {"name": model.profile.name, "fields": fields}
    content["events"] = [
        {
            "name": event.name,
            "source": event.source,
            "is_interaction": event.is_interaction,
            "fields": [{"name": name, "type": type} for name, type in _event_fields(event)],
        }
        for event in model.events.values()
    ]
    heads = {title: [_key_of(h) for h in heads] for title, heads, _ in _tables(model)}
    for title, _, rows in _tables(model):
        if title in ("measures", "segments", "messages"):
            content[title] = [dict(zip(heads[title], row, strict=True)) for row in rows]
    for message, row in zip(model.messages.values(), content["messages"], strict=True):
        row["locales"] = [c.locale for c in message.locales]
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _field(name: str, type: str, origin: str) -> dict[str, Any]:
    sources = [] if name == "id" else origin.split(", ")
    return {"name": name, "type": type, "sources": sources}


def _key_of(head: str) -> str:
    return "name" if head in ("measure", "segment", "message") else head
