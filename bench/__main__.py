"""`python -m bench`: run every benchmark, each a folder beside this file with a `__main__.py`."""

import runpy
from pathlib import Path


def main() -> None:
    """Run them in the order of their names."""
    for file in sorted(Path(__file__).parent.glob("*/__main__.py")):
        name = file.parent.name
        print(f"== {name}", flush=True)
        runpy.run_module(f"bench.{name}", run_name="__main__")
        print(flush=True)


if __name__ == "__main__":
    main()
