#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""coverage.py - line and branch coverage of src/ from gcov, with floors.

    coverage.py [--fuzz] OBJECT_DIRECTORY KERNELS...

Fails below LINES or BRANCHES percent over all of src/, and prints what is
missing; with --fuzz below FUZZ_LINES percent of what is no kernel. Markers that
would hide a line from the count are refused.

KERNELS are the names of src/kernels/kernels_NAME.c that this machine can run.
The others are left out, with the lines of kernels.c that name them.
"""
import collections
import glob
import json
import os
import re
import subprocess
import sys

LINES = 100.0
BRANCHES = 95.0
FUZZ_LINES = 98.0
CHOICE = "src/kernels/kernels.c"
KERNEL = "src/kernels/kernels_{}.c"
MARKERS = ("GCOV" + "_EXCL", "LCOV" + "_EXCL")


def kernels_not_here(objects, here):
    """The names of kernels that were compiled and cannot be run."""
    names = [re.sub(r".*/kernels_(\w+)\.c$", r"\1", source)
             for source in sorted(glob.glob(KERNEL.format("*")))]
    return [name for name in names if name not in here and
            not is_empty(objects, KERNEL.format(name))]


def gcov(objects, not_here):
    """The parsed reports of all the objects, one a translation unit."""
    notes = [note for note in sorted(glob.glob(os.path.join(objects, "**/*.gcno"),
                                               recursive=True))
             if not any(note.endswith(f"/kernels_{name}.gcno")
                        for name in not_here)]
    tool = os.environ.get("GCOV", "gcov")
    out = subprocess.run([tool, "--json-format", "--stdout", "-b"] + notes,
                         check=True, stdout=subprocess.PIPE).stdout
    return [json.loads(line) for line in out.splitlines() if line.strip()]


def is_empty(objects, source):
    """Whether the compiled source defines no function."""
    name = os.path.relpath(source, "src")[:-len(".c")] + ".o"
    symbols = subprocess.run(["nm", os.path.join(objects, name)], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
    return not any(" t " in line.lower() for line in symbols.splitlines())


def collect(reports):
    """lines[file][number] and branches[file][number, function, index]: counts.

    An inline function of a header is in several reports: its counts add up.
    """
    lines = collections.defaultdict(collections.Counter)
    branches = collections.defaultdict(collections.Counter)
    for report in reports:
        for entry in report["files"]:
            name = os.path.relpath(os.path.join(
                report["current_working_directory"], entry["file"]))
            if not name.startswith("src" + os.sep) or not os.path.exists(name):
                continue
            for line in entry["lines"]:
                number = line["line_number"]
                lines[name][number] += line["count"]
                for i, branch in enumerate(line["branches"]):
                    key = number, line.get("function_name", ""), i
                    branches[name][key] += branch["count"]
    return lines, branches


def percent(counts):
    if not counts:
        return 100.0
    return 100.0 * sum(count > 0 for count in counts) / len(counts)


def ranges(numbers):
    """[1, 2, 3, 7] as "1-3 7"."""
    out = []
    for n in sorted(set(numbers)):
        if out and out[-1][1] == n - 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in out)


def forget_choice(lines, not_here):
    """In kernels.c, leave out the lines that choose what is not here."""
    with open(CHOICE, encoding="utf-8") as text:
        for number, line in enumerate(text, 1):
            if any(f"upf_kernels_{name}[" in line or
                   f'__builtin_cpu_supports("{name}' in line
                   for name in not_here):
                lines[CHOICE].pop(number, None)


def report(failures):
    for failure in failures:
        print("coverage:", failure)
    return 1 if failures else 0


def is_kernel(name):
    return name.startswith("src/kernels/")


def main():
    arguments = [word for word in sys.argv[1:] if word != "--fuzz"]
    of_fuzz = len(arguments) < len(sys.argv) - 1
    objects, here = arguments[0], arguments[1:]
    not_here = kernels_not_here(objects, here)
    lines, branches = collect(gcov(objects, not_here))
    forget_choice(lines, not_here)
    if of_fuzz:
        lines = {name: counts for name, counts in lines.items()
                 if not is_kernel(name)}
    failures = []

    print(f"{'file':24} {'lines':>14} {'branches':>16}")
    all_lines, all_branches = [], []
    for name in sorted(lines):
        of_lines = list(lines[name].values())
        of_branches = list(branches[name].values())
        all_lines += of_lines
        all_branches += of_branches
        print(f"{name:24} {len(of_lines):6} {percent(of_lines):6.1f}%"
              f" {len(of_branches):8} {percent(of_branches):6.1f}%")
        never = [n for n, count in lines[name].items() if count == 0]
        half = [key[0] for key, count in branches[name].items() if count == 0]
        if never:
            print(f"    lines never run:       {ranges(never)}")
        if half:
            print(f"    branches never taken:  {ranges(half)}")
    print(f"{'all':24} {len(all_lines):6} {percent(all_lines):6.1f}%"
          f" {len(all_branches):8} {percent(all_branches):6.1f}%")

    if of_fuzz:
        if percent(all_lines) < FUZZ_LINES:
            failures.append("the corpora of the fuzzers reach less than "
                            f"{FUZZ_LINES} % of the lines")
        return report(failures)
    for source in sorted(glob.glob("src/**/*.[ch]", recursive=True)):
        with open(source, encoding="utf-8") as text:
            if any(marker in text.read() for marker in MARKERS):
                failures.append(f"{source} hides lines from the count")
        if source.endswith(".c") and source not in lines:
            if source in map(KERNEL.format, not_here):
                print(f"{source}: left out, this machine cannot run it")
            elif is_empty(objects, source):
                print(f"{source}: nothing in it is for this processor")
            else:
                failures.append(f"{source} has no coverage data")
    if percent(all_lines) < LINES:
        failures.append(f"line coverage is below {LINES} %")
    if percent(all_branches) < BRANCHES:
        failures.append(f"branch coverage is below {BRANCHES} %")
    return report(failures)


if __name__ == "__main__":
    sys.exit(main())
