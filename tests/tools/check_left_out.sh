#!/bin/sh
# SPDX-License-Identifier: MIT
# check_left_out.sh - `make examples` says what it left out, and what brings it.
#
# A compiler that does not find a header stands for a machine without the
# package. Nothing is built.
set -u

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
bad=0

cat >"$tmp/cc" <<'EOF'
#!/bin/sh
case $* in
*'-E -')
    asked=$(cat)
    case $asked in *openssl*) [ -z "$NO_TLS" ] || exit 1 ;; esac
    case $asked in *hiredis*) [ -z "$NO_REDIS" ] || exit 1 ;; esac
    case $asked in *openssl* | *hiredis*) exit 0 ;; esac
    echo "$asked" | cc "$@" ;;
*)  exec cc "$@" ;;
esac
EOF
chmod +x "$tmp/cc"

# says NO_TLS NO_REDIS: what the last line of `make examples` would print.
says()
{
    MAKEFLAGS='' TLS='' REDIS='' NO_TLS=$1 NO_REDIS=$2 make -n \
        CC="$tmp/cc" BUILD="$tmp/build" examples >"$tmp/commands" 2>&1 ||
        cat "$tmp/commands"
    grep "^echo '  (without" "$tmp/commands" | sh
    grep -q 'redis_feed' "$tmp/commands" && echo 'redis is built'
}

# expect SAID TEXT: the line, whole.
expect()
{
    [ "$1" = "$2" ] && return
    printf 'it says:\n%s\nand should say:\n%s\n' "$1" "$2"
    bad=1
}

tls='  (without OpenSSL: no wss://; apt-get install libssl-dev)'
redis='  (without hiredis: broadcast_server has no --redis; apt-get install libhiredis-dev)'
expect "$(says '' '')" 'redis is built'
expect "$(says 1 '')" "$tls
redis is built"
expect "$(says '' 1)" "$redis"
expect "$(says 1 1)" "$tls
$redis"

[ "$bad" -eq 0 ] && echo 'what is left out is said, in 4 cases'
exit "$bad"
