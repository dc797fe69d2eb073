"""Run experiments, or what is missing of them: stopped or killed, the same command goes on.

    .venv/bin/python experiments/run.py                       # lists them
    .venv/bin/python experiments/run.py recipe --seeds 0 1 2
    .venv/bin/python experiments/run.py --all

Each run adds its rows to `utils/assets/results/<experiment>.csv` as soon as it is done. Two
processes may work on one experiment, best on different seeds.
"""

from pathlib import Path

# First: it makes `utils` be found.
from commands import MOST_THREADS, RESULTS, Parser, end, whole

# isort: split
import torch

from utils.experiments import Experiment, ResultsError, Store
from utils.experiments.catalogue import EXPERIMENTS


def state(experiment: Experiment, store: Store) -> str:
    """Say how much of an experiment is done."""
    try:
        missing, done = experiment.missing(store), store.runs()
    except ResultsError as error:
        return str(error)
    return f"{len(done)} runs are there, {len(missing)} are missing"


def main() -> None:
    """Run the command line."""
    parser = Parser(__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(EXPERIMENTS))
    parser.add_argument("--all", action="store_true", help="every experiment")
    parser.add_argument("--seeds", nargs="+", type=whole(0), metavar="N", help="only these")
    parser.add_argument("--settings", nargs="+", metavar="NAME", help="only these")
    parser.add_argument(
        "--threads", type=whole(1, MOST_THREADS), help="of the CPU; by default, all cores"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FOLDER", help="of the rows")
    asked = parser.parse_args()
    for name in asked.names:
        if name not in EXPERIMENTS:
            parser.error(f"there is no experiment {name!r}; there are {', '.join(EXPERIMENTS)}")
    if asked.all and (asked.names or asked.settings):
        parser.error("--all takes no names and no --settings")
    if asked.settings and len(asked.names) != 1:
        parser.error("--settings belong to one experiment: name it")
    names = list(EXPERIMENTS) if asked.all else asked.names
    if not names and (asked.seeds or asked.threads):
        parser.error("--seeds and --threads belong to a run: name an experiment, or give --all")
    if not names:
        for experiment in EXPERIMENTS.values():
            print(f"{experiment.name}: {experiment.about}")
            print(f"  {state(experiment, Store(asked.out / f'{experiment.name}.csv'))}")
    if asked.threads:
        torch.set_num_threads(asked.threads)
    for name in names:
        store = Store(asked.out / f"{name}.csv")
        EXPERIMENTS[name].run(settings=asked.settings, seeds=asked.seeds, store=store)


if __name__ == "__main__":
    end(main)
