"""Exploring: random customers and events, played over all journeys at once, and invariants.

program --vocabulary--> values --draw--> stories --play--> violations --shrink--> the smallest story

A drawn story has the same form as one that an author writes, so the smallest story that fails can
be kept as a test.
"""

from cij.runtime.explore.play import Broken, Explorer, Found

__all__ = ["Broken", "Explorer", "Found"]
