#!/bin/sh
# SPDX-License-Identifier: MIT
# test_examples.sh - the example programs, run for real over loopback.
#
#   test_examples.sh [BIN_DIR]
#
# BIN_DIR, or UPF_EXAMPLES_DIR, has the programs (build/examples). Nothing is
# slept for: every wait is for a line that a program prints or for its end, and
# a watchdog stops all of it after LIMIT seconds.
set -u

LIMIT=500 # a hang, not a slow machine
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
bin=${1:-}
bin=${bin:-${UPF_EXAMPLES_DIR:-build/examples}}
tmp=$(mktemp -d) || exit 1
passed=0
failed=0
name=    # of the check at hand
current= # the command that is waited for
running= # servers; both are to be killed if we end early

(
    sleep "$LIMIT" &
    sleeper=$!
    trap 'kill "$sleeper"; exit' TERM
    wait "$sleeper"
    kill -TERM $$
) >/dev/null 2>&1 &
watchdog=$!

cleanup()
{
    # shellcheck disable=SC2086
    kill $current $running "$watchdog" 2>/dev/null
    rm -rf "$tmp"
}
trap cleanup EXIT
trap 'echo "stopped, out of time or by a signal, at: $name"; exit 1' INT TERM

# ---- Checking ---------------------------------------------------------------

# check NAME COMMAND...: the command's success is the test.
check()
{
    name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $name"
        head -qn 20 "$tmp/out" "$tmp/err" 2>/dev/null | sed 's/^/    /'
    fi
}

# exits STATUS COMMAND...: its output goes to $tmp/out and $tmp/err.
exits()
{
    wanted=$1
    shift
    "$@" >"$tmp/out" 2>"$tmp/err" </dev/null &
    current=$! # a signal interrupts `wait`, and nothing else
    wait "$current"
    status=$?
    current=
    [ "$status" -eq "$wanted" ] || echo "    exit status $status: $*"
    [ "$status" -eq "$wanted" ]
}

said() { grep -q -e "$1" "$tmp/out"; }
lacks() { ! said "$1"; }
complained() { grep -q -e "$1" "$tmp/err"; }

exits_and_says() { exits "$1" "$2" "$3" && said "$4"; }

# ---- Servers and clients ----------------------------------------------------

