"""The classes of changes. They have a module of their own, because the settings of a project name them."""

from typing import Literal

# The most severe first.
ChangeClass = Literal[
    "policy", "audience", "structure removed", "structure added", "timing", "content", "none"
]
CLASSES: tuple[ChangeClass, ...] = (
    "policy",
    "audience",
    "structure removed",
    "structure added",
    "timing",
    "content",
    "none",
)
