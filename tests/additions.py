"""Recorded additions: the whole change that a new thing of a kind needs, and a proof that it works.

`test_contributing` replays each on a copy of the sources. A change is a list of insertions at
anchors and of new files, because line numbers move with every other change.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Insertion:
    """`text` is put beside the one place in `file` where `anchor` stands."""

    file: str
    anchor: str
    text: str
    where: Literal["before", "after"] = "after"

    def apply(self, root: Path) -> None:
        path = root / self.file
        whole = path.read_text("utf-8")
        count = whole.count(self.anchor)
        assert count == 1, (
            f"{self.file} has {count} places `{self.anchor}`, and an addition in tests/additions.py "
            "needs one: give it an anchor that fits the file of today"
        )
        both = self.anchor + self.text if self.where == "after" else self.text + self.anchor
        path.write_text(whole.replace(self.anchor, both), "utf-8")


@dataclass(frozen=True)
class NewFile:
    """`file` does not exist yet."""

    file: str
    text: str

    def apply(self, root: Path) -> None:
        path = root / self.file
        assert not path.exists(), f"{self.file} exists already: rename it in tests/additions.py"
        path.write_text(self.text, "utf-8")


@dataclass(frozen=True)
class Addition:
    """`title` is the heading in CONTRIBUTING, `files_max` how many files the kind may touch.

    `check` is Python that fails unless the new thing works. It may use `compiled(text)`, which
    compiles `PROJECT` with more text and returns the result of `compile_project`.
    """

    title: str
    files_max: int
    changes: tuple[Insertion | NewFile, ...]
    check: str

    @property
    def files(self) -> set[str]:
        return {change.file for change in self.changes}


PROJECT = """
source people {
  kind = csv
  path = "people.csv"
  key = id
  columns {
    id = text
    email = text
    points = integer
  }
}
profile customer {
  from people {
    email = email
    whatsapp = email
    points = points
  }
}
event bought { fields { amount = integer } }
event praised { }
segment rich { where points > 100 }
"""

PREAMBLE = f"""
from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.runtime.story import run_story

def compiled(text):
    texts = {{"a.journey": {PROJECT!r} + text}}
    made = compile_project(ProjectSettings("p", "UTC"), texts, {{}}, {{}})
    assert made.program is not None, [str(d) for d in made.diagnostics]
    return made


def played(text):
    made = compiled(text)
    [story] = made.stories
    result = run_story(made.program, story)
    assert not result.failures, result.failures
    return made


"""

_STEPS = "compiler/cij/compiler/declarations/steps"

STEP = Addition(
    "A step for existing effects",
    5,
    (
        Insertion("grammar/cij/grammar/journey.lark", "| emit | repeat", " | praise"),
        Insertion(
            "grammar/cij/grammar/journey.lark", "emit: EMIT NAME [settings]\n", "praise: PRAISE\n"
        ),
        Insertion(
            "grammar/cij/grammar/journey.lark",
            "EMIT.1: /emit(?!\\w)/\n",
            "PRAISE.1: /praise(?!\\w)/\n",
        ),
        Insertion("grammar/cij/grammar/journey.lark", "ON | QUIET", " | PRAISE"),
        Insertion(
            "grammar/cij/grammar/steps.py",
            "    def _step_repeat(",
            "    def _step_praise(self, tree: ParseTree) -> syntax.Step:\n"
            "        return syntax.Praise(span=self.span(tree))\n\n",
            "before",
        ),
        Insertion("grammar/cij/grammar/syntax/steps.py", '    "Pattern",\n', '    "Praise",\n'),
        Insertion(
            "grammar/cij/grammar/syntax/steps.py",
            "@dataclass(frozen=True, slots=True)\nclass Repeat(",
            '@dataclass(frozen=True, slots=True)\nclass Praise(LabelledStep):\n    """`praise`."""\n\n\n',
            "before",
        ),
        Insertion(
            "grammar/cij/grammar/syntax/steps.py", "    Emit,\n    Repeat,\n", "    Praise,\n"
        ),
        NewFile(
            f"{_STEPS}/praise.py",
            '"""`praise`: emit the event `praised`."""\n\n'
            "from cij.compiler import model, program as pg\n"
            "from cij.compiler.declarations.steps.step_context import JourneyContext\n"
            "from cij.grammar import syntax\n\n\n"
            "def praise(step: syntax.Praise, context: JourneyContext) -> model.Step:\n"
            '    """Return the step that emits the event."""\n'
            '    name = context.name_of(step, "praise")\n'
            '    return model.Act(name, step.span, pg.EmitEffect(event="praised", fields={}))\n',
        ),
        Insertion(
            f"{_STEPS}/__init__.py",
            "from cij.compiler.declarations.steps.repeat import repeat\n",
            "from cij.compiler.declarations.steps.praise import praise\n",
            "before",
        ),
        Insertion(
            f"{_STEPS}/__init__.py", "    syntax.Emit: emit,\n", "    syntax.Praise: praise,\n"
        ),
    ),
    """
from cij.compiler.explain import explanations
from cij.grammar import reserved
from cij.grammar.format import format_text

