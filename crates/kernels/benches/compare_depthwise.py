"""Times our depthwise convolutions (32 channels, 48^3) and PyTorch's in turns.

Run it from the repository with a Python that has PyTorch: `python crates/kernels/benches/compare_depthwise.py`.
Both sides take the shortest of a few runs in each turn; the table has the medians of all turns in milliseconds, and how
many times faster ours is. The backward pass is both gradients.
"""

import argparse
import os
import statistics
import subprocess
import time

import torch


def ours(kernel: int, environment: dict[str, str]) -> tuple[float, float]:
    """Milliseconds of the forward and the backward pass, as the bench prints them."""
    command = ["cargo", "bench", "--quiet", "-p", "mist-kernels", "--bench", "layers"]
    name = f"depthwise 32 48^3 k{kernel} s1"
    output = subprocess.run([*command, "--", name], env=environment, check=True, capture_output=True, text=True).stdout
    line = next(line for line in output.splitlines() if line.startswith(name))
    # Of each pass: "by the clock, processor time ms, operations GF/s"; the clock is the first number after the name.
    words = line[34:].split()
    forward, by_input, by_weight = (float(words[place]) for place in (0, 5, 10))
    return forward, by_input + by_weight


def shortest(work, runs: int) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return min(times)


def theirs(kernel: int) -> tuple[float, float]:
    layer = torch.nn.Conv3d(32, 32, kernel, padding=kernel // 2, groups=32, bias=False)
    x = torch.randn(1, 32, 48, 48, 48, requires_grad=True)
    with torch.inference_mode():
        layer(x)
        forward = shortest(lambda: layer(x), 5)
    y = layer(x)
    dy = torch.randn_like(y)
    backward = shortest(lambda: torch.autograd.grad(y, [x, layer.weight], dy, retain_graph=True), 1)
    return forward, backward


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    environment = os.environ | {"RAYON_NUM_THREADS": str(arguments.threads)}
    print(f"PyTorch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, {arguments.threads} threads")
    print(f"{'kernel':8}{'pass':10}{'ours':>10}{'PyTorch':>10}{'times':>8}")
    for kernel in (3, 5, 7):
        turns = [(ours(kernel, environment), theirs(kernel)) for _ in range(arguments.turns)]
        for index, name in enumerate(("forward", "backward")):
            mine, other = (statistics.median(turn[side][index] for turn in turns) for side in (0, 1))
            print(f"{kernel:<8}{name:10}{mine:10.2f}{other:10.2f}{other / mine:8.1f}", flush=True)


if __name__ == "__main__":
    main()
