#!/usr/bin/env python3
"""Exchanges files with the reference in both directions and compares the predictions.

    python3 -m venv reference && reference/bin/pip install mist-medical==2.3.0 nibabel
    reference/bin/python scripts/interchange.py --mist target/release/mist \
        --source Task04_Hippocampus --work interchange

1. Ours analyzes, preprocesses and trains; the reference's `mist_predict` reads our config, table and weights.
2. The reference analyzes, preprocesses and trains; ours predicts with its config, table and weights, and trains on
   its arrays.
3. Each continues the other's training from its checkpoint.
4. Both evaluate, clean up, join and rank the predictions of either.
Both must give the same masks: Dice of at least 0.999 per class and case where networks are at work. After postprocessing, only
parts may differ that touch the rest of a label's single object over edges or corners, and that MIST removes (docs/differences.md);
after joining, 1 of 10 000 voxels of a case: those on which the raters are divided evenly. Scores must agree to 1e-9 of their size, ranks and p-values to 1e-12. A
folder of an earlier, interrupted call is continued: commands whose output is there are left out.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy
import scipy.ndimage

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


SCORES = {name: {} for name in ["dice", "haus95", "avg_surf", "surf_dice", "lesion_wise_dice", "lesion_wise_haus95",
                                "lesion_wise_surf_dice", "lesion_wise_f1"]}
EVALUATION = {"whole": {"labels": [1, 2], "metrics": SCORES}, "anterior": {"labels": [1], "metrics": SCORES}}
STRATEGY = [
    {"transform": "remove_small_objects", "apply_to_labels": [1, 2], "per_label": True,
     "kwargs": {"small_object_threshold": 20}},
    {"transform": "fill_holes_with_label", "apply_to_labels": [1, 2], "per_label": False,
     "kwargs": {"fill_holes_label": 1}},
    {"transform": "get_top_k_connected_components", "apply_to_labels": [2], "per_label": True,
     "kwargs": {"top_k_connected_components": 1, "apply_morphological_cleaning": False,
                "morphological_cleaning_iterations": 2}},
]


def differing_voxels(ours, theirs):
    """The largest share of voxels of a case in which two folders of label maps differ."""
    names = sorted(path.name for path in theirs.glob("*.nii.gz"))
    assert names, f"no label maps in {theirs}"
    maps = ((numpy.asarray(nibabel.load(folder / name).dataobj) for folder in (ours, theirs)) for name in names)
    worst = max(float((a != b).mean()) for a, b in maps)
    print(f"{len(names)} label maps, largest share of voxels that differ: {worst:.1e}", flush=True)
    return worst


def compare_cleaned(raw, ours, theirs):
    """Differences are parts of a label that is one object over edges and corners; MIST takes them for objects of their own."""
    names = sorted(path.name for path in theirs.glob("*.nii.gz"))
    assert names, f"no label maps in {theirs}"
    count = 0
    for name in names:
        before, a, b = (numpy.asarray(nibabel.load(folder / name).dataobj).astype(int) for folder in (raw, ours, theirs))
        differs = a != b
        count += int(differs.sum())
        for label in numpy.unique(before[differs]):
            one_object = scipy.ndimage.label(before == label, numpy.ones((3, 3, 3)))[1] == 1
            here = differs & (before == label)
            assert one_object and (a[here] == label).all() and (b[here] == 0).all(), f"{name}: label {label} differs"
    print(f"{len(names)} label maps, {count} voxels of parts that touch over edges or corners differ", flush=True)


def compare_tables(ours, theirs, tolerance):
    """Rows by their first cell, columns by name; texts must be equal and numbers nearly."""
    def read(path):
        with open(path, newline="") as file:
            return {next(iter(row.values())): row for row in csv.DictReader(file)}

    ours, theirs = read(ours), read(theirs)
    assert ours.keys() == theirs.keys(), (ours.keys(), theirs.keys())
    worst = 0.0
    for key, row in theirs.items():
        assert row.keys() == ours[key].keys(), (row.keys(), ours[key].keys())
        for column, expected in row.items():
            found = ours[key][column]
            if found != expected:
                worst = max(worst, abs(float(found) - float(expected)) / max(abs(float(expected)), 1.0))
    print(f"{len(theirs)} rows, largest difference: {worst:.1e}", flush=True)
    assert worst <= tolerance, "the tables differ"


def compare_later_stages(mist, reference, work, trainers):
    """Evaluation, postprocessing, ensembling and ranking of the predictions for the held-out and the test cases."""
    (work / "evaluation.json").write_text(json.dumps(EVALUATION))
    (work / "strategy.json").write_text(json.dumps(STRATEGY))

    def both(command, flags, name, output):
        """Runs both programs; the names of what they make."""
        made = [work / f"{name}-by-us{output}", work / f"{name}-by-them{output}"]
        flag = "--output-csv" if output else "--output"
        run(mist, command, *flags, flag, made[0], makes=made[0])
        run(reference / f"mist_{command}", *flags, flag, made[1], makes=made[1])
        return made

    for trainer in trainers:
        results, table = work / trainer, work / f"{trainer}-pairs.csv"
        with open(results / "train_paths.csv", newline="") as file:
            cases = [(row["id"], row["mask"]) for row in csv.DictReader(file) if row["fold"] == "0"]
        predictions = results / "predictions/train/raw"
        with open(table, "w", newline="") as file:
            rows = [(case, mask, predictions / f"{case}.nii.gz") for case, mask in cases]
            csv.writer(file).writerows([("id", "mask", "prediction"), *rows])
        flags = ["--config", work / "evaluation.json", "--paths-csv", table]
        compare_tables(*both("evaluate", flags, f"{trainer}-scores", ".csv"), tolerance=1e-9)
        flags = ["--base-predictions", predictions, "--postprocess-strategy", work / "strategy.json"]
        cleaned = both("postprocess", flags, f"{trainer}-cleaned", "")
        compare_cleaned(predictions, *(folder / "predictions" for folder in cleaned))
    raters = [work / f"{trainer}-by-us" for trainer in trainers] + [work / "theirs-by-them"]
    for backend in ["majority_vote", "staple"]:
        flags = ["--predictions", *raters, "--ensemble-backend", backend]
        assert differing_voxels(*both("ensemble", flags, f"joined-{backend}", "")) <= 1e-4
    tables = [work / f"{trainer}-scores-by-{whom}.csv" for trainer, whom in zip(trainers, ["them", "us"])]
    for name, whom in [("detailed", "--output-detailed-csv"), ("significance", "--significance-csv")]:
        made = []
        for program, by in [([mist, "rank"], "us"), ([reference / "mist_rank"], "them")]:
            made.append(work / f"{name}-by-{by}.csv")
            flags = ["--results", *tables, "--output-csv", work / f"ranks-by-{by}.csv", whom, made[-1]]
            run(*program, *flags, makes=made[-1])
        compare_tables(*made, tolerance=1e-12)
    compare_tables(work / "ranks-by-us.csv", work / "ranks-by-them.csv", tolerance=1e-12)


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
    compare_later_stages(mist, reference, work, ["ours", "theirs"])
    print("interchange works in both directions")


if __name__ == "__main__":
    main()
