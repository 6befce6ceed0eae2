# SPDX-License-Identifier: MIT
"""count.py - instructions of the library, counted by valgrind's callgrind.

Counts repeat exactly, on any machine with the same compiler and libc, so a
change of one instruction is seen where time would drown it in noise. Valgrind
shows programs a processor without AVX-512 and SHA instructions.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys

PROGRAM = os.path.join(os.environ.get("BUILD", "build"), "bench/bench_count")
TOLERANCE = 5  # percent, of costs that must not depend on how many there are


def count(*work):
    """The instructions of one run of bench_count."""
    try:
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
             "--toggle-collect=measured", PROGRAM, *map(str, work)],
            stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            timeout=600, check=False)
    except subprocess.TimeoutExpired:
        sys.exit("bench-count: %s does not end" % " ".join(map(str, work)))
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not found or found.group(1) == "0":
        sys.exit("bench-count: %s failed:\n%s" % (" ".join(map(str, work)),
                                                  run.stderr))
    return int(found.group(1))


def per_unit(work, base, n, *size):
    """What one unit costs, net of the copy into the receive buffer."""
    return (count(work, n, *size) - count(base, n, *size)) / n


def costs():
    """Rows (what, instructions, limit or None)."""
    for size, limit in (0, None), (16, 75), (125, None), (1024, None):
        yield ("receive %d B binary, less the copy" % size,
               per_unit("frames", "copy", 1000, size), limit)
    yield ("a turn: 16 B echoed in place",
           per_unit("turns", "no-turns", 1000, 16), 430)
    yield ("server handshake, 506 B and 12 lines",
           per_unit("handshake", "no-shake", 100), 5000)


def constancies(most):
    """Rows (what, {n: instructions per unit}, spread in percent)."""
    for what, work, size in (("frames of 16 B", "frames", 16),
                             ("frames to a client", "client-frames", 16),
                             ("frames, streamed", "stream-frames", 16),
                             ("fragments of 4 B", "fragments", 4),
                             ("fragments to a client", "client-fragments", 4),
                             ("pings of 8 B", "pings", 8)):
        each = {}
        n = 1000
        while n <= most:
            each[n] = count(work, n, size) / n
            n *= 10
        yield what, each, spread(each)
    # Frames of 64 bytes, in queues of 8 MiB up to 32 MiB: below 1 MiB a send
    # takes the quick way, which is another cost, and no more of it. They share
    # blocks; of those that are not copied each has a slot.
    for what, work, size in (("shared frames queued", "shared", 62),
                             ("a slot each", "shared", 300),
                             ("of all sorts queued", "mixed", 62)):
        each = {n: count(work, n, size) / n
                for n in (131072, 262144, 524288)}
        yield what, each, spread(each)
    # A handshake costs something without lines, so the lines are what is
    # added to that of ten.
    lines = [10, 20, 50, 100]
    total = [count("lines", n) for n in lines]
    each = {n: (total[i + 1] - total[i]) / (n - lines[i])
            for i, n in enumerate(lines[1:])}
    yield "header lines of 49 B", each, spread(each)


def spread(each):
    """How far the costs are from the middle between them, in percent."""
    least, most = min(each.values()), max(each.values())
    return 100 * (most - least) / (most + least)


def mark(good):
    return "ok" if good else "OVER"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", metavar="FILE", help="save all figures")
    parser.add_argument("--quick", action="store_true",
                        help="up to 10,000 frames, not 1,000,000")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("bench-count: valgrind is missing; install it first")

    over = 0
    report = {"benchmark": "count", "unit": "instructions",
              "costs": [], "constancy": []}
    print("%-40s %12s  target" % ("instructions", "each"))
    for what, each, limit in costs():
        print("%-40s %12.1f  %s" % (
            what, each,
            "<= %d %s" % (limit, mark(each <= limit)) if limit else ""),
            flush=True)
        over += bool(limit) and each > limit
        report["costs"].append({"what": what, "each": each, "most": limit})

    print("\n%-24s each, by how many" % "constancy")
    for what, each, percent in constancies(10000 if options.quick else 10**6):
        print("%-24s %s  +-%.1f %% %s" % (
            what, "  ".join("%s: %.1f" % (format(n, ","), cost)
                            for n, cost in each.items()),
            percent, mark(percent <= TOLERANCE)), flush=True)
        over += percent > TOLERANCE
        report["constancy"].append({"what": what, "each": each,
                                    "spread_percent": percent,
                                    "most_percent": TOLERANCE})
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