# start PROGRAM OPTION...: sets $url, $port and $server. The first line comes
# through a pipe, so that reading it takes as long as the server needs.
start()
{
    rm -f "$tmp/line"
    mkfifo "$tmp/line"
    program=$1
    shift
    "$bin/$program" --port 0 "$@" >"$tmp/line" 2>"$tmp/server.err" &
    server=$!
    running="$running $server"
    exec 9<"$tmp/line"
    line=
    read -r line <&9
    url=${line#listening on }
    port=${url%/}
    port=${port##*:}
}

# Stop it; true if it then said no more, and its exit status is 0.
stop()
{
    kill -TERM "$server" && wait "$server"
    status=$?
    rest=$(cat <&9)
    exec 9<&-
    cat "$tmp/server.err" >"$tmp/err"
    [ "$status" -eq 0 ] && [ -z "$rest" ]
}

client() { "$bin/echo_client" --timeout 60 "$@" "$url"; }

# One that stays, prints all that comes, and gives up when nothing does.
listener() { exec "$bin/echo_client" --wait --timeout 60 "$@" "$url"; }

# awaits FD PATTERN: read lines until one matches.
awaits()
{
    : >"$tmp/out"
    while read -r line <&"$1"; do
        printf '%s\n' "$line" >>"$tmp/out"
        # shellcheck disable=SC2254
        case $line in
        $2) return 0 ;;
        esac
    done
    return 1
}

# http REQUEST_LINE: the whole answer to a request without WebSocket.
http()
{
    printf '%s\r\nHost: 127.0.0.1:%s\r\n\r\n' "$1" "$port" |
        "$tmp/raw_tcp" "$port" >"$tmp/out" 2>"$tmp/err"
}

answers() { http "$1" && head -n 1 "$tmp/out" | grep -q "^HTTP/1.1 $2 "; }

# ---- The tests --------------------------------------------------------------

the_command_line()
{
    for program in echo_server broadcast_server echo_client \
        reconnect_client; do
        check "$program --help explains itself" \
            exits_and_says 0 "$bin/$program" --help 'usage: '
        check "$program refuses an unknown option" \
            exits 2 "$bin/$program" --no-such-option
        check "$program says where its help is" \
            complained "^see $bin/$program --help"
        check "$program refuses more words" exits 2 "$bin/$program" a b c
    done
    # Proxies end what is silent for 55 s or 60 s.
    for program in echo_server broadcast_server echo_epoll echo_client \
        reconnect_client; do
        [ -x "$bin/$program" ] || continue
        check "$program pings whoever is silent for 30 s" \
            exits_and_says 0 "$bin/$program" --help '(30000'
    done
    check 'a port that is none is refused' \
        exits 2 "$bin/reconnect_client" --port abc
    check 'and named' complained "^--port: 'abc' "
    for port in -1 65536 '' 80x; do
        check "a server refuses port '$port'" \
            exits 2 "$bin/echo_server" --port "$port"
    done
    check 'a certificate alone is refused' \
        exits 2 "$bin/echo_server" --tls-cert no-such-file
    check 'a malformed subprotocol is refused' \
        exits 2 "$bin/echo_server" --port 0 --subprotocol 'a b'
    for host in a.example:443 http://a.example a.example/chat 'a b' ''; do
        check "a host name is not '$host'" \
            exits 2 "$bin/broadcast_server" --port 0 --host-name "$host"
        check 'which is told' complained "^--host-name: '$host' is no host"
    done
    check 'an origin that no browser sends is refused' \
        exits 2 "$bin/echo_server" --port 0 --origin https://a.example/
    check 'and is named' complained "^--origin: 'https://a.example/' "
    check 'with the way to the help' complained 'echo_server --help'
    check 'room that is too little for an echo is a thing to say' \
        exits 1 "$bin/echo_server" --host 192.0.2.1 --max-queued 100
    check 'with what it is then' complained '^--max-queued: [0-9]'
    check 'a subprotocol twice is refused by the client' \
        exits 2 "$bin/echo_client" --subprotocol a --subprotocol a
    check 'and is named, too' complained "^--subprotocol: 'a' is there twice"
    check 'one that is no token is refused' \
        exits 2 "$bin/echo_client" --subprotocol 'a b'
    check 'and named' complained "^--subprotocol: 'a b' is not a token"
    check 'a limit of nothing is refused' \
        exits 2 "$bin/echo_server" --port 0 --max-message 0
    check 'a message that finds no room on its way is refused' \
        exits 2 "$bin/broadcast_server" --port 0 --host 192.0.2.1 \
        --max-message 1000 --max-queued 1000
    check 'and why' complained '^cannot work so: --max-message is over'
    check "another machine's address is an error" \
        exits 1 "$bin/echo_server" --port 0 --host 192.0.2.1

    check 'the client refuses odd hexadecimal' \
        exits 2 "$bin/echo_client" --binary 012
    check 'the client refuses another scheme' \
        exits 2 "$bin/echo_client" http://127.0.0.1/
    check 'the client refuses a URL and a port' \
        exits 2 "$bin/echo_client" --port 9001 ws://127.0.0.1/
    check 'the client refuses port 70000' \
        exits 2 "$bin/echo_client" --port 70000
    check 'the client refuses a close code that must not be sent' \
        exits 2 "$bin/echo_client" --close 1006
    check 'the client refuses a header without a colon' \
        exits 2 "$bin/echo_client" --header X-Thing
    check 'the client refuses a header that would be two' \
        exits 2 "$bin/echo_client" --header "$(printf 'X-A: b\r\nX-C: d')"
    check 'and names it' \
        complained "^--header: 'b.x0d.x0aX-C: d' cannot be a header's value"
    check 'the client refuses a header of its own' \
        exits 2 "$bin/echo_client" --header 'A: b' --header 'Host: x'
    check 'as such' complained "^--header: 'Host' is written by the client"
    check 'the client refuses a name that is none' \
        exits 2 "$bin/echo_client" --header 'A b: c'
    check 'as such, too' complained "^--header: 'A b' cannot be a header's name"
    check 'the client refuses an origin of two lines' \
        exits 2 "$bin/echo_client" --origin "$(printf 'a\r\nb')"
    check 'and names that' complained '^--origin: '
    check 'the client refuses a count that is no number' \
        exits 2 "$bin/echo_client" --fragments many
    check 'a CA file for ws:// is refused, as no one would check with it' \
        exits 2 "$bin/echo_client" --ca file ws://127.0.0.1/
    check 'nor by the client that comes back' \
        exits 2 "$bin/reconnect_client" --ca file ws://127.0.0.1/
    check 'which asks what to send' \
        exits 2 "$bin/reconnect_client" --interval 5 ws://127.0.0.1/
}

echoing()
{
    start echo_server --subprotocol one --subprotocol two --max-message 100000
    check 'the server says where it listens' \
        expr "$url" : 'ws://127\.0\.0\.1:[0-9]*/$' >/dev/null
    check 'a text comes back' exits 0 client --text 'Grüße'
    check 'the text is shown' said '"Grüße".*equal'
    check 'host and port do for the URL' \
        exits 0 "$bin/echo_client" --host 127.0.0.1 --port "$port"
    check 'binary data comes back' exits 0 client --binary 0001ff80
    check 'the bytes are shown' said '0001ff80.*equal'
    check 'an empty message comes back' exits 0 client --text '' --binary ''
    check 'fragments come back as one' \
        exits 0 client --fragments 4 --text 'in four parts' --size 70000
    check 'fragments may cut a character, and be empty' \
        exits 0 client --fragments 5 --text 'ü' --text ''
    check 'a ping is answered' exits 0 client --ping --text x --ping
    check 'the pong is shown' said 'pong after'
    check 'the end is shown' said 'closed with 1000, normal closure'
    check 'another code is possible' exits 0 client --close 3000
    check 'it is echoed' said 'closed with 3000'
    check 'so is none' exits 0 client --close 0
    check 'and shown as 1005' said 'closed with 1005'
    check 'the longest message comes back' exits 0 client --size 100000
    check 'a longer one does not' exits 1 client --size 100001
    check 'but gets 1009' said 'closed with 1009, message too big'
    check 'text that is not UTF-8 is not sent' \
        exits 2 client --text "$(printf '\377')"
    check 'the server chooses its preferred subprotocol' \
        exits 0 client --subprotocol two --subprotocol one
    check 'which the client shows' said '^subprotocol one$'
    check 'it need not choose one' exits 0 client --subprotocol three
    check 'which the client shows, too' said '^no subprotocol: '
    check 'the trace shows frames' exits 0 client --trace --fragments 2 --text ab
    check 'the first fragment' said '^-> TEXT    \.\.\.  masked .* "a"'
    check 'the last fragment' said '^-> CONT    fin  masked .* "b"'
    check 'and the whole echo' said '^<- TEXT    fin  unmasked .* "ab"'
    check "a foreign page is refused, if no one is named" \
        exits 1 client --origin https://foe.example
    check 'a port in use is an error' exits 1 "$bin/echo_server" --port "$port"
    # POSIX calls it "Address in use"; some C libraries say "already".
    check 'that says so' \
        complained 'Address \(already \)*in use; try another --port'
    check 'SIGTERM ends it' stop
    check 'nobody listens: an error' exits 1 client
    check 'that says so' complained 'Connection refused'
}

origins()
{
    start echo_server --origin https://friend.example
    check 'a page of a foreign origin is refused' \
        exits 1 client --origin https://foe.example
    check 'with 403' said 'refused with HTTP 403'
    check 'a page of an origin that was named is not' \
        exits 0 client --origin https://friend.example
    check "a page of the server's own is not" \
        exits 0 client --origin "http://127.0.0.1:$port"
    check 'one from another port is' exits 1 client --origin http://127.0.0.1
    check 'the default port may be named' \
        exits 0 client --origin https://friend.example:443
    stop
    start echo_server --origin https://friend.example:443
    check 'on either side' exits 0 client --origin https://friend.example
    stop
}

pages()
{
    start echo_server
    check 'a browser gets a page' answers 'GET / HTTP/1.1' 200
    check 'as HTML' said '^Content-Type: text/html'
    check 'with a policy' said "^Content-Security-Policy: default-src 'none'"
    check 'which is the echo page' said 'new WebSocket'
    check 'a query changes nothing' answers 'GET /?a=b HTTP/1.1' 200
    check 'or its head alone' answers 'HEAD / HTTP/1.1' 200
    check 'without the body' lacks 'new WebSocket'
    check 'there is no icon' answers 'GET /favicon.ico HTTP/1.1' 204
    check 'there is nothing else' answers 'GET /etc/passwd HTTP/1.1' 404
    check 'a load balancer may ask' answers 'OPTIONS * HTTP/1.1' 204
    check 'a key without Upgrade' answers \
        "$(printf 'GET /chat HTTP/1.1\r\nSec-WebSocket-Key: x')" 426
    check 'is told of the proxy' said 'A proxy on the way removed it'
    check 'nothing is posted' answers 'POST / HTTP/1.1' 405
    check 'what is not HTTP is refused' answers 'hello' 400
    check 'an open page does not hinder the end' stop
    start broadcast_server
    check 'the chat has its page, too' answers 'GET / HTTP/1.1' 200
    check 'which is the chat' said 'Your name'
    check 'a key without Upgrade is told of the proxy here, too' answers \
        "$(printf 'GET /chat HTTP/1.1\r\nSec-WebSocket-Key: x')" 426
    stop
}

stopping()
{
    start echo_server --trace
    mkfifo "$tmp/wait"
    listener >"$tmp/wait" 2>"$tmp/err" &
    waiting=$!
    exec 3<"$tmp/wait"
    check 'a client can wait' awaits 3 'connected to*'
    check 'SIGTERM ends the server with a client' stop
    check 'which is told 1001' awaits 3 'closed with 1001, going away*'
    check 'and calls that orderly' wait "$waiting"
    check 'its own Close has reached the server' \
        grep -q '<- CLOSE .* masked  *2 bytes' "$tmp/server.err"
    exec 3<&-

    # One that never reads or answers is not waited for without end.
    start echo_server
    mkfifo "$tmp/idle"
    "$tmp/raw_tcp" "$port" <"$tmp/idle" >/dev/null 2>&1 &
    running="$running $!"
    exec 4>"$tmp/idle"
    printf 'GET / HTTP/1.1\r\n' >&4
    check 'a client that is silent does not hinder the end' stop
    exec 4>&-
}

# Else what they open next takes the place of standard output, and is written
# to: the pipe of the signals, for instance, which then never rests.
without_descriptors()
{
    if ! [ -d /proc/self/fd ]; then
        echo 'SKIP closed descriptors: there is no /proc here'
        return
    fi
    for program in echo_server broadcast_server notify_server ticker_server \
        game_server reconnect_client ticker_client; do
        case $program in
        *_client) set -- --base 60000 --cap 60000 ws://127.0.0.1:1/ ;;
        *) set -- --port 0 ;;
        esac
        "$bin/$program" "$@" <&- >&- 2>&- &
        server=$!
        running="$running $server"
        for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
            [ "$(readlink "/proc/$server/fd/2")" != /dev/null ] || break
            sleep 0.5 # ends as soon as it is so
        done
        for fd in 0 1 2; do
            check "$program has a descriptor $fd, though it was closed" \
                test "$(readlink "/proc/$server/fd/$fd")" = /dev/null
        done
        kill -TERM "$server"
        wait "$server"
    done
}

