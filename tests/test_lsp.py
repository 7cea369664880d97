"""The language server, driven by a client over standard input and output, as an editor does it."""

import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.lsp.client import LanguageClient

from cij.app.open_texts import OpenTexts
from cij.app.people_now import PeopleNow
from cij.grammar.parser import parse
from cij.lsp.completion import completion
from cij.lsp.documents import uri_of
from cij.lsp.hover import hover
from cij.lsp.positions import offset_of, range_of
from cij.lsp.symbols import lenses

EXAMPLE = Path(__file__).parents[1] / "examples" / "loyalty"
FILE = "journeys/loyalty.journey"
SERVER = "from cij.cli.start import main; main()"


class Editor:
    """A client with one open file."""

    def __init__(self, client: LanguageClient, root: Path) -> None:
        self.client, self.root = client, root
        self.uri = uri_of(root / FILE)
        self.text = (root / FILE).read_text(encoding="utf-8")
        self.version = 1
        self.shown: dict[str, list[types.Diagnostic]] = {}
        self.news = asyncio.Event()

    @property
    def document(self) -> types.TextDocumentIdentifier:
        return types.TextDocumentIdentifier(self.uri)

    def at(self, after: str, count: int = 1) -> dict[str, Any]:
        """Return the document and the position behind the `count`th place of a text."""
        end = 0
        for _ in range(count):
            end = self.text.index(after, end) + len(after)
        line = self.text.count("\n", 0, end)
        column = end - (self.text.rfind("\n", 0, end) + 1)
        return {"text_document": self.document, "position": types.Position(line, column)}

    async def types_in(self, text: str) -> list[types.Diagnostic]:
        """Replace the text, and return the mistakes that are shown then."""
        self.text, self.version = text, self.version + 1
        self.news.clear()
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(self.version, self.uri),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )
        await asyncio.wait_for(self.news.wait(), 60)
        return self.shown[self.uri]


async def opened(root: Path) -> Editor:
    client = LanguageClient("test", "1")
    await client.start_io(sys.executable, "-c", SERVER, "lsp")
    await client.initialize_async(
        types.InitializeParams(capabilities=types.ClientCapabilities(), root_uri=uri_of(root))
    )
    client.initialized(types.InitializedParams())
    editor = Editor(client, root)

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)  # type: ignore[untyped-decorator]
    def _shown(found: types.PublishDiagnosticsParams) -> None:
        editor.shown[found.uri] = list(found.diagnostics)
        if found.uri == editor.uri:
            editor.news.set()

    client.text_document_did_open(
        types.DidOpenTextDocumentParams(
            types.TextDocumentItem(editor.uri, "journey", 1, editor.text)
        )
    )
    await asyncio.wait_for(editor.news.wait(), 60)
    return editor


def with_editor(root: Path, use: Callable[[Editor], Awaitable[None]]) -> None:
    async def run() -> None:
        editor = await opened(root)
        try:
            await use(editor)
        finally:
            await editor.client.shutdown_async(None)
            editor.client.exit(None)
            await editor.client.stop()  # type: ignore[no-untyped-call]

    asyncio.run(run())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return shutil.copytree(EXAMPLE, tmp_path / "loyalty").resolve()


@pytest.mark.slow
def test_an_editor_is_served(project: Path) -> None:
    with_editor(project, _use)


async def _use(editor: Editor) -> None:
    good = editor.text
    assert editor.shown[editor.uri] == []
    await _sees_names(editor)
    await _writes(editor)
    found = await editor.types_in(good.replace("in segment loyal\n", "in segment loyl\n"))
    assert [(d.code, d.severity) for d in found] == [("CIJ202", types.DiagnosticSeverity.Error)]
    await _mends(editor, found[0])
    # What an author writes on the way is never a fault of the server.
    for text in ("", "journey", "journey x {", good[:700], "\x00\ud800" + good, "{" * 3000, good):
        await editor.types_in(text.encode("utf-8", "replace").decode())
    assert editor.shown[editor.uri] == []


async def _sees_names(editor: Editor) -> None:
    client = editor.client
    hover = await client.text_document_hover_async(
        types.HoverParams(**editor.at("enter from segment loy"))
    )
    assert hover is not None and isinstance(hover.contents, types.MarkupContent)
    assert "**segment** `loyal`" in hover.contents.value
    assert "Everybody with more than 1000 points" in hover.contents.value
    place = await client.text_document_definition_async(
        types.DefinitionParams(**editor.at("enter from segment loy"))
    )
    assert isinstance(place, (list, tuple)) and len(place) == 1
    line = editor.text.split("\n")[place[0].range.start.line]  # type: ignore[union-attr]
    assert line == "segment loyal {"
    uses = await client.text_document_references_async(
        types.ReferenceParams(
            context=types.ReferenceContext(include_declaration=False), **editor.at("where poi")
        )
    )
    assert uses is not None and len({use.uri for use in uses}) == 3
    outline = await client.text_document_document_symbol_async(
        types.DocumentSymbolParams(editor.document)
    )
    assert outline is not None
    steps = next(one for one in outline if one.name == "loyalty_reward").children  # type: ignore[union-attr]
    assert [step.name for step in steps or ()] == ["reward", "opened", "thanks", "nudge", "vip"]


