#!/bin/sh
# SPDX-License-Identifier: MIT
# ticker.sh - measure ticker_server: 20,000 updates a second, 500 subscribers,
# one in ten of which stands still. BENCH_ARGS are ticker's (see ticker.c).
set -u

bench=${BUILD:-build}/bench
out=$(mktemp) || exit 1
"$bench/ticker_server" --port 0 --rate 20000 >"$out" &
pid=$!
trap 'kill $pid 2>/dev/null; rm -f "$out"' EXIT
until grep -q listening "$out"; do
    kill -0 $pid 2>/dev/null || exit 1
    sleep 0.1
done
port=$(sed -n 's/.*:\([0-9]*\)\/.*/\1/p' "$out")
for line in "" "--bits 1000000"; do
    "$bench/ticker" --port "$port" --pid $pid $line "$@" || exit 1
done