broadcasting()
{
    check 'the chat tells of its protocol' \
        exits_and_says 0 "$bin/broadcast_server" --help '"people"'
    start broadcast_server --max-message 1000
    check 'who loads the page' answers 'GET / HTTP/1.1' 200
    mkfifo "$tmp/a" "$tmp/b" "$tmp/c"
    listener --text '/name Ann' >"$tmp/a" &
    a=$!
    exec 3<"$tmp/a"
    check 'is not counted: who comes first is alone' awaits 3 '*"people 1"*'
    check 'and sees the name that was given' awaits 3 '*"here 1 Ann"*'
    listener --text "$(printf '/name  B\001ob ')" >"$tmp/b" &
    b=$!
    exec 4<"$tmp/b"
    check 'who comes next sees who is there' awaits 4 '*"people 2?x0a1 Ann"*'
    check 'a name has no control characters' awaits 4 '*"here 2 Bob"*'
    check 'which the first one is told' awaits 3 '*"here 2 Bob"*'
    listener --text 'hello all' --binary 00ff >"$tmp/c" &
    c=$!
    exec 5<"$tmp/c"
    check 'the third one sees both' awaits 5 '*"people 3?x0a1 Ann?x0a2 Bob"*'
    check 'and gets a name by speaking' awaits 5 '*"here 3 guest 3"*'
    for fd in 3 4 5; do
        check "number $((fd - 2)) of three hears it" \
            awaits "$fd" '*"said 3?x0ahello all"*'
        check "and the binary message" awaits "$fd" 'binary*00ff*'
    done
    kill -TERM "$b"
    check 'who is interrupted leaves in order' wait "$b"
    check 'and the others are told' awaits 3 '*"gone 2"*'
    check 'each of them' awaits 5 '*"gone 2"*'
    check 'a chat is no echo, which the client finds' exits 1 client --text hi
    check 'and says' said 'came back different'
    check 'SIGTERM ends the chat' stop
    check 'and each client is told' awaits 3 'closed with 1001*'
    check 'the first' wait "$a"
    check 'and the third' wait "$c"
    exec 3<&- 4<&- 5<&-
}

