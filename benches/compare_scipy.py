"""Times our distance transform, components or skeleton and SciPy's on the same mask, taking turns in one run.

    PYTHON benches/compare_scipy.py [--what distance|components|skeleton] [--size 512] [--rounds 3]

PYTHON is an interpreter with SciPy, and for the skeleton with scikit-image. The mask has 512 balls. Both work on one
thread, ours on all. Distances have thick slices; SciPy finds double distances, ours are their squares, in double; both tell
the largest one, which must agree. Components join voxels over faces, edges and corners; both tell their number. Of the
skeleton both tell the number of voxels.
"""

import argparse
import re
import subprocess
import time

import numpy
from scipy.ndimage import distance_transform_edt, label


def mask(size):
    """The balls of crates/volume/benches, slowest axis first."""
    offsets = ((numpy.arange(size) / (size / 8)) % 1 - 0.5) ** 2
    return offsets[:, None, None] + offsets[None, :, None] + offsets[None, None, :] < 0.0625


def farthest(balls):
    return distance_transform_edt(~balls, sampling=(2.5, 0.8, 0.8)).max()


def count(balls):
    return label(balls, structure=numpy.ones((3, 3, 3)))[1]


def thinned(balls):
    # Not needed for the other tasks.
    from skimage.morphology import skeletonize

    return numpy.count_nonzero(skeletonize(balls, method="lee"))


# The bench, what it prints after the seconds, and what SciPy or scikit-image does.
TASKS = {
    "distance": (r": ([\d.]+) s, the farthest point ([\d.]+) mm", farthest),
    "components": (r": ([\d.]+) s, (\d+) components", count),
    "skeleton": (r": ([\d.]+) s, (\d+) voxels", thinned),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=TASKS, default="distance")
    parser.add_argument("--size", type=int, default=512, help="voxels along each axis")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    pattern, work = TASKS[arguments.what]
    command = ["cargo", "bench", "-q", "-p", "mist-volume", "--bench", arguments.what]
    subprocess.run(command + ["--no-run"], check=True)
    balls = mask(arguments.size)
    ours, theirs = [], []
    for _ in range(arguments.rounds):
        output = subprocess.run(command + ["--", str(arguments.size)], check=True, capture_output=True, text=True).stdout
        seconds, found = map(float, re.search(pattern, output).groups())
        ours.append(seconds)
        begin = time.perf_counter()
        expected = work(balls)
        theirs.append(time.perf_counter() - begin)
        if abs(expected - found) > 1e-5:
            raise SystemExit(f"the results differ: {found} and {expected}")
    rival = "scikit-image" if arguments.what == "skeleton" else "SciPy"
    print(f"{arguments.size}^3: {min(ours):.2f} s, {rival} {min(theirs):.2f} s, ratio {min(theirs) / min(ours):.1f}x")


if __name__ == "__main__":
    main()
