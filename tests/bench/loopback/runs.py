#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""runs.py - medians of several runs of a program that prints JSON.

    runs.py [--runs N] [--json FILE] [--quick] PROGRAM [ARGUMENT...]

Each run prints objects of numbers, one or several; a figure's median is taken
over the runs (5), and shown with the least and the largest. --quick is the
program's, too, and means one run; so is --help.
"""

import json
import statistics
import subprocess
import sys


def objects(text):
    decoder = json.JSONDecoder()
    at = text.find('{')
    while at >= 0:
        value, end = decoder.raw_decode(text, at)
        yield value
        at = text.find('{', end)


def main():
    argv = sys.argv[1:]
    if '--help' in argv:
        print('Medians of --runs N (5) of this program; --json FILE saves '
              'them:\n', flush=True)
        sys.exit(subprocess.run(argv, check=False).returncode)
    own = {'--runs': '1' if '--quick' in argv else '5', '--json': None}
    while '--runs' in argv or '--json' in argv: # wherever they stand
        at = next(i for i, a in enumerate(argv) if a in own)
        if at + 1 == len(argv):
            sys.exit(f'{argv[at]} takes a value')
        own[argv[at]] = argv[at + 1]
        del argv[at:at + 2]
    runs = []
    for _ in range(int(own['--runs'])):
        done = subprocess.run(argv, stdout=subprocess.PIPE, text=True,
                              check=False)
        if done.returncode != 0:
            sys.exit(done.returncode)
        runs.append(list(objects(done.stdout)))
    medians = []
    for same in zip(*runs):
        medians.append({})
        for key in same[0]:
            all_of = [one[key] for one in same]
            if isinstance(all_of[0], str):
                medians[-1][key] = all_of[0]
                print(f'{all_of[0]}: medians of {len(runs)} runs')
                continue
            medians[-1][key] = statistics.median(all_of)
            print(f'  {key:26} {statistics.median(all_of):12g}   '
                  f'{min(all_of):g} to {max(all_of):g}')
    if own['--json']:
        with open(own['--json'], 'w', encoding='utf-8') as out:
            json.dump(medians, out)


main()
