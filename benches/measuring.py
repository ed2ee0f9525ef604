"""Seconds and memory of whole programs, for the scripts beside it. Linux only."""

import subprocess
import threading
import time
from pathlib import Path


def held(process):
    """Bytes that a process and its descendants hold; what several share is counted once."""
    total = 0
    try:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
        for thread in Path(f"/proc/{process}/task").iterdir():
            total += sum(held(child) for child in (thread / "children").read_text().split())
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        pass  # it has just ended
    return total


def measured(command):
    """Seconds of a program, and the most bytes that it and its children held together."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    peak = 0

    def watch():
        nonlocal peak
        while process.returncode is None:
            peak = max(peak, held(process.pid))
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    output, _ = process.communicate()
    seconds = time.perf_counter() - begin
    watcher.join()
    if process.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {process.returncode}:\n{output}")
    return seconds, peak
