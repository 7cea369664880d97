"""The texts of a project as one JSON text: the store keeps them, so that files can be compared with what runs."""

import json
from pathlib import Path
from typing import Any

from cij.app.catalog_file import catalog_of
from cij.app.compared_files import ProjectTexts
from cij.app.compile import Compiled
from cij.app.config import ProjectTable, ReviewTable, Settings
from cij.app.project_files import CATALOG_NAME
from cij.compiler.compilation import needed_contents
from cij.runtime.errors import storable

_FORMAT = 1


def kept_texts(compiled: Compiled) -> str:
    """Return all that the program of a project was made of."""
    project = compiled.project
    needed = needed_contents(compiled.compilation.files)
    return storable(
        json.dumps(
            {
                "format": _FORMAT,
                "project": project.settings.project.model_dump(),
                "review": project.settings.review.model_dump(),
                "sources": project.sources,
                "contents": {
                    name: compiled.texts[name] for name in needed if name in compiled.texts
                },
                "catalog": _catalog_text(project.root),
            },
            ensure_ascii=False,
        )
    )


def _catalog_text(root: Path) -> str | None:
    try:
        return (root / CATALOG_NAME).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def project_texts(text: str, label: str) -> ProjectTexts | None:
    """Return the texts for a comparison; None where they are damaged, or of a newer cij."""
    try:
        found: dict[str, Any] = json.loads(text)
        if found["format"] != _FORMAT:
            return None
        catalog, contents = found["catalog"], found["contents"]
        return ProjectTexts(
            label,
            Settings(
                project=ProjectTable(**found["project"]), review=ReviewTable(**found["review"])
            ),
            found["sources"],
            (),
            lambda paths: {path: contents[path] for path in paths if path in contents},
            catalog_of(catalog) if catalog is not None else {},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
