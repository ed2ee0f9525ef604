"""Reads and writes .nii.gz files with mist, nibabel and SimpleITK, taking turns in one run.

    PYTHON benches/compare_nifti.py [--rounds 5] FILE ...

PYTHON is an interpreter with nibabel and SimpleITK. Every file is read to an array of its voxels and written to a new one of
its own type, with each library's usual compression; the medians of all rounds are printed, and the sizes of the new files.
mist works on all cores where it can, as it does in use, the others on one. Files are in the page cache and written to
memory where there is /dev/shm.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import nibabel
import numpy
import SimpleITK


def ours(file, folder):
    command = ["cargo", "bench", "-q", "-p", "mist-volume", "--bench", "nifti", "--", file, folder, "1"]
    words = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(words[0]), float(words[1]), int(words[2])


def timed(read, write, copy):
    begin = time.perf_counter()
    image = read()
    middle = time.perf_counter()
    write(image)
    return middle - begin, time.perf_counter() - middle, os.path.getsize(copy)


def with_nibabel(file, folder):
    copy = os.path.join(folder, "copy.nii.gz")

    def read():
        image = nibabel.load(file)
        return nibabel.Nifti1Image(numpy.asanyarray(image.dataobj), image.affine, image.header)

    return timed(read, lambda image: nibabel.save(image, copy), copy)


def with_simpleitk(file, folder):
    copy = os.path.join(folder, "copy.nii.gz")
    return timed(lambda: SimpleITK.ReadImage(file), lambda image: SimpleITK.WriteImage(image, copy, True), copy)


PROGRAMS = {"mist": ours, "nibabel": with_nibabel, "SimpleITK": with_simpleitk}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    print("| file | program | read ms | write ms | both, as a multiple of mist | new file |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        for file in arguments.files:
            rounds = {name: [] for name in PROGRAMS}
            for _ in range(arguments.rounds):
                for name, run in PROGRAMS.items():
                    rounds[name].append(run(file, folder))
            figures = {name: [statistics.median(values) for values in zip(*rounds[name])] for name in PROGRAMS}
            base = sum(figures["mist"][:2])
            for name, (read, written, size) in figures.items():
                ratio = (read + written) / base
                cells = f"{read * 1e3:.0f} | {written * 1e3:.0f} | **{ratio:.1f}** | {size / 1e6:.2f} MB"
                print(f"| {Path(file).name} | {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