text = "journey j {\\n  enter on bought\\n  steps {\\n    well_done: praise\\n    end done\\n  }\\n}\\n"
made = compiled(text)
[journey] = made.program.journeys
assert journey.state("well_done").effect.event == "praised"
[lines] = explanations("j", made.model, made.files)
assert any(line.endswith("emit praised") for line in lines), lines
assert "praise" in reserved.OUTCOME
assert format_text("a.journey", text).text == text
""",
)

SOURCE = Addition(
    "A kind of source",
    2,
    (
        Insertion(
            "compiler/cij/compiler/source_kinds.py",
            '    SourceKind("sqlite",',
            '    SourceKind("tsv", (_PATH, *_MEANING)),\n',
            "before",
        ),
        NewFile(
            "runtime/cij/runtime/sources/tsv.py",
            '"""Files whose columns are separated by tabs. Settings: path, null."""\n\n'
            "from cij.compiler.program import Source\n"
            "from cij.runtime.sources import csv\n"
            "from cij.runtime.sources.reader import Kind\n\n\n"
            "def _as_csv(source: Source) -> Source:\n"
            '    settings = {**source.settings, "delimiter": "tab"}\n'
            '    return source.model_copy(update={"settings": settings})\n\n\n'
            "KIND = Kind(\n"
            "    read=lambda source, root: csv.KIND.read(_as_csv(source), root),\n"
            "    fingerprint=lambda source, root: csv.KIND.fingerprint(_as_csv(source), root),\n"
            "    names=lambda source, root: csv.KIND.names(_as_csv(source), root),\n"
            ")\n",
        ),
    ),
    """
from pathlib import Path
from tempfile import TemporaryDirectory
from cij.compiler.program import from_json, to_json
from cij.runtime.sources import KINDS

made = compiled('source shop { kind = tsv\\n path = "s.tsv"\\n key = id\\n columns { id = text\\n city = text } }')
source = from_json(to_json(made.program)).sources[1]
assert (source.name, source.kind) == ("shop", "tsv")
with TemporaryDirectory() as folder:
    Path(folder, "s.tsv").write_text("id\\tcity\\n1\\tVigo\\n")
    assert [column.name for column in KINDS["tsv"].names(source, Path(folder))] == ["id", "city"]
    with KINDS["tsv"].read(source, Path(folder)) as reading:
        assert reading.file == "s.tsv"
""",
)

CHANNEL = Addition(
    "A channel",
    2,
    (
        Insertion(
            "compiler/cij/compiler/channels.py",
            '    Channel(\n        "push",',
            '    Channel(\n        "whatsapp",\n        address_field="whatsapp",\n        content=("text",),\n'
            '        interactions=("delivered", "replied"),\n    ),\n',
            "before",
        ),
    ),
    """
from pathlib import Path
from cij.app.config import load_settings
from cij.compiler.channels import CHANNELS
from tempfile import TemporaryDirectory

made = played('''
topic news { channels = [whatsapp]
  consent = opt_in }
message whatsapp hello { topic = news
  locale "en" { text = "Hello" } }
policy calm { at most 1 whatsapp per 1 day }
journey j { enter on bought
  steps { hi: send whatsapp hello
    wait for replied(hi) up to 1 day } }
test "t" for j { clock 2026-01-01 10:00
  given customer "ana" { whatsapp = "+34600000001"
    consent.news.whatsapp = true }
  event bought by "ana"
  expect sent whatsapp hello to "ana" }
''')
assert made.program.messages[0].channel == "whatsapp"
with TemporaryDirectory() as folder:
    path = Path(folder, "cij.toml")
    path.write_text('[project]\\nname = "p"\\ntimezone = "UTC"\\n[delivery.whatsapp]\\nkind = "files"\\nfolder = "w"\\n')
    assert load_settings(path).delivery.by_channel()["whatsapp"].folder == "w"
""",
)

HEAD_SETTING = Addition(
    "A setting of a journey's head",
    3,
    (
        Insertion(
            "compiler/cij/compiler/head.py",
            "    priority: int = 0\n",
            "    purpose: str | None = None\n",
        ),
        Insertion(
            "compiler/cij/compiler/declarations/head_settings.py",
            '    HeadSetting("owner"),\n',
            '    HeadSetting("purpose", "purpose", lambda w: w.body.text("purpose")),\n',
        ),
        Insertion(
            "compiler/cij/compiler/declarations/explain_journey.py",
            "    if head.timezone is not None:\n",
            '    if head.purpose is not None:\n        yield f"purpose: {head.purpose}"\n',
            "before",
        ),
    ),
    """
from cij.compiler.explain import explanations
from cij.compiler.program import from_json, to_json

