#!/bin/sh
# SPDX-License-Identifier: MIT
# ticker.sh - measure ticker_server: 20,000 updates a second, 500 subscribers,
# one in ten of which stands still. Five symbols of 10 s fit into the kernel's
# buffers; all 50 do not, so that the server has to hold back. BENCH_ARGS are
# ticker's (see ticker.c).
set -u

bench=${BUILD:-build}/bench
case " $* " in
*' --help '*) exec "$bench/ticker" --help ;;
esac
out=$(mktemp) || exit 1
"$bench/ticker_server" --port 0 --rate 20000 >"$out" &
pid=$!
trap 'kill $pid 2>/dev/null; rm -f "$out"' EXIT
until grep -q listening "$out"; do
    kill -0 $pid 2>/dev/null || exit 1
    sleep 0.1
done
port=$(sed -n 's/.*:\([0-9]*\)\/.*/\1/p' "$out")
for row in "" "--symbols 50" "--symbols 50 --bits 1000000"; do
    "$bench/ticker" --port "$port" --pid $pid $row "$@" || exit 1
done
