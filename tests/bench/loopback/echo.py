# SPDX-License-Identifier: MIT
"""echo.py - echo servers over loopback, on one processor; load on the other.

Each round runs every server on every scenario, one after the other, each in a
fresh process; figures are the medians of the rounds. A server's cost is what
the kernel accounts its process for while messages are counted, divided by
them: system calls and TCP are in it, and "floor" shows how much they are.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

import servers

# name, connections, bytes, depth, to all
SCENARIOS = (
    ("100 x 20 B", 100, 20, 1, False),
    ("100 x 1 KiB", 100, 1024, 1, False),
    ("10 x 20 B, 16 deep", 10, 20, 16, False),
    ("10 x 64 KiB", 10, 65536, 1, False),
    ("1 to 1,000, 100 B, 8 deep", 1000, 100, 8, True),
)
FIGURES = ("cpu_us", "per_second", "p50_us", "p99_us", "p999_us")


def measure(name, scenario, options):
    """One run: the load's figures."""
    _, connections, size, depth, broadcast = scenario
    server_cpu, load_cpu = options.cpus
    with servers.running(name, server_cpu, broadcast) as (pid, port):
        load = [os.path.join(servers.BENCH, "load"),
                "--port", str(port), "--pid", str(pid),
                "--connections", str(connections), "--size", str(size),
                "--depth", str(depth), "--warmup", str(options.warmup),
                "--ms", str(options.ms)]
        if broadcast:
            load.append("--broadcast")
        run = subprocess.run(servers.pinned(load_cpu, load), text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             timeout=60 + (options.warmup + options.ms) / 1000,
                             check=False)
    if run.returncode != 0:
        raise RuntimeError("%s: %s" % (name, run.stderr.strip()))
    return json.loads(run.stdout)


def run_rounds(names, scenario, options):
    """Figures of each server: lists, one entry a round."""
    runs = {name: [] for name in names}
    for _ in range(options.rounds):
        for name in list(runs):
            try:
                runs[name].append(measure(name, scenario, options))
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                print("  %s is left out: %s" % (name, error))
                del runs[name]
                options.failed = True
    return runs


def medians(runs):
    return {figure: statistics.median(run[figure] for run in runs)
            for figure in FIGURES}


def print_scenario(scenario, result):
    what = "delivery" if scenario[4] else "message"
    print("\n%-28s %12s %8s %12s %9s %9s %9s" % (
        scenario[0], "CPU us/" + what[:4], "x floor", what + "s/s"
        if what == "message" else "deliv./s", "p50 us", "p99 us", "p99.9 us"))
    floor = result.get("floor", {}).get("cpu_us")
    for name, row in result.items():
        ratio = "%.2f" % (row["cpu_us"] / floor) if floor else "-"
        print("  %-26s %12.3f %8s %12.0f %9.1f %9.1f %9.1f" % (
            name, row["cpu_us"], ratio, row["per_second"], row["p50_us"],
            row["p99_us"], row["p999_us"]), flush=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", default=",".join(servers.NAMES))
    parser.add_argument("--scenarios", metavar="TEXT", default="",
                        help="only those whose name holds it")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ms", type=int, default=2000,
                        help="milliseconds that are measured")
    parser.add_argument("--warmup", type=int, default=700)
    parser.add_argument("--cpus", default="0,1", metavar="SERVER,LOAD",
                        help="processors; empty: anywhere")
    parser.add_argument("--quick", action="store_true",
                        help="one round of 200 ms: does it run?")
    parser.add_argument("--json", metavar="FILE", help="save all runs")
    options = parser.parse_args()
    options.failed = False
    if options.quick:
        options.rounds, options.ms, options.warmup = 1, 200, 200
    options.cpus = (options.cpus.split(",") + ["", ""])[:2]
    if os.cpu_count() < 2:
        sys.exit("bench-echo: two processors are needed")
    return options


def main():
    options = parse()
    names = servers.choose(options.servers.split(","))
    report = {"benchmark": "echo", "rounds": options.rounds,
              "ms": options.ms, "scenarios": []}
    for scenario in SCENARIOS:
        if options.scenarios not in scenario[0]:
            continue
        runs = run_rounds(names, scenario, options)
        result = {name: medians(each) for name, each in runs.items()}
        print_scenario(scenario, result)
        report["scenarios"].append({"name": scenario[0], "medians": result,
                                    "runs": runs})
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
    sys.exit(options.failed)


if __name__ == "__main__":
    main()
