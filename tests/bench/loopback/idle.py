# SPDX-License-Identifier: MIT
"""idle.py - the resident memory of a server's idle connections.

VmRSS with 10,000 connections less VmRSS with one, by connection: what the
process itself holds. The kernel's socket buffers are the same for all.
"""

import argparse
import json
import os
import subprocess
import sys

import servers


def measure(name, connections):
    with servers.running(name) as (pid, port):
        run = subprocess.run(
            [os.path.join(servers.BENCH, "idle"), "--port", str(port),
             "--pid", str(pid), "--connections", str(connections)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=300, check=False)
    if run.returncode != 0:
        raise RuntimeError(run.stderr.strip())
    return json.loads(run.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", default=",".join(servers.NAMES))
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--quick", action="store_true",
                        help="500 connections: does it run?")
    parser.add_argument("--json", metavar="FILE", help="save all figures")
    options = parser.parse_args()
    if options.quick:
        options.connections = 500

    failed = False
    report = {"benchmark": "idle", "unit": "bytes", "servers": {}}
    print("%-16s %16s %12s %12s" % ("%d idle" % options.connections,
                                    "bytes each", "RSS before", "RSS after"))
    for name in servers.choose(options.servers.split(",")):
        try:
            row = measure(name, options.connections)
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            print("%-16s %s" % (name, error))
            failed = True
            continue
        report["servers"][name] = row
        print("%-16s %16.1f %12d %12d" % (name, row["each"], row["before"],
                                          row["after"]), flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
    sys.exit(failed)


if __name__ == "__main__":
    main()
