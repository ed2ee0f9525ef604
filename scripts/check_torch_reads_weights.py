"""Checks that PyTorch reads what mist writes, and that the values survive.

Usage: check_torch_reads_weights.py REWRITE FILE.pt ...

REWRITE is the built example `rewrite_weights` (cargo build -p mist-nn --example rewrite_weights). Every file is
rewritten by it and loaded with the tensor-only loader, read and memory-mapped, and compared with the original.
Half precision comes back as float32. Needs Python with torch; exits with 1 at the first difference.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import torch


def differences(found, expected, place):
    """Yields a text for every place in which two loaded files differ."""
    if torch.is_tensor(expected):
        if expected.dtype in (torch.float16, torch.bfloat16):
            expected = expected.float()
        if not torch.is_tensor(found) or found.dtype != expected.dtype or not torch.equal(found, expected):
            yield f"{place}: the tensors differ"
    elif isinstance(expected, dict):
        if not isinstance(found, dict) or list(found) != list(expected) or type(found) is not type(expected):
            yield f"{place}: the mappings differ"
            return
        for key in expected:
            yield from differences(found[key], expected[key], f"{place}/{key}")
    elif isinstance(expected, (list, tuple)):
        if type(found) is not type(expected) or len(found) != len(expected):
            yield f"{place}: the sequences differ"
            return
        for index, (left, right) in enumerate(zip(found, expected)):
            yield from differences(left, right, f"{place}[{index}]")
    elif type(found) is not type(expected) or found != expected:
        yield f"{place}: {found!r} instead of {expected!r}"


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    rewrite, *files = sys.argv[1:]
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            target = Path(folder) / Path(file).name
            subprocess.run([rewrite, file, target], check=True)
            expected = torch.load(file, map_location="cpu", weights_only=True)
            for mmap in (False, True):
                found = torch.load(target, map_location="cpu", weights_only=True, mmap=mmap)
                problems = list(differences(found, expected, file))
                failed |= bool(problems)
                print(f"{file}: {'mapped' if mmap else 'read'}: {problems or 'equal'}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
