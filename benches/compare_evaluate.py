"""Times our `evaluate` and the reference's on the same masks, and measures the peak of their memory, in one run.

    PYTHON benches/compare_evaluate.py MIST MASK... [--reference mist_evaluate] [--workers 2] [--rounds 1]

PYTHON is an interpreter with NumPy, SciPy and SimpleITK; MIST is our program, built for release; MASK are label maps with the
labels 1 and 2. Each is compared with a copy of itself that is moved, in part eroded and dilated, has lost a
blob and gained one, the same ones every time (`--seed`). All metrics are computed for three classes: both labels
together, and each alone. The values of both programs must agree.
"""

import argparse
import csv
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy
import SimpleITK
from scipy.ndimage import binary_dilation, binary_erosion, shift

from measuring import measured

METRICS = [
    "dice", "haus95", "avg_surf", "surf_dice",
    "lesion_wise_dice", "lesion_wise_haus95", "lesion_wise_surf_dice", "lesion_wise_f1",
]  # fmt: skip
CLASSES = {"all": [1, 2], "first": [1], "second": [2]}


def ball(size, center, radius):
    grids = numpy.ogrid[tuple(slice(0, n) for n in size)]
    return sum(((grid - at) / r) ** 2 for grid, at, r in zip(grids, center, radius)) <= 1


def perturbed(labels, random):
    """A prediction as it might be: every change is drawn from `random`."""
    result = shift(labels, random.integers(-2, 3, size=3), order=0)
    foreground = numpy.argwhere(labels)
    low, high = foreground.min(axis=0), foreground.max(axis=0) + 1
    middle = (low[2] + high[2]) // 2
    box = tuple(slice(max(a - 8, 0), b + 8) for a, b in zip(low, high))
    inner = result[box]
    left = numpy.arange(labels.shape[2])[box[2]] < middle
    for label in (1, 2):
        mask = inner == label
        grown = binary_dilation(mask, iterations=2) & (inner == 0) & left
        shrunk = mask & ~binary_erosion(mask, iterations=1) & ~left
        inner[grown] = label
        inner[shrunk] = 0
    radius = numpy.maximum(numpy.array(labels.shape) // 40, 2)
    lost = foreground[random.integers(len(foreground))]
    result[ball(labels.shape, lost, radius)] = 0
    gained = [random.integers(n // 4, 3 * n // 4) for n in labels.shape]
    result[ball(labels.shape, gained, radius)] = 2
    return result


def write_inputs(folder, masks, seed):
    rows = []
    for index, path in enumerate(masks):
        image = SimpleITK.ReadImage(str(path))
        labels = SimpleITK.GetArrayFromImage(image).astype("uint8")
        truth, prediction = folder / f"truth_{path.name}", folder / f"prediction_{path.name}"
        for target, voxels in ((truth, labels), (prediction, perturbed(labels, numpy.random.default_rng([seed, index])))):
            written = SimpleITK.GetImageFromArray(voxels)
            written.CopyInformation(image)
            SimpleITK.WriteImage(written, str(target))
        rows.append([path.name.removesuffix(".gz").removesuffix(".nii"), truth, prediction])
    with open(folder / "paths.csv", "w", newline="") as file:
        csv.writer(file).writerows([["id", "mask", "prediction"], *rows])
    classes = {name: {"labels": labels, "metrics": {metric: {} for metric in METRICS}} for name, labels in CLASSES.items()}
    (folder / "config.json").write_text(json.dumps({"evaluation": classes}))


def rows_of(path):
    with open(path, newline="") as file:
        return {row["id"]: {key: float(value) for key, value in row.items() if key != "id"} for row in csv.DictReader(file)}


def largest_difference(ours, theirs):
    ours, theirs = rows_of(ours), rows_of(theirs)
    if ours.keys() != theirs.keys():
        raise SystemExit(f"the rows differ: {sorted(ours)} and {sorted(theirs)}")
    pairs = [(ours[row][column], value) for row in theirs for column, value in theirs[row].items()]
    return max(abs(a - b) / max(abs(b), 1) for a, b in pairs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mist")
    parser.add_argument("masks", nargs="+", type=Path)
    parser.add_argument("--reference", default=str(Path(sys.executable).parent / "mist_evaluate"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1, help="how often the reference runs; ours runs three times as often")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where inputs and tables are kept; by default nowhere")
    arguments = parser.parse_args()
    with TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        write_inputs(folder, arguments.masks, arguments.seed)
        flags = ["--config", folder / "config.json", "--paths-csv", folder / "paths.csv"]
        flags += ["--num-workers-evaluate", str(arguments.workers), "--output-csv"]
        ours, theirs = [], []
        for _ in range(arguments.rounds):
            ours += [measured([arguments.mist, "evaluate", *flags, folder / "ours.csv"]) for _ in range(3)]
            theirs.append(measured([arguments.reference, *flags, folder / "theirs.csv"]))
        difference = largest_difference(folder / "ours.csv", folder / "theirs.csv")
    for name, runs in (("mist", ours), ("reference", theirs)):
        seconds = ", ".join(f"{run[0]:.2f}" for run in runs)
        print(f"{name}: {seconds} s, at most {max(run[1] for run in runs) / 1e6:.0f} MB")
    speed = min(run[0] for run in theirs) / min(run[0] for run in ours)
    memory = max(run[1] for run in theirs) / max(run[1] for run in ours)
    print(f"{speed:.1f}x faster, {memory:.1f}x less memory; largest difference {difference:.1e}")
    if difference > 1e-9:
        raise SystemExit("the values differ")


if __name__ == "__main__":
    main()
