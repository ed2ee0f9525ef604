#!/usr/bin/env python3
"""Trains the reference on the demo's scans under the demo's flags and number of steps, for the figures in the README.

    python3 -m venv reference && reference/bin/pip install mist-medical==2.3.0
    target/release/mist demo --output mist-demo
    reference/bin/python scripts/demo_by_reference.py --mist target/release/mist --demo mist-demo --work by-reference
"""

import argparse
import csv
import json
import os
import subprocess
import sys
from pathlib import Path


# PyTorch's threads wait for each other in busy loops, which takes them minutes where other programs run.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def run(*command):
    print("$", *command, flush=True)
    subprocess.run([str(part) for part in command], check=True, env=ENVIRONMENT)


def mean_dice(table):
    with open(table, newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["id"] == "Mean")
    values = [float(value) for column, value in row.items() if column.endswith("_dice")]
    return sum(values) / len(values)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mist", type=Path, required=True, help="our program, to score the predictions of the test cases")
    parser.add_argument("--demo", type=Path, required=True, help="folder that `mist demo` has filled")
    parser.add_argument("--work", type=Path, required=True, help="folder to work in; must not exist")
    options = parser.parse_args()
    work, demo, reference = options.work.resolve(), options.demo.resolve(), Path(sys.executable).parent
    work.mkdir(parents=True)
    results, numpy = work / "results", work / "numpy"
    ours = json.loads((demo / "results/config.json").read_text())

    run(reference / "mist_analyze", "--data", demo / "hippo/dataset.json", "--results", results,
        "--nfolds", ours["training"]["nfolds"])
    config = results / "config.json"
    settings = json.loads(config.read_text())
    settings["training"]["min_steps_per_epoch"] = ours["training"]["min_steps_per_epoch"]
    settings["training"]["hardware"]["num_cpu_workers"] = 1
    config.write_text(json.dumps(settings, indent=2))
    run(reference / "mist_preprocess", "--results", results, "--numpy", numpy)
    run(reference / "mist_train", "--results", results, "--numpy", numpy, "--model", ours["model"]["architecture"],
        "--patch-size", *ours["spatial_config"]["patch_size"], "--epochs", ours["training"]["epochs"],
        "--warmup-epochs", ours["training"]["warmup_epochs"], "--learning-rate", ours["training"]["learning_rate"])
    run(reference / "mist_predict", "--models-dir", results / "models", "--config", config,
        "--paths-csv", results / "test_paths.csv", "--output", work / "predictions", "--device", "cpu")
    run(options.mist.resolve(), "evaluate", "--config", config, "--masks", demo / "Task04_Hippocampus/labelsTs",
        "--predictions", work / "predictions", "--output-csv", work / "test_results.csv")
    for name, folder in [("ours", demo), ("the reference's", work)]:
        held_out, test = mean_dice(folder / "results/results.csv"), mean_dice(folder / "test_results.csv")
        print(f"{name}: mean Dice {held_out:.3f} of the held-out cases, {test:.3f} of the test cases")


if __name__ == "__main__":
    main()
