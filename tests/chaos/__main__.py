"""`python -m tests.chaos --minutes 20 --seed 7 --report docs/chaos-report.md`: a long run, and its report."""

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from app.embedded.mongod import find_mongod
from app.embedded.provision import provide_kafka
from tests.chaos import report
from tests.chaos.run import chaos, long_run

SHARED = Path(__file__).parents[2] / ".local"


def tell(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run, write the report, and return 1 when anything went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0, help="how long faults are done (20)")
    parser.add_argument("--rate", type=float, default=12.0, help="orders a second (12)")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000), help="chooses the faults (by chance)")
    parser.add_argument("--report", type=Path, help="the Markdown file to write; JSON is written beside it")
    parser.add_argument("--keep", action="store_true", help="keep the logs of all processes")
    options = parser.parse_args()
    tell(f"seed {options.seed}")
    home = Path(tempfile.mkdtemp(prefix="chaos-"))
    try:
        plan = long_run(options.minutes * 60, options.rate, 1.0, tell)
        outcome = chaos(home, provide_kafka(SHARED, tell), find_mongod(), plan, options.seed, tell)
    finally:
        if options.keep:
            tell(f"logs are in {home}")
        else:
            shutil.rmtree(home)
    command = f"python -m tests.chaos --minutes {options.minutes:g} --rate {options.rate:g} --seed {options.seed}"
    tell(report.as_markdown(outcome, command))
    if options.report:
        report.write(outcome, command, options.report)
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
