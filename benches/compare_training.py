"""Trains fold 0 with `mist` and with MIST 2.3.0 from the same arrays, taking turns: curves side by side, and time per epoch.

    PYTHON benches/compare_training.py --mist target/release/mist --results RESULTS --numpy ARRAYS --work FOLDER
        [--loss dice_ce] [--epochs 3] [--steps 100] [--rounds 1] [--seeds 42] [--only mist|reference] [--no-flips]

PYTHON is the interpreter of an environment with `mist-medical==2.3.0`, whose `mist_train` stands beside it. RESULTS and
ARRAYS are what `mist analyze` and `mist preprocess` made. Losses and times come from the TensorBoard events that both
programs write after each epoch; an epoch is its steps (loading, augmentation, optimizer) and its validation. The first
epoch is left out of the time. Held-out Dice of the fold is that of `mist finalize` on the predictions of each.
"""

import argparse
import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def prepared(arguments, name, seed):
    """A copy of the analysis with the settings of the comparison."""
    folder = arguments.work / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in arguments.results.iterdir():
        if file.suffix in (".json", ".csv"):
            shutil.copy(file, folder)
    config = json.loads((folder / "config.json").read_text())
    training = config["training"]
    training["seed"] = seed
    training["min_steps_per_epoch"] = arguments.steps
    training["hardware"]["num_cpu_workers"] = os.cpu_count()
    config["inference"]["tta"]["enabled"] = not arguments.no_flips
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    return folder


def train(arguments, program, name, seed):
    """Epochs as (seconds since the one before, training loss, validation loss), and the held-out Dice per class."""
    folder = prepared(arguments, name, seed)
    size = [str(arguments.patch)] * 3
    command = [*program, "--results", folder, "--numpy", arguments.numpy, "--model", arguments.model]
    command += ["--patch-size", *size, "--loss", arguments.loss, "--epochs", str(arguments.epochs)]
    command += ["--warmup-epochs", "0", "--folds", "0"]
    environment = os.environ | {"OMP_NUM_THREADS": str(os.cpu_count()), "CUDA_VISIBLE_DEVICES": ""}
    with open(folder / "training.log", "w") as log:
        done = subprocess.run(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        sys.exit(f"{name} failed; see {folder / 'training.log'}")

    def scalars(part):
        (logs,) = (path for path in folder.joinpath("logs").rglob(part) if path.is_dir())
        events = EventAccumulator(str(logs))
        events.Reload()
        return events.Scalars("losses")

    training, validation = scalars("*losses_train"), scalars("*losses_validation")
    times = [event.wall_time for event in validation]
    seconds = [None] + [after - before for before, after in zip(times, times[1:])]
    epochs = [(s, t.value, v.value) for s, t, v in zip(seconds, training, validation)]
    subprocess.run([arguments.mist, "finalize", "--results", folder], stdout=subprocess.DEVNULL, check=True)
    with open(folder / "results.csv") as table:
        mean = next(row for row in csv.DictReader(table) if row["id"] == "Mean")
    return epochs, {column: float(mean[column]) for column in mean if column.endswith("_dice")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mist", type=lambda name: Path(name).absolute(), required=True, help="our program")
    parser.add_argument("--results", type=Path, required=True, help="folder of the analysis")
    parser.add_argument("--numpy", type=Path, required=True, help="folder of the arrays, with distance maps for `bl`")
    parser.add_argument("--work", type=Path, required=True, help="folder for the runs, replaced")
    parser.add_argument("--model", default="nnunet-pocket")
    parser.add_argument("--patch", type=int, default=32, help="voxels along each axis")
    parser.add_argument("--loss", default="dice_ce")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100, help="steps of an epoch, at least")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42], help="one for each round, over and over")
    parser.add_argument("--only", choices=["mist", "reference"])
    parser.add_argument("--no-flips", action="store_true", help="predict the held-out cases in an eighth of the time")
    arguments = parser.parse_args()
    reference = Path(sys.executable).with_name("mist_train")
    programs = {"mist": [arguments.mist, "train"], "reference": [reference]}
    if arguments.only:
        programs = {arguments.only: programs[arguments.only]}
    seconds = {name: [] for name in programs}
    for turn in range(arguments.rounds):
        seed = arguments.seeds[turn % len(arguments.seeds)]
        for name, program in programs.items():
            epochs, dice = train(arguments, program, f"{name}-{arguments.loss}-{seed}", seed)
            seconds[name] += [epoch[0] for epoch in epochs[1:]]
            for number, (_, training, validation) in enumerate(epochs, 1):
                print(f"{name}, seed {seed}, epoch {number}: training {training:.4f}, validation {validation:.4f}")
            print(f"{name}, seed {seed}: " + ", ".join(f"{key} {value:.4f}" for key, value in dice.items()), flush=True)
    medians = {name: statistics.median(times) for name, times in seconds.items() if times}
    for name, median in medians.items():
        print(f"{name}: {median:.1f} s per epoch, {arguments.steps / median:.2f} steps per second with validation")
    if len(medians) == 2:
        print(f"ratio {medians['reference'] / medians['mist']:.1f}x")


if __name__ == "__main__":
    main()
