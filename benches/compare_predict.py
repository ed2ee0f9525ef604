"""Predicts the same cases with mist and with MIST 2.3.0, taking turns in one run, and compares what they write.

    PYTHON benches/compare_predict.py --models-dir M --config C --paths-csv P --program PATH/TO/mist [--rounds 1]

PYTHON is an interpreter with mist-medical 2.3.0 and nibabel. Prints the seconds and the most memory of both, from start to end, and the
share of voxels on which they agree.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel
import numpy


def run(command):
    """Seconds and most memory in MiB of a command."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"failed: {' '.join(map(str, command))}")
    return time.perf_counter() - begin, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag in ["--models-dir", "--config", "--paths-csv", "--program"]:
        parser.add_argument(flag, required=True, type=Path)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    reference = Path(sys.executable).with_name("mist_predict")
    flags = ["--models-dir", arguments.models_dir, "--config", arguments.config, "--paths-csv", arguments.paths_csv]
    flags += ["--device", "cpu"]
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder, "ours"), Path(folder, "theirs")
        times = {"mist": [], "MIST 2.3.0": []}
        for _ in range(arguments.rounds):
            times["mist"].append(run([arguments.program, "predict", *flags, "--output", ours]))
            times["MIST 2.3.0"].append(run([reference, *flags, "--output", theirs]))
        same, voxels, cases = 0, 0, 0
        with open(arguments.paths_csv, newline="") as table:
            for row in csv.DictReader(table):
                maps = [numpy.asarray(nibabel.load(f / f"{row['id']}.nii.gz").dataobj) for f in (ours, theirs)]
                same, voxels, cases = same + int((maps[0] == maps[1]).sum()), voxels + maps[0].size, cases + 1
    for name, runs in times.items():
        print(f"{name}: {min(seconds for seconds, _ in runs):.1f} s, {max(memory for _, memory in runs):.0f} MiB")
    fastest = {name: min(seconds for seconds, _ in runs) for name, runs in times.items()}
    print(f"{fastest['MIST 2.3.0'] / fastest['mist']:.1f}x; {cases} cases, {100 * same / voxels:.5f} % of the voxels agree")


if __name__ == "__main__":
    main()
