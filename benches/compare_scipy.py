"""Times our distance transform and SciPy's on the same mask, taking turns in one run.

    PYTHON benches/compare_scipy.py [--size 512] [--rounds 3]

PYTHON is an interpreter with SciPy. The mask has 512 balls and thick slices. SciPy works on one thread and finds double
distances; ours works on all and finds their squares, in double. Both tell the largest distance, which must agree.
"""

import argparse
import re
import subprocess
import time

import numpy
from scipy.ndimage import distance_transform_edt


def mask(size):
    """The balls of crates/volume/benches/distance.rs, slowest axis first."""
    offsets = ((numpy.arange(size) / (size / 8)) % 1 - 0.5) ** 2
    return offsets[:, None, None] + offsets[None, :, None] + offsets[None, None, :] < 0.0625


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512, help="voxels along each axis")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    command = ["cargo", "bench", "-q", "-p", "mist-volume", "--bench", "distance"]
    subprocess.run(command + ["--no-run"], check=True)
    outside = ~mask(arguments.size)
    ours, theirs = [], []
    for _ in range(arguments.rounds):
        output = subprocess.run(command + ["--", str(arguments.size)], check=True, capture_output=True, text=True).stdout
        seconds, farthest = map(float, re.search(r": ([\d.]+) s, the farthest point ([\d.]+) mm", output).groups())
        ours.append(seconds)
        begin = time.perf_counter()
        distances = distance_transform_edt(outside, sampling=(2.5, 0.8, 0.8))
        theirs.append(time.perf_counter() - begin)
        if abs(distances.max() - farthest) > 1e-5:
            raise SystemExit(f"the largest distances differ: {farthest} and {distances.max()} mm")
    print(f"{arguments.size}^3: {min(ours):.2f} s, SciPy {min(theirs):.2f} s, ratio {min(theirs) / min(ours):.1f}x")


if __name__ == "__main__":
    main()
