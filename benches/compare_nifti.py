"""Reads and writes .nii.gz files with mist, nibabel and SimpleITK, taking turns in one run.

    PYTHON benches/compare_nifti.py [--rounds 9] [--as-f32] FILE ...

PYTHON is an interpreter with nibabel and SimpleITK. Every file is read to an array of its voxels, of the type stored, and
written to a new one of the same type, with each library's usual compression. Each has one process that stays, and goes through
a round that does not count, so that starting up is not measured. Printed are the medians of all rounds, the sizes of the new
files, and the seconds that all processors together spent on a round, which say more than the clock where other programs run.
mist works on all cores where it can, as it does in use, the others on one; RAYON_NUM_THREADS=1 leaves one to mist as well. With
--as-f32, mist takes the way of scans, which become f32 in memory. Files are in the page cache and written to memory where there
is /dev/shm. What mist has written is read by the others and compared with the original.
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


class Mist:
    """The benchmark of the Rust side as a process that does a round for each line it gets."""

    def __init__(self, file, folder, options):
        command = ["cargo", "bench", "-q", "-p", "mist-volume", "--bench", "nifti", "--", *options, file, folder]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        read, written, size, processors = self.process.stdout.readline().split()
        return float(read), float(written), float(processors), int(size)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def timed(read, write, copy):
    begin, begin_processors = time.perf_counter(), time.process_time()
    image = read()
    middle = time.perf_counter()
    write(image)
    end, processors = time.perf_counter(), time.process_time() - begin_processors
    return middle - begin, end - middle, processors, os.path.getsize(copy)


def with_nibabel(file, copy):
    def read():
        image = nibabel.load(file)
        return nibabel.Nifti1Image(numpy.asanyarray(image.dataobj), image.affine, image.header)

    return timed(read, lambda image: nibabel.save(image, copy), copy)


def with_simpleitk(file, copy):
    return timed(lambda: SimpleITK.ReadImage(file), lambda image: SimpleITK.WriteImage(image, copy, True), copy)


def check(file, copy):
    """The others read the copy as they read the original."""
    subprocess.run(["gzip", "-t", copy], check=True)
    original, found = nibabel.load(file), nibabel.load(copy)
    assert original.get_data_dtype() == found.get_data_dtype()
    assert numpy.array_equal(numpy.asanyarray(original.dataobj), numpy.asanyarray(found.dataobj))
    original, found = SimpleITK.ReadImage(file), SimpleITK.ReadImage(copy)
    assert numpy.array_equal(SimpleITK.GetArrayViewFromImage(original), SimpleITK.GetArrayViewFromImage(found))
    assert numpy.allclose(original.GetDirection(), found.GetDirection(), atol=1e-5)
    assert numpy.allclose(original.GetOrigin(), found.GetOrigin()) and original.GetSpacing() == found.GetSpacing()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--as-f32", action="store_true")
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    head = ["file", "program", "read ms", "write ms", "both, as a multiple of mist", "processors ms", "new file"]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}", flush=True)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        for file in arguments.files:
            folders = {name: os.path.join(folder, name) for name in ["mist", "nibabel", "SimpleITK"]}
            copies = {name: os.path.join(path, "copy.nii.gz") for name, path in folders.items()}
            for path in folders.values():
                os.makedirs(path, exist_ok=True)
            mist = Mist(file, folders["mist"], ["--as-f32"] if arguments.as_f32 else [])
            programs = {
                "mist": mist,
                "nibabel": lambda: with_nibabel(file, copies["nibabel"]),
                "SimpleITK": lambda: with_simpleitk(file, copies["SimpleITK"]),
            }
            rounds = {name: [] for name in programs}
            for _ in range(1 + arguments.rounds):
                for name, run in programs.items():
                    rounds[name].append(run())
            mist.end()
            check(file, copies["mist"])
            figures = {name: [statistics.median(values) for values in zip(*all_of[1:])] for name, all_of in rounds.items()}
            # Processor time comes in steps of 10 ms, so that its median is coarse.
            means = {name: statistics.mean(values[2] for values in all_of[1:]) for name, all_of in rounds.items()}
            base = sum(figures["mist"][:2])
            for name, (read, written, _, size) in figures.items():
                ratio = (read + written) / base
                cells = f"{read * 1e3:.0f} | {written * 1e3:.0f} | **{ratio:.1f}** | {means[name] * 1e3:.0f}"
                print(f"| {Path(file).name} | {name} | {cells} | {size / 1e6:.2f} MB |", flush=True)


if __name__ == "__main__":
    main()
