"""What a move of the explorer takes, and whether it keeps anything.

  python benchmarks/bench_explore.py
  python benchmarks/bench_explore.py --ckpt=train/digits --moves=500

The command runs as a user starts it. In a browser a slider moves: milliseconds from the request to
the end of drawing, sounds and measurements included (median and 95th percentile; of the program
alone and of drawing alone too). Then plain requests follow each other, and the program's memory
before and after them is compared. The last line is JSON.
"""

import argparse
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import browser  # noqa: E402

WARM = 20  # moves before anything is measured


def main():
    options = read_options()
    command = [sys.executable, "-m", "wavegan_tf", "explore", "--noopen", "--vary=z11"]
    command += [f"--ckpt={Path(options.ckpt).resolve()}"] if options.ckpt else []
    program = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        line = program.stdout.readline()
        url, dim = line.split()[0], int(re.search(r"dim (\d+)", line)[1])
        result = {"dim": dim, "moves": options.moves}
        if browser.find_browser():
            result |= time_page(url)
        result |= time_requests(url, options.moves, program.pid)
    finally:
        program.send_signal(signal.SIGINT)
        program.wait()
    result["exit_status"] = program.returncode
    print(json.dumps(result))


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ckpt", help="the demo model if not given")
    parser.add_argument("--moves", type=int, default=500)
    return parser.parse_args()


def time_page(url, moves=60):
    """Milliseconds from the request to the end of drawing, in a browser of 1280 x 900."""
    root = "document.documentElement.dataset"
    with tempfile.TemporaryDirectory() as profile, browser.Browser(profile) as opened:
        page, taken = browser.Page(opened, url), []
        page.until(f"{root}.ms")
        for value in np.linspace(-15, 15, WARM + moves).round(3).tolist():
            page.run(f"set('z11', {value})")
            page.until(f"hand.values.z11 === {value} && !moves.busy")
            taken.append(page.run(f"Number({root}.ms)"))
        drawing = page.run(
            "(() => { const begun = performance.now(); for (let k = 0; k < 20; k++) show('b'); "
            "return (performance.now() - begun) / 20; })()"
        )
    median, most = np.percentile(taken[WARM:], [50, 95])
    print(f"a move, to the end of drawing: median {median:.0f} ms, 95 % {most:.0f} ms")
    return {"page_ms": float(median), "page_p95_ms": float(most), "drawing_ms": round(drawing, 1)}


def time_requests(url, moves, pid):
    """Milliseconds of plain requests, and the program's memory before and after them."""
    taken, before_mb, before_s = [], 0.0, 0.0
    for k, value in enumerate(np.linspace(-15, 15, WARM + moves)):
        if k == WARM:
            before_mb, before_s = memory_mb(pid), processor_s(pid)
        begun = time.perf_counter()
        connection = http.client.HTTPConnection(url.split("/")[2], timeout=60)
        connection.request("POST", "/move", json.dumps({"seed": k, "values": {"z11": value}}))
        assert connection.getresponse().read()
        connection.close()
        taken.append(1000 * (time.perf_counter() - begun))
    after_mb, processor_ms = memory_mb(pid), 1000 * (processor_s(pid) - before_s) / moves
    median, most = np.percentile(taken[WARM:], [50, 95])
    print(f"a request: median {median:.0f} ms, 95 % {most:.0f} ms; processor {processor_ms:.0f} ms")
    print(f"memory: {before_mb:.1f} MB before, {after_mb:.1f} MB after {moves} moves")
    return {
        "request_ms": round(median), "request_p95_ms": round(most),
        "request_processor_ms": round(processor_ms),
        "before_mb": round(before_mb, 1), "grown_mb": round(after_mb - before_mb, 1),
    }  # fmt: skip


def memory_mb(pid):
    """Resident memory of a process (Linux)."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024


def processor_s(pid):
    """Seconds of processor that a process has used (Linux): what other work does not lengthen."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
