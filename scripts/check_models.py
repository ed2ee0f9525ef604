"""Compares the networks with those of MIST 2.3.0, and exchanges weights in both directions.

    cargo build --release -p mist-nn --example logits
    PYTHON scripts/check_models.py target/release/examples/logits

PYTHON is an interpreter with `mist-medical==2.3.0`. For every architecture: the reference's freshly initialised network is
saved as it saves weights, our program reads the file and computes logits of a random image; it writes initial weights of its
own, which the reference must load strictly and compute the same logits with. The difference is the largest one of any
logit, as a part of the largest logit; 1e-4 is allowed, which rounding explains in networks of a hundred layers. Exits with 1
if any differs by more.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from mist.models.model_registry import get_model_from_registry

ALLOWED = 1e-4
# Name, patch, spacing, further parameters.
CASES = [
    ("nnunet", [64, 32, 32], [1.0, 1.0, 1.0], {}),
    ("nnunet", [64, 64, 8], [0.5, 0.5, 3.0], {}),
    ("nnunet-pocket", [32, 32, 32], [1.0, 1.0, 1.0], {}),
    ("fmgnet", [32, 32, 32], [1.0, 1.0, 1.0], {}),
    ("wnet", [32, 32, 32], [1.0, 1.0, 1.0], {}),
    ("wnet", [64, 64, 16], [1.0, 1.0, 2.5], {}),
    ("mednext-small", [32, 32, 32], [1.0, 1.0, 1.0], {"kernel_size": 3}),
    ("mednext-base", [32, 32, 32], [1.0, 1.0, 1.0], {"kernel_size": 5}),
    ("mednext-medium", [32, 32, 32], [1.0, 1.0, 1.0], {"kernel_size": 3}),
    ("mednext-large", [32, 32, 32], [1.0, 1.0, 1.0], {"kernel_size": 3}),
    ("swinunetr-small", [64, 64, 32], [1.0, 1.0, 1.0], {}),
    ("swinunetr-base", [64, 32, 32], [1.0, 1.0, 1.0], {}),
    ("swinunetr-large", [64, 32, 32], [1.0, 1.0, 1.0], {}),
]
CHANNELS, CLASSES = 2, 3


def logits(model, image):
    model.eval()
    with torch.inference_mode():
        return model(torch.from_numpy(image)).numpy()


def difference(ours, theirs):
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def check(program, name, patch, spacing, extra, folder):
    params = {
        "in_channels": CHANNELS,
        "out_channels": CLASSES,
        "patch_size": patch,
        "target_spacing": spacing,
    } | extra
    torch.manual_seed(0)
    model = get_model_from_registry(name, **params)
    image = np.random.default_rng(0).standard_normal((1, CHANNELS, *patch), dtype=np.float32)
    (folder / "params.json").write_text(json.dumps(params))
    np.save(folder / "input.npy", image)
    torch.save(model.state_dict(), folder / "given.pt")
    files = [folder / file for file in ("params.json", "given.pt", "input.npy")]
    subprocess.run([program, name, *files, folder], check=True)
    given = difference(np.load(folder / "given.npy"), logits(model, image))
    model.load_state_dict(torch.load(folder / "initial.pt", weights_only=True), strict=True)
    initial = difference(np.load(folder / "initial.npy"), logits(model, image))
    return given, initial


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    failed = False
    print("| network | patch | its weights here | our weights there |\n|---|---|---|---|")
    for name, patch, spacing, extra in CASES:
        with tempfile.TemporaryDirectory() as folder:
            found = check(sys.argv[1], name, patch, spacing, extra, Path(folder))
        failed |= max(found) > ALLOWED
        size = "×".join(map(str, patch))
        print(f"| {name} | {size} | {found[0]:.1e} | {found[1]:.1e} |", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