# make_cert NAME SUBJECT_ALT_NAME
make_cert()
{
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" \
        -addext "subjectAltName=$2" -keyout "$tmp/$1.key" -out "$tmp/$1.pem" \
        >"$tmp/out" 2>"$tmp/err"
}

with_tls()
{
    if ! command -v openssl >/dev/null; then
        echo 'SKIP wss: there is no openssl command to make certificates'
        return
    fi
    if ! make_cert here 'IP:127.0.0.1,DNS:localhost' ||
        ! make_cert elsewhere 'DNS:elsewhere.example'; then
        echo 'SKIP wss: openssl made no certificate'
        return
    fi
    start echo_server --tls-cert "$tmp/here.pem" --tls-key "$tmp/here.key"
    if grep -q 'built without TLS' "$tmp/server.err"; then
        exec 9<&-
        echo 'SKIP wss: the examples were built without TLS'
        return
    fi
    check 'a server with a certificate says wss' \
        expr "$url" : 'wss://127\.0\.0\.1:[0-9]*/$' >/dev/null
    check 'wss works' exits 0 client --ca "$tmp/here.pem" --text Hello --ping
    check 'with large messages, too' exits 0 client --ca "$tmp/here.pem" \
        --size 3000000 --fragments 9 --size 300000
    check 'a certificate that is not trusted is refused' exits 1 client
    check 'and the reason told' said 'TLS failed: the certificate'
    url=wss://localhost:$port/
    check 'the name may be localhost' exits 0 client --ca "$tmp/here.pem"
    check 'SIGTERM ends it' stop

    start ticker_server --tls-cert "$tmp/here.pem" --tls-key "$tmp/here.key"
    check 'ticker_client speaks TLS' exits 0 "$bin/ticker_client" \
        --ca "$tmp/here.pem" --count 100 "$url"
    check 'and trusts nobody else' exits 1 "$bin/ticker_client" \
        --ca "$tmp/elsewhere.pem" --attempts 1 --base 1 --cap 1 "$url"
    check 'which it says' complained 'the certificate is not accepted'
    stop

    start echo_server --tls-cert "$tmp/elsewhere.pem" \
        --tls-key "$tmp/elsewhere.key"
    check "another host's certificate is refused" \
        exits 1 client --ca "$tmp/elsewhere.pem"
    check 'by notify_client, too' exits 1 "$bin/notify_client" \
        --ca "$tmp/elsewhere.pem" --attempts 1 --base 1 --cap 1 "$url"
    check 'which says so' complained 'the certificate is not accepted'
    check 'plain text for a TLS server is an error' \
        exits 1 "$bin/echo_client" "ws://127.0.0.1:$port/"
    check 'with a word about wss' said '^try: wss://'
    stop
    start echo_server
    check 'so is TLS for a plain one' exits 1 "$bin/echo_client" \
        --ca "$tmp/here.pem" "wss://127.0.0.1:$port/"
    check 'with a word about ws' said '^TLS failed: .*; try ws://$'
    stop
    check 'a certificate that is not there is named' exits 2 \
        "$bin/echo_server" --tls-cert "$tmp/none" --tls-key "$tmp/here.key"
    check 'with the reason' complained "$tmp/none: No such file"
    for program in echo_client notify_client; do
        check "so is a CA file, by $program" exits 2 \
            "$bin/$program" --ca "$tmp/none" wss://127.0.0.1:1/
        check 'with the reason, too' complained "$tmp/none: No such file"
    done
    check "another certificate's key is refused" exits 2 "$bin/echo_server" \
        --port 0 --tls-cert "$tmp/here.pem" --tls-key "$tmp/elsewhere.key"
}

