"""The modules of the library that ships with cij."""

from functools import cache
from importlib import resources

from cij.app.journey_file import SUFFIX


@cache
def library() -> dict[str, str]:
    """Return the text of each module by its name, such as `std.actions`."""
    entries = resources.files("cij.stdlib").iterdir()
    modules = sorted((e for e in entries if e.name.endswith(SUFFIX)), key=lambda e: e.name)
    return {f"std.{m.name.removesuffix(SUFFIX)}": m.read_text(encoding="utf-8") for m in modules}
