"""The server: which message of the protocol is answered by what.

All work runs on one thread beside the one that reads messages, so a long check delays no key, and an
answer never mixes two states of a text. A check begins when no key was pressed for a moment.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from cij.app.format_files import formatted_text
from cij.app.open_texts import View
from cij.app.people_now import RecentPeople
from cij.app.version import own_version
from cij.lsp import name_edits
from cij.lsp.completion import completion
from cij.lsp.diagnostics import actions, diagnostics_of
from cij.lsp.documents import Documents, path_of, uri_of
from cij.lsp.hover import hover
from cij.lsp.positions import range_of, whole
from cij.lsp.symbols import lenses, outline
from cij.runtime.errors import WorldError

_T = TypeVar("_T")
# A person who types presses the next key sooner.
_PAUSE_S = 0.12


class JourneyServer(LanguageServer):
    """The state of one connection: open documents, and what was shown of each project."""

    def __init__(self) -> None:
        super().__init__("cij", own_version())
        self.documents, self.people = Documents(), RecentPeople()
        self.pool = ThreadPoolExecutor(1)
        self._checks: dict[Path, asyncio.Task[None]] = {}
        self._shown: dict[Path, set[str]] = {}

    async def looked(self, uri: str, look: Callable[[View, str], _T]) -> _T | None:
        """Return what `look` finds in the project of a document and the name of its file.

        None for a document in no project, or where its settings are wrong: a check says so.
        """
        path = path_of(uri)
        if path is None:
            return None

        def run() -> _T | None:
            try:
                view = self.documents.view(path)
            except WorldError:
                return None
            return look(view, view.name_of(path)) if view is not None else None

        return await asyncio.get_running_loop().run_in_executor(self.pool, run)

    def changed(self, uri: str, text: str | None) -> None:
        """Note the text of a document, and check its project in a moment."""
        path = path_of(uri)
        if path is None:
            return
        self.documents.put(path, text)
        before = self._checks.get(path)
        if before is not None:
            before.cancel()
        self._checks[path] = asyncio.ensure_future(self._check(path))

    async def _check(self, path: Path) -> None:
        await asyncio.sleep(_PAUSE_S)
        loop = asyncio.get_running_loop()
        root, found = await loop.run_in_executor(self.pool, self._found, path)
        if root is None:
            return
        # A file that had mistakes and is gone shows none.
        gone = self._shown.get(root, set()) - found.keys()
        self._shown[root] = {name for name, each in found.items() if each}
        for name, each in [*found.items(), *((name, []) for name in gone)]:
            parameters = types.PublishDiagnosticsParams(uri_of(root / name), each)
            self.text_document_publish_diagnostics(parameters)

    def _found(self, path: Path) -> tuple[Path | None, dict[str, list[types.Diagnostic]]]:
        try:
            view = self.documents.view(path)
        except WorldError as error:
            return path.parent, {path.name: [_whole_file(str(error))]}
        return (view.root, diagnostics_of(view)) if view is not None else (None, {})


def _whole_file(message: str) -> types.Diagnostic:
    start = types.Position(0, 0)
    return types.Diagnostic(
        types.Range(start, start), message, types.DiagnosticSeverity.Error, source="cij"
    )


def make_server() -> JourneyServer:
    """Return a server that is not started yet."""
    server = JourneyServer()
    _follow_texts(server)
    _answer_about_names(server)
    _rename_names(server)
    _answer_about_files(server)
    _show_beside(server)
    return server


def _follow_texts(server: JourneyServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def _opened(asked: types.DidOpenTextDocumentParams) -> None:
        server.changed(asked.text_document.uri, asked.text_document.text)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def _changed(asked: types.DidChangeTextDocumentParams) -> None:
        uri = asked.text_document.uri
        server.changed(uri, server.workspace.get_text_document(uri).source)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def _saved(asked: types.DidSaveTextDocumentParams) -> None:
        uri = asked.text_document.uri
        server.changed(uri, server.workspace.get_text_document(uri).source)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def _closed(asked: types.DidCloseTextDocumentParams) -> None:
        server.changed(asked.text_document.uri, None)


def _answer_about_names(server: JourneyServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def _hover(asked: types.HoverParams) -> types.Hover | None:
        def look(view: View, file: str) -> types.Hover | None:
            return hover(view, file, asked.position, server.people.of(view.root))

        return await server.looked(asked.text_document.uri, look)

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def _definition(asked: types.DefinitionParams) -> list[types.Location] | None:
        def look(view: View, file: str) -> list[types.Location]:
            found = name_edits.at(view, file, asked.position)
            return list(name_edits.places(view, found.node, is_declaration=True)) if found else []

        return await server.looked(asked.text_document.uri, look)

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    async def _references(asked: types.ReferenceParams) -> list[types.Location] | None:
        def look(view: View, file: str) -> list[types.Location]:
            found = name_edits.at(view, file, asked.position)
            only = None if asked.context.include_declaration else False
            return list(name_edits.places(view, found.node, is_declaration=only)) if found else []

        return await server.looked(asked.text_document.uri, look)


def _rename_names(server: JourneyServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    async def _prepare(asked: types.PrepareRenameParams) -> types.Range | None:
        def look(view: View, file: str) -> types.Range | None:
            found = name_edits.at(view, file, asked.position)
            return range_of(found.span, view.text(file)) if found else None

        return await server.looked(asked.text_document.uri, look)

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    async def _rename(asked: types.RenameParams) -> types.WorkspaceEdit | None:
        def look(view: View, file: str) -> types.WorkspaceEdit | None:
            return _renamed(view, file, asked)

        return await server.looked(asked.text_document.uri, look)


def _renamed(view: View, file: str, asked: types.RenameParams) -> types.WorkspaceEdit | None:
    found = name_edits.at(view, file, asked.position)
    if found is None:
        return None
    why_not = name_edits.refusal(view, found.node, asked.new_name)
    if why_not is not None:
        raise JsonRpcInvalidParams(why_not)
    return types.WorkspaceEdit(changes=name_edits.renamed(view, found.node, asked.new_name))


def _answer_about_files(server: JourneyServer) -> None:
    # A dot follows the name of an event, a source or `consent`; a blank follows `segment`.
    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions([".", " "]))
    async def _completion(asked: types.CompletionParams) -> list[types.CompletionItem] | None:
        def look(view: View, file: str) -> list[types.CompletionItem]:
            return completion(view, file, asked.position)

        return await server.looked(asked.text_document.uri, look)

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    async def _format(asked: types.DocumentFormattingParams) -> list[types.TextEdit] | None:
        text = server.workspace.get_text_document(asked.text_document.uri).source
        done = formatted_text(asked.text_document.uri, text)
        return [types.TextEdit(whole(text), done.new)] if done.is_changed else []

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions([types.CodeActionKind.QuickFix]),
    )
    async def _actions(asked: types.CodeActionParams) -> list[types.CodeAction] | None:
        def look(view: View, file: str) -> list[types.CodeAction]:
            return list(actions(view, file, asked.range))

        return await server.looked(asked.text_document.uri, look)


def _show_beside(server: JourneyServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def _outline(asked: types.DocumentSymbolParams) -> list[types.DocumentSymbol] | None:
        return await server.looked(asked.text_document.uri, outline)

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    async def _lenses(asked: types.CodeLensParams) -> list[types.CodeLens] | None:
        def look(view: View, file: str) -> list[types.CodeLens]:
            return list(lenses(view, file, server.people.of(view.root)))

        return await server.looked(asked.text_document.uri, look)
