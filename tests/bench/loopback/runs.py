#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""runs.py - medians of several runs of a program that prints JSON.

    runs.py [--runs N] [--json FILE] PROGRAM [ARGUMENT...]

Each run prints objects of numbers, one or several; a figure's median is taken
over the runs, and shown with the least and the largest.
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
    own = {'--runs': '5', '--json': None}
    argv = sys.argv[1:]
    while '--runs' in argv or '--json' in argv: # wherever they stand
        at = next(i for i, a in enumerate(argv) if a in own)
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
