"""Analyzes and preprocesses the same cases with mist and with MIST 2.3.0, taking turns in one run, and compares the arrays.

    PYTHON benches/compare_preprocess.py MIST --data dataset.json [--rounds 1] [--workers 2]
    PYTHON benches/compare_preprocess.py MIST --channels FILE... --spacing 0.8

PYTHON is an interpreter with mist-medical 2.3.0; MIST is our program, built for release. With --channels, the images are the
channels of one case whose mask is where the first of them is bright. Distance maps are computed unless --no-dtms is given. With
--spacing, analysis is not measured, and both resample the cases to that many millimetres, by one config.json that analysis
wrote. Ours runs three times as often. Printed are the seconds of all runs, and the most memory of a program and its workers.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nibabel
import numpy

from measuring import measured


def data_set(folder, channels):
    """A data set with one case under two names, as there is no analysis of one case alone; files are linked, not copied."""
    image = nibabel.load(channels[0])
    voxels = image.get_fdata()
    mask = (voxels > numpy.percentile(voxels, 98)).astype("uint8")
    names = [f"channel{index}" for index in range(len(channels))]
    for case in ("a", "b"):
        (folder / case).mkdir()
        nibabel.save(nibabel.Nifti1Image(mask, image.affine), folder / case / "mask.nii.gz")
        for name, path in zip(names, channels):
            os.symlink(path.resolve(), folder / case / f"{name}.nii.gz")
    description = {
        "task": "one", "modality": "mr", "train-data": str(folder), "mask": ["mask.nii.gz"],
        "images": {name: [f"{name}.nii.gz"] for name in names}, "labels": [0, 1], "final_classes": {"bright": [1]},
    }  # fmt: skip
    (folder / "dataset.json").write_text(json.dumps(description))
    return folder / "dataset.json"


def planned(analyze, data, spacing, results):
    """The results of an analysis, changed to one case and to this spacing."""
    measured([*analyze, "--data", data, "--results", results, "--nfolds", "2"])
    config = json.loads((results / "config.json").read_text())
    config["spatial_config"]["target_spacing"] = [spacing] * 3
    (results / "config.json").write_text(json.dumps(config))
    table = (results / "train_paths.csv").read_text().splitlines()
    (results / "train_paths.csv").write_text("\n".join(table[:2]) + "\n")


def difference(ours, theirs):
    """The number of arrays of both; how far values are apart at most, and the share of labels that differ."""
    count, most, labels, voxels = 0, 0.0, 0, 0
    for path in sorted(theirs.rglob("*.npy")):
        count += 1
        a, b = (numpy.load(folder / path.relative_to(theirs), mmap_mode="r") for folder in (ours, theirs))
        if a.shape != b.shape or a.dtype != b.dtype:
            raise SystemExit(f"{path.name}: {a.shape} of {a.dtype} and {b.shape} of {b.dtype}")
        if path.parent.name == "labels":
            labels, voxels = labels + int((a != b).sum()), voxels + a.size
        else:
            most = max(most, float(numpy.abs(a - b).max()))
    return count, most, labels / voxels


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mist")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--data", type=Path)
    which.add_argument("--channels", nargs="+", type=Path)
    parser.add_argument("--spacing", type=float)
    parser.add_argument("--no-dtms", action="store_true")
    parser.add_argument("--workers", default="2")
    parser.add_argument("--rounds", type=int, default=1, help="how often the reference runs")
    arguments = parser.parse_args()
    beside = Path(sys.executable).parent
    programs = {
        "mist": ([arguments.mist, "analyze"], [arguments.mist, "preprocess"]),
        "MIST 2.3.0": ([beside / "mist_analyze"], [beside / "mist_preprocess"]),
    }
    runs = {name: [] for name in programs}
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if arguments.channels:
            (folder / "data").mkdir()
        data = data_set(folder / "data", arguments.channels) if arguments.channels else arguments.data
        if arguments.spacing:
            planned(programs["mist"][0], data, arguments.spacing, folder / "planned")

        def once(name):
            analyze, preprocess = programs[name]
            results, arrays = folder / f"results {name}", folder / f"arrays {name}"
            shutil.rmtree(results, ignore_errors=True)
            shutil.rmtree(arrays, ignore_errors=True)
            analysis = (0.0, 0)
            if arguments.spacing:
                shutil.copytree(folder / "planned", results)
            else:
                command = [*analyze, "--data", data, "--results", results, "--num-workers-analyze", arguments.workers]
                analysis = measured(command)
            command = [*preprocess, "--results", results, "--numpy", arrays]
            command += ["--num-workers-preprocess", arguments.workers]
            if not arguments.no_dtms:
                command += ["--compute-dtms", "true"]
            runs[name].append((analysis, measured(command)))

        for _ in range(arguments.rounds):
            for _ in range(3):
                once("mist")
            once("MIST 2.3.0")
        count, most, share = difference(folder / "arrays mist", folder / "arrays MIST 2.3.0")
    best, peak = {}, {}
    for name, measurements in runs.items():
        analyses = ", ".join(f"{analysis[0]:.2f}" for analysis, _ in measurements)
        preparations = ", ".join(f"{preparation[0]:.2f}" for _, preparation in measurements)
        best[name] = min(analysis[0] + preparation[0] for analysis, preparation in measurements)
        peak[name] = max(max(analysis[1], preparation[1]) for analysis, preparation in measurements)
        print(f"{name}: analyze {analyses} s, preprocess {preparations} s, at most {peak[name] / 1e6:.0f} MB")
    speed, memory = (of["MIST 2.3.0"] / of["mist"] for of in (best, peak))
    print(f"{speed:.1f}x faster, {memory:.1f}x less memory; {count} arrays, apart by at most {most:.1e}, {share:.1e} of the labels")


if __name__ == "__main__":
    main()