text = 'journey j { enter on bought\\n purpose = "%s"\\n steps { end done } }'
made = compiled(text % "thanks")
[journey] = from_json(to_json(made.program)).journeys
assert journey.purpose == "thanks"
[lines] = explanations("j", made.model, made.files)
assert "  purpose: thanks" in lines
[other] = compiled(text % "sorry").program.journeys
assert other.version != journey.version, "a setting of the head decides what happens"
""",
)

DECLARATION = Addition(
    "A kind of declaration",
    5,
    (
        Insertion("grammar/cij/grammar/words.lark", "|topic|action|export", "|audience"),
        Insertion(
            "compiler/cij/compiler/program.py",
            "class ConsentMapping(",
            "class Audience(BaseNode):\n    name: str\n    note: str\n    place: Place\n\n\n",
            "before",
        ),
        Insertion(
            "compiler/cij/compiler/program.py",
            "    policies: tuple[Policy, ...] = ()\n",
            "    audiences: tuple[Audience, ...] = ()\n",
        ),
        Insertion(
            "compiler/cij/compiler/model.py",
            "    policies: dict[str, pg.Policy] = field(default_factory=dict)\n",
            "    audiences: dict[str, pg.Audience] = field(default_factory=dict)\n",
        ),
        NewFile(
            "compiler/cij/compiler/declarations/audience.py",
            '"""`audience`: a note."""\n\n'
            "from cij.compiler import program as pg\n"
            "from cij.compiler.declarations.body import read_body\n"
            "from cij.compiler.declarations.explain_lines import heading\n"
            "from cij.compiler.model import place\n\n\n"
            "def define(node, build):\n"
            "    name, span = node.name.text, node.name.span\n"
            '    body = read_body("audience", span, node.items, build.report, settings=("note",))\n'
            '    if body.need("note", "note = TEXT"):\n'
            '        made = pg.Audience(name=name, note=body.text("note"), place=place(span))\n'
            "        build.model.audiences[name] = made\n\n\n"
            "def explain(part, source):\n"
            '    yield heading("audience", part.name, part.place)\n'
            "    yield part.note\n",
        ),
        Insertion(
            "compiler/cij/compiler/declaration_kinds.py",
            "    action,\n    entity,\n",
            "    audience,\n",
            "before",
        ),
        Insertion(
            "compiler/cij/compiler/declaration_kinds.py",
            '    DeclarationKind(\n        "policy",',
            '    DeclarationKind("audience", "audiences", audience.define, explain=audience.explain),\n',
            "before",
        ),
    ),
    """
from cij.compiler.explain import explanations, names
from cij.compiler.program import from_json, to_json

made = compiled('# Ours.\\naudience vips { note = "the best" }')
assert from_json(to_json(made.program)).audiences[0].note == "the best"
assert names(made.model)["audience"] == ["vips"]
[[head, *rest]] = explanations("vips", made.model, made.files)
assert head.startswith("audience vips") and rest == ["Ours.", "the best"]
""",
)

FUNCTION = Addition(
    "A function of the language",
    2,
    (
        Insertion(
            "compiler/cij/compiler/functions.py",
            '    Function("abs",',
            '    Function("negated", (_NUMBER,), None, "the number with the other sign"),\n',
            "before",
        ),
        Insertion(
            "compiler/cij/compiler/sql/functions.py",
            '    "lower": "LOWER({a})",\n',
            '    "negated": "0 - {a}",\n',
        ),
    ),
    """
made = played('''
segment poor { where negated(points) > 0 }
journey j { enter on bought
  steps { if in segment poor { end poor } } }
test "t" for j { clock 2026-01-01 10:00
  given customer "ana" { points = -1 }
  event bought by "ana"
  expect "ana" ended as poor }
''')
assert made.program.segments[1].condition.left.function == "negated"
""",
)

DIAGNOSTIC = Addition(
    "A diagnostic",
    2,
    (
        Insertion(
            "grammar/cij/grammar/codes.py",
            "BAD_CHANGE = _error(",
            'LOUD_NAME = _warning("CIJ799", "loud-name", "a name in capitals")\n\n',
            "before",
        ),
        NewFile(
            "compiler/cij/compiler/pages/diagnostics/CIJ799.md",
            "# CIJ799 loud-name\n\nA name in capitals.\n",
        ),
    ),
    """
from cij.app.pages import titles
from cij.grammar.codes import CODES, LOUD_NAME

assert CODES["CIJ799"] is LOUD_NAME
assert "CIJ799" in titles("diagnostics")
""",
)

COMMAND = Addition(
    "A command",
    3,
    (
        NewFile("app/cij/app/greet.py", 'def greeting() -> str:\n    return "hello"\n'),
        NewFile(
            "app/cij/cli/commands/greet.py",
            '"""`cij greet`."""\n\nimport click\nfrom cij.app.greet import greeting\n\n\n@click.command()\ndef command() -> None:\n'
            '    """Say hello."""\n    click.echo(greeting())\n',
        ),
        Insertion(
            "app/cij/cli/main.py",
            '    "doctor": _row(',
            '    "greet": _row("greet", "say hello", _RUN),\n',
            "before",
        ),
    ),
    """
from click.testing import CliRunner
from cij.cli.main import cli

assert CliRunner().invoke(cli, ["greet"]).output == "hello\\n"
assert "say hello" in CliRunner().invoke(cli, ["--help"]).output
""",
)

ADDITIONS = (
    STEP,
    SOURCE,
    CHANNEL,
    HEAD_SETTING,
    DECLARATION,
    FUNCTION,
    DIAGNOSTIC,
    COMMAND,
)
