"""What can be proved about conditions and journeys without any data.

`verdicts` asks about one condition, `conditions` and `paths` make diagnostics of it, `bounds` counts
the messages that one customer can receive.
"""

from cij.compiler.pass_state import Build
from cij.compiler.proofs import missing_values
from cij.compiler.proofs.caps import check_caps
from cij.compiler.proofs.conditions import check_segments
from cij.compiler.proofs.paths import check_journey


def check_proofs(build: Build) -> None:
    """Report what can never be true, or always is. The project has no errors."""
    check_segments(build)
    missing_values.check_segments(build)
    for node in build.journeys.values():
        check_journey(node, build)
    check_caps(build)
