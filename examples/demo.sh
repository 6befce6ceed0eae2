#!/bin/sh
# SPDX-License-Identifier: MIT
# demo.sh - a server, a client, and what goes over the wire between them.
#
#   sh examples/demo.sh [BIN_DIR]
#
# BIN_DIR has echo_server and echo_client (build/examples). Exit status 0 means
# that everything came back equal, and that both ended in order.
set -u

bin=${1:-build/examples}
for program in echo_server echo_client; do
    if [ ! -x "$bin/$program" ]; then
        echo "demo: no $program in $bin; make it first" >&2
        exit 2
    fi
done

tmp=$(mktemp -d) || exit 1
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail()
{
    echo "demo: $*" >&2
    exit 1
}

# The server's first line comes through a pipe: reading it waits just as long
# as the server needs. It ends without a line if the server cannot start.
mkfifo "$tmp/line" || exit 1
"$bin/echo_server" --port 0 >"$tmp/line" &
server=$!
read -r line <"$tmp/line" || fail "the server did not start"
url=${line#listening on }
echo "echo_server is $line (the kernel chose the port)."

talk()
{
    echo
    echo "== $1"
    shift
    "$bin/echo_client" --trace "$@" "$url" >"$tmp/out" ||
        { cat "$tmp/out"; fail "echo_client $* failed"; }
}

talk 'The opening handshake is HTTP; after it, frames go both ways (->  <-).' \
    --text 'Hello, WebSocket'
sed -e '/CLOSE/d' -e '/^closed/d' "$tmp/out"
echo 'What a client sends is masked; what a server sends is not.'

# The handshake was seen: from here on, only the frames before Close.
frames()
{
    sed -e '1,/^connected/d' -e '/CLOSE/d' -e '/^closed/d' "$tmp/out"
}

talk 'Binary data, and text beyond ASCII (the length counts bytes).' \
    --binary 00017f80ff --text 'Grüße, 世界'
frames

talk 'One message in three fragments; "..." says that more will come.' \
    --fragments 3 --text 'in three fragments'
frames

talk 'A ping is answered by the library itself, with the same payload.' --ping
frames

talk 'The closing handshake: each side sends a Close, code 1000 is normal.' \
    --text bye --close 1000
sed -n '/CLOSE/,$p' "$tmp/out"

echo
echo '== The server gets SIGTERM: it says 1001 to its clients, and ends.'
mkfifo "$tmp/wait" || exit 1
"$bin/echo_client" --trace --wait "$url" >"$tmp/wait" &
client=$!
exec 3<"$tmp/wait"
while read -r line <&3; do
    case $line in
    connected*) kill -TERM "$server" ;;
    '<- CLOSE'* | '-> CLOSE'* | closed*) printf '%s\n' "$line" ;;
    esac
done
wait "$client" || fail "the waiting client was not closed in order"
wait "$server" || fail "the server's exit status was $?"
server=
echo
echo 'Everything was as it should be.'
