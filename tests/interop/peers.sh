# SPDX-License-Identifier: MIT
# peers.sh - where the other implementations are; deps.sh and run.sh read it.
# $here names their directory, $work the one that holds node_modules.

# The first interpreter that has the websockets library: the one in PATH may
# be somebody's own build, without Debian's packages.
find_python()
{
    for python in python3 /usr/bin/python3 /usr/local/bin/python3; do
        if "$python" -c 'import websockets' 2>/dev/null; then
            command -v "$python"
            return
        fi
    done
}

find_chromium()
{
    command -v chromium || command -v chromium-browser ||
        command -v google-chrome || :
}

find_firefox()
{
    command -v firefox-esr || command -v firefox || :
}

# find_proxy NAME: nginx or haproxy, which not everybody has in PATH.
find_proxy()
{
    PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$1" || :
}

# One that can be started so that it ends with us, and a chat that knows it.
find_redis()
{
    if command -v setpriv >/dev/null && "$INTEROP_BIN/broadcast_server" \
        --redis localhost:1 --help >/dev/null 2>&1; then
        command -v redis-server || :
    fi
}

# In the version that package.json of this tree asks for.
has_npm_package()
{
    command -v node >/dev/null && cmp -s "$here/package.json" \
        "$work/package.json" && [ -f "$work/node_modules/$1/package.json" ]
}