# Linux only.
with_epoll()
{
    if ! [ -x "$bin/echo_epoll" ]; then
        echo 'SKIP echo_epoll: there is no epoll here'
        return
    fi
    check 'echo_epoll --help explains itself' \
        exits_and_says 0 "$bin/echo_epoll" --help '--broadcast'
    check 'without what it has not' lacks '--t[lr]'
    check 'it refuses an unknown option' \
        exits 2 "$bin/echo_epoll" --no-such-option
    check 'and TLS, which it has not' \
        exits 2 "$bin/echo_epoll" --tls-cert no-such-file
    start echo_epoll --max-message 3000000 --max-connections 2
    check 'echo_epoll says where it listens' \
        expr "$url" : 'ws://127\.0\.0\.1:[0-9]*/$' >/dev/null
    check 'it returns a text, bytes, nothing' \
        exits 0 client --text 'Grüße' --binary 0001ff80 --text '' --ping
    check 'and what takes many reads' exits 0 client --size 3000000 \
        --fragments 9 --size 700000 --text 'behind it'
    check 'but nothing longer' exits 1 client --size 3000001
    check 'for which it says 1009' said 'closed with 1009, message too big'
    check 'it refuses a foreign page' \
        exits 1 client --origin https://foe.example
    check 'SIGTERM ends it' stop

    start echo_epoll
    mkfifo "$tmp/epoll"
    listener >"$tmp/epoll" &
    waiting=$!
    exec 3<"$tmp/epoll"
    check 'a client waits' awaits 3 'connected to*'
    check 'SIGTERM ends echo_epoll with a client' stop
    check 'which is told 1001, too' awaits 3 'closed with 1001, going away*'
    check 'in order' wait "$waiting"
    exec 3<&-

    start echo_epoll --broadcast
    listener >"$tmp/epoll" &
    waiting=$!
    exec 3<"$tmp/epoll"
    check 'a client listens' awaits 3 'connected to*'
    check 'another one hears himself' \
        exits 0 client --text one --binary 00ff --size 300000
    check 'the first hears a text' awaits 3 '*"one"*'
    check 'and the bytes' awaits 3 'binary*00ff*'
    check 'SIGTERM ends the broadcast' stop
    check 'and the listener is told' awaits 3 'closed with 1001*'
    check 'and leaves' wait "$waiting"
    exec 3<&-
}

