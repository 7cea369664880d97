"""Reads all of a file, whatever it holds: after a mistake it goes on as near as it can.

A correct file goes straight to lark's parser. At the first mistake the declaration in which it
stands is read again without building anything (`automaton`), so that many repairs can be tried
(`repairs`, `panic`); where braces do not match, the layout tells where (`layout`). What results is
a list of tokens that is sure to parse, and lark's parser builds the tree from it.
"""

from cij.grammar.recovery.automaton import MISTAKES_MAX
from cij.grammar.recovery.damage import PLACEHOLDER, Damage, damaged, dropped, lost
from cij.grammar.recovery.token_feed import Reading, read

__all__ = ["MISTAKES_MAX", "PLACEHOLDER", "Damage", "Reading", "damaged", "dropped", "lost", "read"]
