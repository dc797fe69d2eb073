"""Train a network that ships with the package; killed or stopped, the same command continues.

    .venv/bin/python experiments/train_checkpoints.py mini-googlenet --seed 0
    .venv/bin/python experiments/train_checkpoints.py mini-googlenet --seed 0 --ship
    .venv/bin/python experiments/train_checkpoints.py record --seed 0
    .venv/bin/python experiments/train_checkpoints.py rates

The state of a run lies in `work/training`. A finished run adds a row to `checkpoints.csv` among the
results; `--ship` then puts its weights and their card into the package. `record` trains the network
of chapter 7's record, which does not ship, and adds its row to `record.csv`. `rates` tries learning
rates for the networks on Fashion-MNIST on images that are held out, and adds its rows to
`checkpoint_rates.csv`.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

# First: it makes `utils` be found.
from commands import MOST_THREADS, RESULTS, WORK, Parser, end, whole

# isort: split
import torch

from utils.experiments import Store
from utils.experiments.record import LEAN_NETWORK, RECORD
from utils.experiments.shipped import CHECKPOINT_RATES, CHECKPOINTS, SHIPPED, ship


def main() -> None:
    """Run the command line."""
    parser = Parser(__doc__)
    parser.add_argument("name", choices=(*SHIPPED, "record", "rates"))
    parser.add_argument("--seed", type=whole(0), default=0)
    parser.add_argument(
        "--threads", type=whole(1, MOST_THREADS), help="of the CPU; by default, all cores"
    )
    parser.add_argument("--ship", action="store_true", help="put it into the package, when trained")
    parser.add_argument("--work", type=Path, default=WORK, metavar="FOLDER", help="of the states")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FOLDER", help="of the rows")
    asked = parser.parse_args()
    if asked.name == "rates" and (asked.seed or asked.ship):
        parser.error("rates has a seed of its own and nothing to ship: leave out --seed and --ship")
    if asked.name == "record" and asked.ship:
        parser.error("the record's network does not ship: leave out --ship")
    if asked.threads:
        torch.set_num_threads(asked.threads)
    if asked.name == "rates":
        CHECKPOINT_RATES.run(store=Store(asked.out / f"{CHECKPOINT_RATES.name}.csv"))
        return
    asked.work.mkdir(parents=True, exist_ok=True)
    state = asked.work / f"{asked.name}-{asked.seed}.safetensors"
    experiment, setting = (
        (RECORD, LEAN_NETWORK) if asked.name == "record" else (CHECKPOINTS, asked.name)
    )
    store = Store(asked.out / f"{experiment.name}.csv")
    experiment = replace(experiment, measure=partial(experiment.measure, checkpoint=state))
    rows = experiment.run(settings=[setting], seeds=[asked.seed], store=store)
    print(f"{asked.name}, seed {asked.seed}: test accuracy {rows['test_accuracy'].item():.4f}")
    if asked.ship:
        command = f"python experiments/train_checkpoints.py {asked.name} --seed {asked.seed}"
        if asked.threads:  # another number of threads: other last bits
            command += f" --threads {asked.threads}"
        print(ship(asked.name, seed=asked.seed, checkpoint=state, command=command))


def say(error: BaseException) -> str:
    """Word an error as this command is called."""
    return str(error).replace("another place with checkpoint=", "another folder with --work")


if __name__ == "__main__":
    end(main, say)
