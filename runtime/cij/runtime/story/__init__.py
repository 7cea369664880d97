"""Stories: the tests of journeys, played by the real runtime in memory on a virtual clock.

stage (customers, events, time) --expect--> failures --trace--> text
"""

from cij.runtime.story.play import StoryPlayer, StoryResult, run_story
from cij.runtime.story.verdict import Failure

__all__ = ["Failure", "StoryPlayer", "StoryResult", "run_story"]
