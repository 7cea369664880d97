"""The rules of the house that a machine can check: sizes, docstrings, imports, private names.

Each rule is one test that reports every violation.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.shared_names import ONE_CONCEPT

ROOT = Path(__file__).parents[1]
PORTIONS = ("grammar", "compiler", "runtime", "stdlib", "app")
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 50
ARCHITECTURE_LINES_MAX = 180
GLOSSARY_WORDS = range(30, 51)

# What each portion may import of the others, as module prefixes.
ARROWS = {
    "grammar": (),
    "stdlib": (),
    "compiler": ("cij.grammar", "cij.stdlib"),
    "runtime": (
        # The compiled program and what it is made of; never what reads or checks text.
        "cij.compiler.program",
        "cij.compiler.sql",
        "cij.compiler.expression",
        "cij.compiler.policy",
        # Where a passage goes on when its journey changes.
        # What is ahead of it and behind it.
        "cij.compiler.ahead",
        "cij.compiler.going_on",
        "cij.compiler.types",
        # The form in which a value of each type is written.
        "cij.compiler.written_values",
        # The forms of addresses, which both sides compare.
        "cij.compiler.addresses",
        # The facts of each channel.
        "cij.compiler.channels",
        # The kinds of source; the runtime has a reader for each.
        "cij.compiler.source_kinds",
        # Which columns name people.
        "cij.compiler.personal",
        # Walking over a program.
        "cij.compiler.walk",
        # What the catalog says of a column.
        "cij.compiler.column_statistics",
        # Expressions in the words of the language, for `why`.
        "cij.compiler.unparse",
        # Typed stories: what `test` blocks mean.
        "cij.compiler.story",
    ),
    # What every front door shares. It knows none of them.
    "app/cij/app": ("cij.app", "cij.grammar", "cij.compiler", "cij.runtime", "cij.stdlib"),
    # The front doors are siblings: none imports another.
    "app/cij/cli": (
        *("cij.cli", "cij.app", "cij.grammar", "cij.compiler", "cij.runtime"),
        # Commands open the other doors, and know nothing behind them.
        "cij.lsp.server.make_server",
        "cij.service.serving",
    ),
    "app/cij/lsp": ("cij.lsp", "cij.app", "cij.grammar", "cij.compiler", "cij.runtime"),
    "app/cij/service": ("cij.service", "cij.app", "cij.compiler", "cij.runtime"),
}

# Each third party has one door: the path prefixes that may import it.
DOORS = {
    "lark": ("grammar/",),
    "sqlglot": ("compiler/cij/compiler/sql",),
    "duckdb": ("runtime/cij/runtime/engine",),
    "psycopg": ("runtime/cij/runtime/engine",),
    "deltalake": ("runtime/cij/runtime/engine",),
    "pymysql": ("runtime/cij/runtime/engine",),
    "pyspark": ("runtime/cij/runtime/engine",),
    "apscheduler": ("runtime/cij/runtime/scheduler.py",),
    "click": ("app/cij/cli/",),
    "starlette": ("app/cij/service/",),
    "uvicorn": ("app/cij/service/",),
    "prometheus_client": ("app/cij/service/",),
    "cryptography": (
        "app/cij/service/providers/",
        "runtime/cij/runtime/delivery/channels/providers/",
    ),
    "jwt": ("app/cij/service/providers/", "runtime/cij/runtime/delivery/channels/providers/"),
    "pygments": ("grammar/cij/grammar/pygments_lexer.py",),
    "pygls": ("app/cij/lsp/",),
    "lsprotocol": ("app/cij/lsp/",),
    "platformdirs": ("grammar/cij/grammar/private_folder.py",),
    "liquid": ("compiler/cij/compiler/liquid_syntax.py", "runtime/cij/runtime/delivery/"),
    "idna": ("compiler/cij/compiler/addresses.py",),
    "email_validator": ("compiler/cij/compiler/addresses.py",),
    "phonenumbers": ("compiler/cij/compiler/addresses.py",),
    "aiosmtplib": ("runtime/cij/runtime/delivery/",),
    "httpx": ("runtime/cij/runtime/delivery/",),
    "standardwebhooks": ("runtime/cij/runtime/delivery/",),
}

# The compiler is a function of its input: no files, no clock, no chance.
WORLD = {"io", "os", "pathlib", "random", "secrets", "shutil", "socket", "sqlite3"}
WORLD |= {"subprocess", "tempfile", "time", "urllib"}
# The parser keeps its table in a cache file, because building it takes longer than parsing.
WORLD_EXCEPTIONS = (
    "grammar/cij/grammar/private_folder.py",
    "grammar/cij/grammar/table_cache.py",
)

VAGUE_NAMES = {"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}

SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for portion in PORTIONS
    for path in (ROOT / portion / "cij").rglob("*.py")
)
TESTS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py"))
FILES = SOURCES + TESTS


@cache
def _tree(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"), file)


def _imports(node: ast.AST, in_type_checking: bool = False) -> Iterator[tuple[str, int, bool]]:
    """Yield (module, line, only for type checking) for every import below `node`.

    `from a import b` yields `a.b`, which may be a module and matches every prefix `a` matches.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((name.name, child.lineno, in_type_checking) for name in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0 and child.module, "imports are absolute"
            for name in child.names:
                yield f"{child.module}.{name.name}", child.lineno, in_type_checking
        else:
            yield from _imports(child, in_type_checking or _is_type_checking(child))


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _is_below(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(prefix + ".")


def _none(violations: Iterable[str]) -> None:
    """Fail with all violations of a rule, and not only with the first."""
    found = list(violations)
    assert not found, "\n".join([f"{len(found)} violations:", *found])


@pytest.mark.slow
def test_a_module_says_what_it_is_for() -> None:
    _none(f"{file} has no docstring" for file in FILES if not ast.get_docstring(_tree(file)))


def test_files_are_short() -> None:
    counts = {file: len((ROOT / file).read_text(encoding="utf-8").splitlines()) for file in FILES}
    _none(f"{file} has {n} lines" for file, n in counts.items() if n > FILE_LINES_MAX)


@pytest.mark.slow
def test_functions_are_short() -> None:
    _none(
        f"{file}:{node.lineno} {node.name} has {length} lines"
        for file in FILES
        for node in ast.walk(_tree(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    )


@pytest.mark.slow
def test_imports_between_portions_go_one_way() -> None:
    _none(violation for file in SOURCES for violation in _forbidden_imports(file))


@pytest.mark.slow
def test_the_application_layer_neither_prints_nor_exits() -> None:
    """Front doors differ in how they show an answer and an error, so this layer does neither."""
    _none(found for file in SOURCES if file.startswith("app/cij/app/") for found in _outputs(file))


def _outputs(file: str) -> Iterator[str]:
    shown = ("print", "exit", "quit", "input", "sys.exit", "os._exit")
    streams = ("sys.stdout", "sys.stderr", "sys.stdin", "sys.argv")
    for node in ast.walk(_tree(file)):
        name = ast.unparse(node.func if isinstance(node, ast.Call) else node)
        is_call = isinstance(node, ast.Call) and name in shown
        if is_call or (isinstance(node, ast.Attribute) and name in streams):
            yield f"{file}:{getattr(node, 'lineno', 0)} uses {name}"


def test_one_module_opens_the_store() -> None:
    """What every engine needs to be told, such as where to spill, has to be told in one place."""
    opener = "app/cij/app/open_store.py"
    others = [file for file in SOURCES if file.startswith("app/") and file != opener]
    _none(
        f"{file}:{line} imports {module}"
        for file in others
        for module, line, _ in _imports(_tree(file))
        if module.startswith("cij.runtime.engine") and "open_" in module
    )


def _forbidden_imports(file: str) -> Iterator[str]:
    portion = next(part for part in ARROWS if file.startswith(f"{part}/"))
    allowed = (f"cij.{portion}", *ARROWS[portion])
    for module, line, _ in _imports(_tree(file)):
        if _is_below(module, "cij") and not any(_is_below(module, prefix) for prefix in allowed):
            yield f"{file}:{line} imports {module}"


@pytest.mark.slow
def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports for types alone are left out: they are gone when the program runs."""
    modules = {_module(file): file for file in SOURCES}
    graph = {
        name: {known for known in _imported(file, modules.keys()) if known != name}
        for name, file in modules.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' <- '.join(error.args[1])}")


def _module(file: str) -> str:
    return ".".join(Path(file).with_suffix("").parts[1:]).removesuffix(".__init__")


def _imported(file: str, modules: Collection[str]) -> Iterator[str]:
    """Yield the modules of the product that a file imports, also inside of functions."""
    for name, _, is_only_type in _imports(_tree(file)):
        whole = name if name in modules else name.rpartition(".")[0]
        if whole in modules and not is_only_type:
            yield whole


@pytest.mark.slow
def test_a_third_party_has_one_importer() -> None:
    _none(
        f"{file}:{line} imports {module}"
        for file in SOURCES
        for module, line, is_only_type in _imports(_tree(file))
        if not is_only_type and not file.startswith(DOORS.get(module.split(".")[0], ("",)))
    )


@pytest.mark.slow
def test_the_compiler_does_not_touch_the_world() -> None:
    pure = [f for f in SOURCES if f.startswith(("grammar/", "compiler/"))]
    _none(v for file in pure if file not in WORLD_EXCEPTIONS for v in _world_uses(file))


def _world_uses(file: str) -> Iterator[str]:
    for module, line, _ in _imports(_tree(file)):
        if module.split(".")[0] in WORLD:
            yield f"{file}:{line} imports {module}"
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "open":
            yield f"{file}:{node.lineno} opens a file"


def test_no_test_module_imports_another() -> None:
    """What two of them share is a module whose name does not begin with `test_`."""
    _none(
        f"{file}:{line} imports {module}"
        for file in TESTS
        for module, line, _ in _imports(_tree(file))
        if module.startswith("tests.test_")
    )


def test_no_test_replaces_a_private_name() -> None:
    """Private names of the product change without notice, and nobody replaces them in production."""
    _none(
        f"{file} replaces {', '.join(names)}"
        for file in TESTS
        if (names := _replaced_private_names(_tree(file)))
    )


def _replaced_private_names(tree: ast.Module) -> list[str]:
    """Return the private names that `setattr`, of pytest or of Python, is called with."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "setattr":
            texts = (a.value for a in node.args[:2] if isinstance(a, ast.Constant))
            names = (str(text).split(".")[-1] for text in texts)
            found += [name for name in names if name.startswith("_") and name[1:2] != "_"]
    return found


def test_replaced_private_names_are_found() -> None:
    text = """
monkeypatch.setattr(wave, "_MIN", 1)
patch.setattr("cij.runtime.wave._MAX", 1)
setattr(wave, "_of", f)
monkeypatch.setattr(memory, "BYTES_MAX", "_text")
monkeypatch.setattr(memory, "__version__", 1)
"""
    assert _replaced_private_names(ast.parse(text)) == ["_MIN", "_MAX", "_of"]


def test_modules_are_named_for_what_they_do() -> None:
    _none(f"{file} has a vague name" for file in FILES if Path(file).stem in VAGUE_NAMES)


def test_every_portion_is_typed_and_none_owns_the_package() -> None:
    for portion in PORTIONS:
        assert (ROOT / portion / "cij" / portion / "py.typed").exists()
        assert not (ROOT / portion / "cij" / "__init__.py").exists()


def _modules() -> dict[str, list[str]]:
    found = defaultdict(list)
    for file in SOURCES:
        found[Path(file).stem].append(file)
    return dict(found)


def _glossary() -> list[str]:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| .+ \|$", text.split("\n## Words\n")[1], re.MULTILINE)
    return rows[1:]


def test_a_module_name_means_one_thing() -> None:
    listed = ONE_CONCEPT.keys() | {"__init__"}
    new = {n: files for n, files in _modules().items() if len(files) > 1 and n not in listed}
    assert not new, f"these share a name, see tests/shared_names.py: {new}"


def test_the_lists_of_shared_names_are_current() -> None:
    shared = {name for name, files in _modules().items() if len(files) > 1}
    stale = ONE_CONCEPT.keys() - shared
    assert not stale, f"delete from tests/shared_names.py, for no two modules share them: {stale}"


def test_the_glossary_has_each_word_once() -> None:
    words = _glossary()
    assert len(words) in GLOSSARY_WORDS
    assert len(words) == len(set(words))


def test_a_module_named_by_a_glossary_word_is_about_it() -> None:
    words = set(_glossary())
    plurals = {f"{word}s": word for word in words}
    for name, concept in ONE_CONCEPT.items():
        word = name if name in words else plurals.get(name)
        assert word is None or concept == word, f"{name} is listed as {concept}"


def test_the_architecture_is_short() -> None:
    count = len((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines())
    assert count <= ARCHITECTURE_LINES_MAX, f"ARCHITECTURE.md has {count} lines"