async def _writes(editor: Editor) -> None:
    client = editor.client
    items = await client.text_document_completion_async(
        types.CompletionParams(**editor.at("enter from segment "))
    )
    assert isinstance(items, (list, tuple))
    assert [item.label for item in items] == ["big_spenders", "loyal"]
    edits = await client.text_document_formatting_async(
        types.DocumentFormattingParams(editor.document, types.FormattingOptions(2, True))
    )
    assert list(edits or ()) == []
    change = await client.text_document_rename_async(
        types.RenameParams(new_name="faithful", **editor.at("enter from segment loy"))
    )
    assert change is not None and change.changes is not None
    assert len(change.changes[editor.uri]) == 3
    with pytest.raises(Exception, match="a new journey"):
        await client.text_document_rename_async(
            types.RenameParams(new_name="other", **editor.at("journey loyalty_rew"))
        )


async def _mends(editor: Editor, fault: types.Diagnostic) -> None:
    found = await editor.client.text_document_code_action_async(
        types.CodeActionParams(
            editor.document, fault.range, types.CodeActionContext(diagnostics=[fault])
        )
    )
    assert [action.title for action in found or ()] == ["write `loyal`"]


# --- without a process ------------------------------------------------------------------------

VIEW = OpenTexts(EXAMPLE)


def labels(before: str) -> list[str]:
    """Return what is offered at the end of a text."""
    VIEW.by_name = {"journeys/new.journey": before}
    lines = before.split("\n")
    position = types.Position(len(lines) - 1, len(lines[-1]))
    return [item.label for item in completion(VIEW.view(), "journeys/new.journey", position)]


@pytest.mark.parametrize(
    ("before", "there", "not_there"),
    [
        ("", {"journey", "segment", "test"}, {"send", "points"}),
        ("journey x {\n  ", {"enter", "goal", "steps"}, {"send", "points"}),
        ("journey x {\n  enter from segment ", {"loyal", "big_spenders"}, {"points", "purchase"}),
        ("journey x {\n  enter on ", {"purchase", "opened"}, {"loyal"}),
        ("journey x {\n  steps {\n    ", {"send", "wait", "if"}, {"enter", "goal"}),
        ("journey x {\n  steps {\n    send email ", {"loyal20", "loyal20_thanks"}, {"loyal"}),
        (
            "segment x {\n  where ",
            {"points", "lifetime_value", "count", "not"},
            {"send", "loyal20"},
        ),
        ("segment x {\n  where consent.", {"consent.rewards"}, {"points"}),
        ("segment x {\n  where count(purchase where purchase.", {"purchase.amount"}, {"points"}),
        ("message email x {\n  topic = ", {"rewards"}, {"points", "loyal"}),
        ('test "t" for ', {"loyalty_reward"}, {"loyal"}),
        # A mistake further up hides nothing below.
        ("segment x { whre 1 }\n\njourney y {\n  enter from segment ", {"loyal"}, {"points"}),
        # A begun word is completed where it begins.
        ("journey x {\n  enter from segment lo", {"loyal"}, set()),
    ],
)
def test_what_fits_is_offered(before: str, there: set[str], not_there: set[str]) -> None:
    found = set(labels(before))
    assert there <= found
    assert found.isdisjoint(not_there)


def test_every_place_of_a_file_has_an_answer() -> None:
    VIEW.by_name = {}
    view = VIEW.view()
    text = view.text(FILE)
    for offset in range(0, len(text), 41):
        before = text[:offset]
        position = types.Position(before.count("\n"), len(before) - before.rfind("\n") - 1)
        assert offset_of(position, text) == offset
        completion(view, FILE, position)
        hover(view, FILE, position, PeopleNow({("segment", "loyal"): 1_200}))
    assert [
        str(lens.command and lens.command.title)
        for lens in lenses(view, FILE, PeopleNow({("segment", "loyal"): 1}))
    ] == ["1 person in this segment", *["0 people at this step"] * 7]


@pytest.mark.parametrize("text", ["segment a { where x }", "# 😀 é\nsegment 中 {\n}", "", "a\r\nb"])
def test_a_place_goes_to_the_protocol_and_back(text: str) -> None:
    tree, _ = parse("a.journey", text)
    for node in tree.declarations:
        found = range_of(node.span, text)
        assert offset_of(found.start, text) == node.span.start
        assert offset_of(found.end, text) == node.span.end


def test_a_sign_outside_the_first_plane_counts_twice() -> None:
    text = "😀x"
    assert offset_of(types.Position(0, 2), text) == 1
    assert offset_of(types.Position(9, 9), text) == len(text)