# uploads_to PROGRAM: all is sent at once, and more than all sockets hold; the
# echo of the first comes while the rest still waits to be written.
uploads_to()
{
    start "$1"
    "$bin/echo_client" --wait --timeout 60 --size 8388608 --size 8388608 \
        --size 8388608 "$url" >"$tmp/upload" &
    waiting=$!
    running="$running $waiting"
    exec 3<"$tmp/upload"
    for nth in first second third; do
        check "$1 returns the $nth of three long messages" \
            awaits 3 'binary  8388608 bytes*received'
    done
    kill -TERM "$waiting" 2>/dev/null
    check "and the client leaves $1 in order" wait "$waiting"
    exec 3<&-
    stop
}

uploading()
{
    mkfifo "$tmp/upload"
    uploads_to echo_server
    if [ -x "$bin/echo_epoll" ]; then
        uploads_to echo_epoll
    fi
}

# The last bytes of a turn may be the first of a record, whose rest then lies
# where poll() does not see it.
chatting_with_tls()
{
    if ! [ -s "$tmp/here.key" ]; then
        return
    fi
    start broadcast_server --tls-cert "$tmp/here.pem" --tls-key "$tmp/here.key"
    if grep -q 'built without TLS' "$tmp/server.err"; then
        exec 9<&-
        return
    fi
    mkfifo "$tmp/chat"
    listener --ca "$tmp/here.pem" --text hello --size 32752 --size 60000 \
        --text '/name Ann' >"$tmp/chat" &
    waiting=$!
    exec 3<"$tmp/chat"
    check 'the chat has wss, too' awaits 3 '*"said 1?x0ahello"*'
    check 'and hears what is longer than a turn' awaits 3 'binary*32752*'
    check 'and longer than two' awaits 3 'binary*60000*'
    check 'and what is behind it' awaits 3 '*"here 1 Ann"*'
    check 'SIGTERM ends it with a client' stop
    check 'who is told' awaits 3 'closed with 1001*'
    check 'and leaves in order' wait "$waiting"
    exec 3<&-
}

demonstrating()
{
    check 'the demonstration goes well' exits 0 sh "$root/examples/demo.sh" \
        "$bin"
    check 'and shows an orderly close' said '<- CLOSE   fin  unmasked.*1001'
}

# shellcheck disable=SC2086
if ! ${CC:-cc} -std=c11 -D_POSIX_C_SOURCE=200809L -I"$root/include" \
    -I"$root/examples/common" -o "$tmp/raw_tcp" "$root/tests/tools/raw_tcp.c" \
    "$root/examples/common/tcp.c"; then
    echo 'test_examples: cannot compile tests/tools/raw_tcp.c'
    exit 1
fi
the_command_line
echoing
origins
pages
stopping
without_descriptors
broadcasting
with_tls
with_epoll
uploading
chatting_with_tls
demonstrating
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
