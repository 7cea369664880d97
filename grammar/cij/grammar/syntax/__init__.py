"""The syntax tree: what the author wrote, without anything inferred.

Nodes are frozen and compare by content. Spans and comments do not count for equality, so two texts
that differ only in layout have equal trees.
"""

from cij.grammar.syntax import declarations, expressions, headers, nodes, rules, settings, steps
from cij.grammar.syntax.declarations import *
from cij.grammar.syntax.expressions import *
from cij.grammar.syntax.headers import *
from cij.grammar.syntax.nodes import *
from cij.grammar.syntax.rules import *
from cij.grammar.syntax.settings import *
from cij.grammar.syntax.steps import *

__all__: list[str] = []
__all__ += declarations.__all__
__all__ += expressions.__all__
__all__ += headers.__all__
__all__ += nodes.__all__
__all__ += rules.__all__
__all__ += settings.__all__
__all__ += steps.__all__
