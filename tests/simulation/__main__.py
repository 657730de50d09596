"""Run the simulator: `python -m tests.simulation --seed 7 --operations 20000`."""

import argparse
import sys
from time import process_time

from tests.simulation.audit import ViolationError
from tests.simulation.plants import PLANTS, planted
from tests.simulation.run import Settings, simulate


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--operations", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=1, help="this many seeds from --seed on")
    parser.add_argument("--trace", type=int, default=40, help="lines of it, where a run fails")
    parser.add_argument("--plant", choices=sorted(PLANTS), help="a defect, which must be found")
    asked = parser.parse_args()
    for seed in range(asked.seed, asked.seed + asked.runs):
        settings = Settings(seed, asked.operations, trace=asked.trace)
        began = process_time()
        try:
            report = simulate(planted(settings, asked.plant) if asked.plant else settings)
        except ViolationError as e:
            print(*getattr(e, "__notes__", []), sep="\n")
            print(f"violation: {e}")
            print(f"replay: --seed {seed} --operations {asked.operations} --trace 100000")
            return 1
        print(
            f"seed {seed}: {report.operations} operations, {report.events} events,"
            f" {report.refusals} refusals kept, {report.crashes} crashes,"
            f" {report.seconds / 60:.0f} minutes in {process_time() - began:.1f} s,"
            f" digest {report.digest[:16]}"
        )
        if asked.runs == 1:
            print(f"  asked: {dict(report.asked.most_common())}")
            print(f"  told:  {dict(report.told.most_common())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
