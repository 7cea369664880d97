"""Many seeds, one after the other: python -m tests.agreement --seeds 10000 [--from 0]."""

import argparse
import sys

from tests.agreement.batch_settings import STREAMS
from tests.agreement.comparing import LATE, SCENARIOS, SPACINGS, drawn, faults, reduced

_BATCH = SCENARIOS * STREAMS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.agreement", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many (default 1000)")
    parser.add_argument("--from", type=int, default=0, dest="start", help="the first seed")
    parser.add_argument("--faults", type=int, default=5, help="stop after so many differences")
    parser.add_argument("--late", action="store_true", help="only ticks that are late")
    options = parser.parse_args()
    spacings = LATE if options.late else (*SPACINGS, *LATE)
    count = found = 0
    for batch in range(options.start // _BATCH, -(-(options.start + options.seeds) // _BATCH)):
        scenarios = drawn(batch)
        count += sum(len(scenario.customers) for scenario in scenarios)
        seen: set[int] = set()
        for fault in faults(scenarios, spacings[batch % len(spacings)]):
            if fault.scenario.seed not in seen:
                seen.add(fault.scenario.seed)
                found += 1
                print(f"seed {fault.seed} of batch {batch} differs:\n{reduced(fault).text()}\n")
        if found >= options.faults:
            break
        print(f"{count} seeds, {found} faults", file=sys.stderr, flush=True)
    print(f"{count} seeds, {found} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
