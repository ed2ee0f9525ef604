#!/usr/bin/env python3
"""Exchanges files with the reference in both directions and compares the predictions.

    python3 -m venv reference && reference/bin/pip install mist-medical==2.3.0 nibabel
    reference/bin/python scripts/interchange.py --mist target/release/mist \
        --source Task04_Hippocampus --work interchange

1. Ours analyzes, preprocesses and trains; the reference's `mist_predict` reads our config, table and weights.
2. The reference analyzes, preprocesses and trains; ours predicts with its config, table and weights, and trains on
   its arrays.
3. Each continues the other's training from its checkpoint.
Both must give the same masks: Dice of at least 0.999 per class and case. A folder of an earlier, interrupted call is
continued: commands whose output is there are left out.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy

TRAIN = ["--model", "nnunet-pocket", "--patch-size", "32", "32", "32", "--folds", "0", "--epochs", "2",
         "--warmup-epochs", "1"]


# PyTorch's threads wait for each other in busy loops, which takes them minutes where other programs run.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def run(*command, makes=None):
    if makes is not None and makes.exists():
        return
    print("$", *command, flush=True)
    subprocess.run([str(part) for part in command], check=True, env=ENVIRONMENT)


def shorten(config):
    """Few steps: what is compared is the exchange, not the training."""
    settings = json.loads(config.read_text())
    settings["training"]["min_steps_per_epoch"] = 30
    settings["training"]["hardware"]["num_cpu_workers"] = 1
    config.write_text(json.dumps(settings, indent=2))


def compare(ours, theirs, labels):
    worst = 1.0
    names = sorted(path.name for path in theirs.glob("*.nii.gz"))
    assert names, f"no predictions in {theirs}"
    for name in names:
        a = nibabel.load(ours / name)
        b = nibabel.load(theirs / name)
        assert numpy.allclose(a.affine, b.affine, atol=1e-4), name
        a, b = numpy.asarray(a.dataobj), numpy.asarray(b.dataobj)
        for label in labels:
            size = (a == label).sum() + (b == label).sum()
            dice = 1.0 if size == 0 else 2 * ((a == label) & (b == label)).sum() / size
            worst = min(worst, dice)
    print(f"{len(names)} cases, smallest Dice per class and case: {worst:.5f}", flush=True)
    assert worst >= 0.999, "the predictions differ"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mist", type=Path, required=True, help="our program")
    parser.add_argument("--source", type=Path, required=True, help="a data set in the Decathlon's layout")
    parser.add_argument("--work", type=Path, required=True, help="folder to work in")
    options = parser.parse_args()
    mist, work = options.mist.resolve(), options.work.resolve()
    reference = Path(sys.executable).parent
    work.mkdir(parents=True, exist_ok=True)
    run(mist, "convert-msd", "--source", options.source, "--output", work / "data",
        makes=work / "data/dataset.json")
    data = work / "data/dataset.json"
    last = sorted(path.name for path in (options.source / "imagesTs").glob("*.nii.gz"))[-1]

    def predict(program, trainer, output):
        run(*program, "--models-dir", work / trainer / "models", "--config", work / trainer / "config.json",
            "--paths-csv", work / trainer / "test_paths.csv", "--output", output, "--device", "cpu",
            makes=output / last)

    for trainer, commands in [("ours", [[mist, "analyze"], [mist, "preprocess"], [mist, "train"]]),
                              ("theirs", [[reference / f"mist_{name}"] for name in ("analyze", "preprocess", "train")])]:
        results, numpy_folder = work / trainer, work / f"{trainer}-numpy"
        run(*commands[0], "--data", data, "--results", results, makes=results / "config.json")
        shorten(results / "config.json")
        run(*commands[1], "--results", results, "--numpy", numpy_folder, makes=numpy_folder)
        run(*commands[2], "--results", results, "--numpy", numpy_folder, *TRAIN, makes=results / "models/fold_0.pt")
        predict([mist, "predict"], trainer, work / f"{trainer}-by-us")
        predict([reference / "mist_predict"], trainer, work / f"{trainer}-by-them")
        compare(work / f"{trainer}-by-us", work / f"{trainer}-by-them", [1, 2])

    # Each takes over from the other's arrays and checkpoint.
    more = ["--epochs", "3", "--folds", "0", "--resume"]
    run(reference / "mist_train", "--results", work / "ours", "--numpy", work / "ours-numpy", *more)
    run(mist, "train", "--results", work / "theirs", "--numpy", work / "theirs-numpy", *more)
    print("interchange works in both directions")


if __name__ == "__main__":
    main()
