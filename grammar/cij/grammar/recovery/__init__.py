"""Error recovery: it parses all of a file, and goes on after a mistake as close to it as possible.

A correct file is parsed by lark alone. After the first mistake its declaration is parsed again
without building a tree (`automaton`), which makes it cheap to try many repairs (`repairs`,
`panic`). Where braces do not match, the indentation shows which one is wrong (`braces`). The result
is a list of tokens that is certain to parse. Lark's parser builds the tree from it.
"""

from cij.grammar.recovery.automaton import MISTAKES_MAX
from cij.grammar.recovery.damage import PLACEHOLDER, Damage, damaged, dropped, lost
from cij.grammar.recovery.token_feed import Reading, read

__all__ = ["MISTAKES_MAX", "PLACEHOLDER", "Damage", "Reading", "damaged", "dropped", "lost", "read"]
