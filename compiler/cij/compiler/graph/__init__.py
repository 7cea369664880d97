"""Journeys as pictures: `outline` says what there is to draw, the rest draw it."""

from cij.compiler.graph.compared import compared
from cij.compiler.graph.dot import to_dot
from cij.compiler.graph.mermaid import to_mermaid
from cij.compiler.graph.outline import Edge, Graph, Node, outline
from cij.compiler.graph.svg import to_svg

__all__ = ["Edge", "Graph", "Node", "compared", "outline", "to_dot", "to_mermaid", "to_svg"]
