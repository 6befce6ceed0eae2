#!/bin/sh
# SPDX-License-Identifier: MIT
# test_kernel_sets.sh - the tests that touch payload, once more on each set of
# kernels that this machine has beside its fastest, which all tests run on.
#
#   test_kernel_sets.sh [EXAMPLES]
#
# EXAMPLES is the directory of the examples in the tree of the tests
# (build/asan/examples). Ends with "N passed, N failed", all sets together.
set -u

# Relative: the path of the tree may have a blank.
programs='./test_close ./test_handshake_request ./test_http ./test_http_fields
          ./test_mask ./test_message ./test_sha1 ./test_url ./test_utf8
          ./conn/test_conn_control ./conn/test_conn_ext ./conn/test_conn_oracle
          ./conn/test_failures ./conn/test_in_place ./conn/test_limits
          ./conn/test_stream'

root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
tests=$(cd "${1:-build/asan/examples}/../tests" && pwd) || exit 1
names=$("$tests/tools/kernel_names") || exit 1
passed=0
failed=0

for set in $(printf '%s\n' "$names" | sed '$d'); do
    # shellcheck disable=SC2086
    out=$(cd "$tests" && UPF_KERNEL=$set sh "$root/tests/tools/run_tests.sh" \
        $programs)
    status=$?
    total=$(printf '%s\n' "$out" | tail -n 1)
    echo "$set: $total"
    [ "$status" -eq 0 ] || printf '%s\n' "$out"
    passed=$((passed + ${total%% *}))
    total=${total#*, }
    failed=$((failed + ${total%% *}))
done

# A machine with one set only has nothing to repeat.
[ "$passed" -gt 0 ] || [ "$failed" -gt 0 ] || passed=1
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
