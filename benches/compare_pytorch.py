"""Times `mist bench` and PyTorch with the models of MIST 2.3.0, taking turns in one run.

    PYTHON benches/compare_pytorch.py --mist target/release/mist [--cases FILTER] [--rounds 5] [--threads 2] [--avx2]

PYTHON is an interpreter with `mist-medical==2.3.0` and PyTorch. A round of a case runs our program, then PyTorch, for a
few repetitions each; the table shows the median and the shortest repetition of all rounds and the processor time of a
repetition, all threads together. On a machine that does other work too, compare the shortest times and the processor
times; on an idle one, the medians. Memory is the most that each process held, and for PyTorch also what it held beyond
the interpreter with its libraries.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

# Model, pass, patches in a batch, voxels along each axis.
CASES = [
    ("nnunet", "forward", 1, 64),
    ("nnunet-pocket", "forward", 1, 64),
    ("nnunet", "forward", 1, 128),
    ("nnunet-pocket", "forward", 1, 128),
    ("nnunet", "train", 1, 64),
    ("nnunet-pocket", "train", 1, 64),
    ("nnunet-pocket", "train", 2, 32),
    ("mednext-small", "forward", 1, 64),
    ("fmgnet", "forward", 1, 64),
    ("swinunetr-small", "forward", 1, 64),
    ("mednext-small", "train", 1, 64),
    ("fmgnet", "train", 1, 64),
    ("swinunetr-small", "train", 1, 64),
]
CLASSES = 3


def memory(entry):
    """An entry of this process's memory table, in MiB."""
    with open("/proc/self/status") as table:
        return next(int(line.split()[1]) / 1024 for line in table if line.startswith(entry + ":"))


def serve_pytorch(model_name, pass_name, batch, size, threads):
    """Answers every line of stdin, a number of repetitions, with their times."""
    import torch
    from mist.models.model_registry import get_model_from_registry

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    if pass_name == "train":
        import mist.loss_functions  # noqa: F401  (registers the losses)
        from mist.loss_functions.deep_supervision_wrapper import DeepSupervisionLoss
        from mist.loss_functions.loss_registry import get_loss

        loss = DeepSupervisionLoss(get_loss("dice_ce")())
    before = memory("VmRSS")
    model = get_model_from_registry(
        model_name, in_channels=1, out_channels=CLASSES, patch_size=[size] * 3, target_spacing=[1.0] * 3
    )
    image = torch.randn(batch, 1, size, size, size)
    labels = torch.arange(batch * size**3).div(7, rounding_mode="floor").remainder(CLASSES)
    labels = labels.reshape(batch, 1, size, size, size)

    def forward():
        with torch.inference_mode():
            model(image)

    def train():
        output = model(image)
        value = loss(labels, output["prediction"], output.get("deep_supervision"))
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    if pass_name == "train":
        model.train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-5)
        step = train
    else:
        model.eval()
        step = forward
    for _ in range(2):
        step()
    print(json.dumps({"version": torch.__version__, "features": torch.backends.cpu.get_cpu_capability()}), flush=True)
    for line in sys.stdin:
        wall, processor = [], []
        for _ in range(int(line)):
            start, used = time.perf_counter(), time.process_time()
            step()
            wall.append((time.perf_counter() - start) * 1e3)
            processor.append((time.process_time() - used) * 1e3)
        peak = memory("VmHWM")
        print(json.dumps({"wall": wall, "processor": processor, "peak": peak, "own": peak - before}), flush=True)


class PyTorch:
    """The PyTorch side of a case, in a process of its own so that its memory can be told."""

    def __init__(self, case, threads, avx2):
        arguments = [sys.executable, __file__, "--serve", *map(str, case), "--threads", str(threads)]
        masks = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"} if avx2 else {}
        self.process = subprocess.Popen(
            arguments,
            env=os.environ | masks,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.about = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("PyTorch ended; run this script with `--serve MODEL PASS BATCH SIZE` to see why")
        return json.loads(line)

    def run(self, repetitions):
        print(repetitions, file=self.process.stdin, flush=True)
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def run_mist(program, case, threads, avx2):
    model, pass_name, batch, size = case
    line = [program, "bench", "--model", model, "--pass", pass_name, "--batch-size", str(batch), "--seconds", "0"]
    line += ["--patch-size", *[str(size)] * 3, "--out-channels", str(CLASSES), "--threads", str(threads), "--json"]
    line += ["--vector-instructions", "avx2"] if avx2 else []
    return json.loads(subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout)


def compare(program, case, rounds, repetitions, threads, avx2):
    pytorch = PyTorch(case, threads, avx2)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(run_mist(program, case, threads, avx2))
        theirs.append(pytorch.run(repetitions))
    pytorch.close()
    wall = [value for answer in theirs for value in answer["wall"]]
    processor = [value for answer in theirs for value in answer["processor"]]
    figures = {
        "median": (statistics.median(answer["median_ms"] for answer in ours), statistics.median(wall)),
        "shortest": (min(answer["min_ms"] for answer in ours), min(wall)),
        "processor": (statistics.median(answer["cpu_ms"] for answer in ours), statistics.median(processor)),
    }
    cells = [f"{a:.0f} / {b:.0f} = **{b / a:.1f}x**" for a, b in figures.values()]
    peak = max(answer["peak_mib"] for answer in ours)
    cells.append(f"{peak:.0f} / {theirs[-1]['peak']:.0f} ({theirs[-1]['own']:.0f})")
    model, pass_name, batch, size = case
    print(f"| {model} {pass_name} {batch}×{size}³ | " + " | ".join(cells) + " |", flush=True)
    return ours[-1], pytorch.about


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mist", help="our program")
    parser.add_argument("--cases", default="", help="only the cases whose name, such as `nnunet train 1x64`, has this")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repetitions", type=int, default=2, help="of PyTorch in a round; ours makes five")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--avx2", action="store_true", help="hold both sides to AVX2 on a processor with AVX-512")
    parser.add_argument("--serve", nargs=4, metavar=("MODEL", "PASS", "BATCH", "SIZE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        model, pass_name, batch, size = arguments.serve
        return serve_pytorch(model, pass_name, int(batch), int(size), arguments.threads)
    if not arguments.mist or not os.access(arguments.mist, os.X_OK):
        parser.error("--mist must name the program")
    print("milliseconds and MiB, ours / PyTorch = ratio; in brackets PyTorch's memory without its libraries\n")
    print("| work | median | shortest | processor time | most memory |")
    print("|---|---|---|---|---|")
    about = None
    for case in CASES:
        model, pass_name, batch, size = case
        if arguments.cases in f"{model} {pass_name} {batch}x{size}":
            a = arguments
            about = compare(a.mist, case, a.rounds, a.repetitions, a.threads, a.avx2)
    if about is None:
        parser.error(f"no case has `{arguments.cases}` in its name")
    ours, pytorch = about
    print(f"\n{arguments.threads} threads; ours with {ours['cpu_features']}, ", end="")
    print(f"PyTorch {pytorch['version']} with {pytorch['features']}")


if __name__ == "__main__":
    main()
