#!/bin/sh
# SPDX-License-Identifier: MIT
# certs.sh - make a private CA and certificates for the wss:// cases.
#
#   certs.sh DIR
#
# DIR/ca.pem       signs server.pem (127.0.0.1, localhost; key: server.key)
#                  and elsewhere.pem (elsewhere.test; key: elsewhere.key)
# DIR/stranger.pem a CA that signed neither
set -eu

dir=$1
mkdir -p "$dir"
exec 2>"$dir/openssl.log"

# new_ca NAME: NAME.pem, self-signed, and NAME.key.
new_ca()
{
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
        -nodes -days 2 -subj "/CN=upframe interop $1" \
        -addext keyUsage=critical,keyCertSign \
        -keyout "$dir/$1.key" -out "$dir/$1.pem"
}

# new_certificate NAME HOSTS: NAME.pem, signed by ca.pem, and NAME.key.
new_certificate()
{
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
        -subj "/CN=upframe interop $1" -keyout "$dir/$1.key" \
        -out "$dir/$1.csr"
    printf 'subjectAltName=%s\nbasicConstraints=critical,CA:FALSE\n' "$2" \
        >"$dir/$1.ext"
    openssl x509 -req -days 2 -in "$dir/$1.csr" -CA "$dir/ca.pem" \
        -CAkey "$dir/ca.key" -CAcreateserial -extfile "$dir/$1.ext" \
        -out "$dir/$1.pem"
}

new_ca ca
new_ca stranger
new_certificate server DNS:localhost,IP:127.0.0.1
new_certificate elsewhere DNS:elsewhere.test
