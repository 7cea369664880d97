"""Exploring: random customers and events, played over all journeys at once, and what must hold.

program --vocabulary--> values --draw--> stories --play--> what does not hold --shrink--> the smallest

A story that is drawn is one like those that authors write, so that the smallest that fails can be kept
as a test.
"""

from cij.runtime.explore.play import Broken, Explorer, Found

__all__ = ["Broken", "Explorer", "Found"]
