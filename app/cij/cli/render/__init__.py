"""Renders diagnostics in one of several formats."""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from cij.app.version import own_version
from cij.cli.render.bullet_lists import render_concise, render_github, render_json
from cij.cli.render.colour import Paint, plain
from cij.cli.render.diagnostic_text import render_text
from cij.cli.render.sarif import render_sarif
from cij.grammar.diagnostic import Diagnostic, Suppressed

Format = Literal["text", "concise", "json", "github", "sarif"]
FORMATS: tuple[str, ...] = get_args(Format)


def render(
    diagnostics: Sequence[Diagnostic],
    sources: Mapping[str, str],
    format: str = "text",
    paint: Paint = plain,
    suppressed: Sequence[Suppressed] = (),
) -> str:
    """Return all diagnostics in one of FORMATS. The text ends with a line feed unless it is empty.

    `sources` maps the files of spans to their text; only the format `text` needs it. `suppressed`
    are the warnings that comments allow, for the formats that programs read.
    """
    match format:
        case "text":
            return render_text(diagnostics, sources, paint)
        case "concise":
            return render_concise(diagnostics)
        case "json":
            return render_json(diagnostics, suppressed)
        case "github":
            return render_github(diagnostics)
    assert format == "sarif", f"{format} is not one of {FORMATS}"
    return render_sarif(diagnostics, own_version(), suppressed)
