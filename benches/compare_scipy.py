"""Times our distance transform, components, skeleton or percentiles and SciPy's on the same mask, taking turns in one run.

    PYTHON benches/compare_scipy.py [--what distance|components|skeleton|percentiles] [--size 512] [--rounds 3]

PYTHON is an interpreter with SciPy, and for the skeleton with scikit-image. The mask has 512 balls. Both work on one
thread, ours on all. Distances have thick slices; SciPy finds double distances, ours are their squares, in double; both tell
the largest one, which must agree. Components join voxels over faces, edges and corners; both tell their number. Of the
skeleton both tell the number of voxels. Percentiles are two, by NumPy, of what the mask is made from.
"""

import argparse
import re
import subprocess
import time

import numpy
from scipy.ndimage import distance_transform_edt, label


def distances(size):
    """Squared distances from the balls of crates/volume/benches, slowest axis first."""
    offsets = ((numpy.arange(size) / (size / 8)) % 1 - 0.5) ** 2
    return offsets[:, None, None] + offsets[None, :, None] + offsets[None, None, :]


def balls(squares):
    return squares < 0.0625


def single(squares):
    return squares.astype("float32")


def farthest(balls):
    return distance_transform_edt(~balls, sampling=(2.5, 0.8, 0.8)).max()


def count(balls):
    return label(balls, structure=numpy.ones((3, 3, 3)))[1]


def upper(values):
    return numpy.percentile(values, [0.5, 99.5])[1]


def thinned(balls):
    # Not needed for the other tasks.
    from skimage.morphology import skeletonize

    return numpy.count_nonzero(skeletonize(balls, method="lee"))


# The bench, what it prints after the seconds, what the others are given, and what they do.
TASKS = {
    "distance": (r": ([\d.]+) s, the farthest point ([\d.]+) mm", balls, farthest),
    "components": (r": ([\d.]+) s, (\d+) components", balls, count),
    "skeleton": (r": ([\d.]+) s, (\d+) voxels", balls, thinned),
    "percentiles": (r": ([\d.]+) s, the upper percentile ([\d.]+)", single, upper),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=TASKS, default="distance")
    parser.add_argument("--size", type=int, default=512, help="voxels along each axis")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    pattern, given, work = TASKS[arguments.what]
    command = ["cargo", "bench", "-q", "-p", "mist-volume", "--bench", arguments.what]
    subprocess.run(command + ["--no-run"], check=True)
    given = given(distances(arguments.size))
    ours, theirs = [], []
    for _ in range(arguments.rounds):
        output = subprocess.run(command + ["--", str(arguments.size)], check=True, capture_output=True, text=True).stdout
        seconds, found = map(float, re.search(pattern, output).groups())
        ours.append(seconds)
        begin = time.perf_counter()
        expected = work(given)
        theirs.append(time.perf_counter() - begin)
        if abs(expected - found) > 1e-5:
            raise SystemExit(f"the results differ: {found} and {expected}")
    rival = {"skeleton": "scikit-image", "percentiles": "NumPy"}.get(arguments.what, "SciPy")
    print(f"{arguments.size}^3: {min(ours):.2f} s, {rival} {min(theirs):.2f} s, ratio {min(theirs) / min(ours):.1f}x")


if __name__ == "__main__":
    main()
