#!/bin/sh
# SPDX-License-Identifier: MIT
# guide_block.sh - print one block of C of a document, as a reader copies it.
#
#   guide_block.sh DOCUMENT NAME
#
# It is the block fenced with ```c that begins with the comment "/* NAME:", such
# as "/* server.c: ...". There is exactly one, or nothing is printed.
set -u

awk -v name="$2" '
/^```/ && inside        { inside = 0; next }
/^```c$/                { inside = 1; first = 1; next }
/^```/                  { inside = 1; mine = 0; next }
inside && first         { mine = index($0, "/* " name ":") == 1; found += mine }
inside                  { first = 0 }
inside && mine          { text = text $0 "\n" }
END {
    if (found != 1) {
        print FILENAME ": " found + 0 " blocks begin with /* " name ": */" \
            >"/dev/stderr"
        exit 1
    }
    printf "%s", text
}' "$1"
