#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh - our example programs against other implementations.
#
#   run.sh [BIN_DIR]   BIN_DIR: where they are ($BUILD/examples; BUILD: build)
#
# Each case is one line, "ok   NAME" or "FAIL NAME: why"; the last line is
# "N passed, N failed". A peer that is not installed (see deps.sh) is a failure
# where CI is set, elsewhere a "SKIP" line that counts as nothing. All is over
# the loopback, on ports that the kernel chooses. SUITES names the suites to
# run, if not all of them.
set -u

here=$(cd "$(dirname "$0")" && pwd)
work=${BUILD:-build}/interop
INTEROP_BIN=$(cd "${1:-${BUILD:-build}/examples}" 2>/dev/null && pwd) || {
    echo "FAIL programs: no directory ${1:-${BUILD:-build}/examples}"
    echo "0 passed, 1 failed"
    exit 1
}
mkdir -p "$work"
work=$(cd "$work" && pwd)
. "$here/peers.sh"

python=$(find_python)
chromium=$(find_chromium)
INTEROP_FIREFOX=$(find_firefox)
INTEROP_NGINX=$(find_proxy nginx)
INTEROP_HAPROXY=$(find_proxy haproxy)
INTEROP_REDIS=$(find_redis)
INTEROP_WORK=$work
INTEROP_CERTS=$work/certs
INTEROP_CHROMIUM=$chromium
PYTHONDONTWRITEBYTECODE=1
export INTEROP_BIN INTEROP_WORK INTEROP_CERTS INTEROP_CHROMIUM \
    INTEROP_FIREFOX INTEROP_NGINX INTEROP_HAPROXY INTEROP_REDIS \
    PYTHONDONTWRITEBYTECODE

give_up=$(($(date +%s) + 1200))
log=$work/cases.log
errors=$work/stderr.log
: >"$log"
pid=

# timeout runs its command in a process group of its own and passes signals
# on to all of it, so no grandchild is left behind.
stop()
{
    [ -z "$pid" ] || kill -TERM "$pid" 2>/dev/null
    [ -z "$pid" ] || wait "$pid"
    exit "$1"
}
trap 'stop 130' INT
trap 'stop 143' TERM HUP

say()
{
    echo "$*" | tee -a "$log"
}

# missing PEER...: whether one is; says so.
missing()
{
    for peer; do
        case $peer in
        python) [ -n "$python" ] && continue ;;
        node) has_npm_package ws && continue ;;
        browser)
            [ -n "$chromium" ] && has_npm_package playwright-core && continue ;;
        firefox)
            [ -n "$INTEROP_FIREFOX" ] &&
                has_npm_package playwright-core && continue ;;
        nginx) [ -n "$INTEROP_NGINX" ] && continue ;;
        haproxy) [ -n "$INTEROP_HAPROXY" ] && continue ;;
        redis) [ -n "$INTEROP_REDIS" ] && continue ;;
        openssl) command -v openssl >/dev/null && continue ;;
        esac
        if [ -n "${CI:-}" ]; then
            say "FAIL $suite: $peer is missing; run: make deps-interop"
        else
            say "SKIP $suite: $peer is missing; run: make deps-interop"
        fi
        return 0
    done
    return 1
}

# suite NAME SECONDS COMMAND...: run it, unless SUITES leaves it out.
suite()
{
    suite=$1
    seconds=$2
    shift 2
    case " ${SUITES:-$suite} " in
    *" $suite "*) ;;
    *) return ;;
    esac
    missing openssl $needs && return

    left=$((give_up - $(date +%s)))
    [ "$seconds" -le "$left" ] || seconds=$left
    if [ "$seconds" -le 0 ]; then
        say "FAIL $suite: no time is left"
        return
    fi
    echo "== $suite"
    : >"$work/out"
    timeout -k 5 "$seconds" "$@" >"$work/out" 2>"$errors" </dev/null &
    pid=$!
    wait "$pid"
    status=$?
    pid=
    tee -a "$log" <"$work/out"

    # A suite that ends otherwise than it says has failed.
    if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
        say "FAIL $suite: stopped after $seconds seconds"
    elif ! grep -q '^ok ' "$work/out" && ! grep -q '^FAIL ' "$work/out"; then
        say "FAIL $suite: ran no case, exit status $status"
    elif [ "$status" -ne 0 ] && ! grep -q '^FAIL ' "$work/out"; then
        say "FAIL $suite: exit status $status"
    fi
    if [ "$status" -ne 0 ] && [ -s "$errors" ]; then
        echo "     standard error of $suite:"
        head -c 4000 "$errors" | sed 's/^/     | /'
    fi
}

if command -v openssl >/dev/null && ! sh "$here/certs.sh" "$work/certs"; then
    suite=certificates
    say "FAIL $suite: openssl could not make them, see $work/certs/openssl.log"
fi

needs=python
suite client.py 300 "$python" "$here/client.py"
suite raw.py 300 "$python" "$here/raw.py"
suite bad_servers.py 300 "$python" "$here/bad_servers.py"
needs="python nginx haproxy"
suite proxies.py 300 "$python" "$here/proxies.py"
needs=node
suite client.mjs 300 node "$here/client.mjs"
needs="python node"
suite our_clients.py 300 "$python" "$here/our_clients.py"
suite handshakes.py 300 "$python" "$here/handshakes.py"
needs="node browser"
suite browser.mjs 450 node "$here/browser.mjs"
suite notify.mjs 300 node "$here/notify.mjs"
suite ticker.mjs 300 node "$here/ticker.mjs"
suite game.mjs $((300 + ${GAME_PLAY_MS:-0} / 1000)) node "$here/game.mjs"
suite wss.mjs 300 node "$here/wss.mjs"
needs="node browser redis"
suite chat_redis.mjs 300 node "$here/chat_redis.mjs"
needs="node firefox"
suite firefox.mjs 300 node "$here/firefox.mjs"

passed=$(grep -c '^ok ' "$log")
failed=$(grep -c '^FAIL ' "$log")
skipped=$(grep -c '^SKIP ' "$log")
grep '^FAIL ' "$log" >"$work/failed.log" && echo "== failed" &&
    cat "$work/failed.log"
[ "$skipped" -eq 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
