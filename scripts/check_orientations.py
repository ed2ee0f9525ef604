#!/usr/bin/env python3
"""Predicts one scan stored in all 48 orientations and obliquely, and checks the grids of what comes back.

    python3 scripts/check_orientations.py --mist target/release/mist --results RESULTS --scan SCAN.nii.gz

RESULTS is a trained run of scans with one channel. Needs nibabel and SimpleITK, which both read every segmentation: its grid
must be that of its scan to 1e-4 mm at every corner, and the segmentations of the 48 orientations must be the same voxels of
the patient.
"""

import argparse
import itertools
import json
import subprocess
import tempfile
from pathlib import Path

import nibabel
import numpy
import SimpleITK


def corners(size):
    return numpy.array(list(itertools.product(*[(0, n - 1) for n in size])), dtype=float)


def by_nibabel(path):
    image = nibabel.load(path)
    return nibabel.affines.apply_affine(image.affine, corners(image.shape))


def by_itk(path):
    image = SimpleITK.ReadImage(str(path))
    return numpy.array([image.TransformContinuousIndexToPhysicalPoint(corner) for corner in corners(image.GetSize()).tolist()])


def turned(image, axes, flips):
    """The same voxels of the patient with the axes in another order and direction."""
    orientation = [[axis, flip] for axis, flip in zip(axes, flips)]
    return image.as_reoriented(numpy.array(orientation))


def oblique(image, degrees):
    """The same voxels in a patient who lies askew."""
    matrix = numpy.eye(4)
    for axis, angle in zip([(1, 2), (0, 2), (0, 1)], numpy.radians(degrees)):
        step = numpy.eye(4)
        step[axis[0], axis[0]] = step[axis[1], axis[1]] = numpy.cos(angle)
        step[axis[0], axis[1]], step[axis[1], axis[0]] = -numpy.sin(angle), numpy.sin(angle)
        matrix = matrix @ step
    return nibabel.Nifti1Image(numpy.asarray(image.dataobj), matrix @ image.affine)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag in ["--mist", "--results", "--scan"]:
        parser.add_argument(flag, type=Path, required=True)
    options = parser.parse_args()
    scan = nibabel.load(options.scan)
    scan = nibabel.Nifti1Image(numpy.asarray(scan.dataobj), scan.affine)
    config = json.loads((options.results / "config.json").read_text())
    config["inference"]["tta"]["enabled"] = False
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "config.json").write_text(json.dumps(config))
        scans = folder / "scans"
        scans.mkdir()
        same = []
        for axes in itertools.permutations(range(3)):
            for flips in itertools.product((1, -1), repeat=3):
                name = "axes" + "".join(map(str, axes)) + "".join("+-"[flip < 0] for flip in flips)
                nibabel.save(turned(scan, axes, flips), scans / f"{name}.nii.gz")
                same.append(name)
        for degrees in [(10, 0, 0), (0, -20, 0), (5, 12, -30), (44, 3, 17)]:
            nibabel.save(oblique(scan, degrees), scans / ("oblique" + "_".join(map(str, degrees)) + ".nii.gz"))
        command = [options.mist, "predict", "--models-dir", options.results / "models", "--config", folder / "config.json"]
        subprocess.run([*command, "--images", scans, "--output", folder / "found"], check=True)
        worst, files = 0.0, sorted(scans.iterdir())
        for path in files:
            found = folder / "found" / path.name
            for read in (by_nibabel, by_itk):
                worst = max(worst, float(numpy.abs(read(path) - read(found)).max()))
        print(f"{len(files)} segmentations, largest distance of a corner from that of its scan: {worst:.1e} mm")
        assert worst <= 1e-4, "a grid has moved"
        maps = [nibabel.as_closest_canonical(nibabel.load(folder / "found" / f"{name}.nii.gz")) for name in same]
        first = numpy.asarray(maps[0].dataobj)
        differing = max(float((numpy.asarray(other.dataobj) != first).mean()) for other in maps)
        print(f"48 orientations, labels {numpy.unique(first).tolist()}: largest share of voxels that differ {differing:.1e}")
        assert differing == 0, "orientation changes the result"


if __name__ == "__main__":
    main()
