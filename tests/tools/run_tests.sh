#!/bin/sh
# SPDX-License-Identifier: MIT
# run_tests.sh - run tests one after the other and add up what they report.
#
#   run_tests.sh FILE...
#
# What a FILE is follows from its name:
#   check_*.sh  a static check: one test, passed when it exits with 0,
#               skipped when it exits with 77
#   *.sh        a script whose last line is "N passed, N failed"
#   fuzz_*      a fuzz entry with a replay main, given the files of
#               fuzz/corpus/<entry>/: one test
#   any other   a cmocka program; its own summary is what counts
#
# RUN, if set, runs the programs (not the scripts): an emulator and its options.
#
# A program that crashes, runs out of time, ends before its summary or runs no
# test at all has failed, whatever else it says. The last line is the total,
# "N passed, N failed"; the exit status is 0 only if something passed and
# nothing failed.
set -u

LIMIT=${TEST_SECONDS:-600} # per program: a hang, not a slow machine
: "${ASAN_OPTIONS:=detect_stack_use_after_return=1:allocator_may_return_null=1}"
: "${UBSAN_OPTIONS:=print_stacktrace=1}"
export ASAN_OPTIONS UBSAN_OPTIONS

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

total_passed=0
total_failed=0
total_skipped=0

# Standard output and error go to two files: written to one, the buffered
# stream could cut a line of the other in two.
run()
{
    if command -v timeout >/dev/null; then
        timeout -k 5 "$LIMIT" "$@"
    else
        "$@"
    fi >"$tmp/out" 2>"$tmp/err" </dev/null
    status=$?
}

# Each of the next functions sets passed, failed, skipped and, if the file
# failed in a way of its own, why.
one_test()
{
    case $status in
    0) passed=1 ;;
    *) failed=1 why="exit status $status" ;;
    esac
}

run_check()
{
    run sh "$1"
    one_test
    if [ "$status" -eq 77 ]; then
        failed=0 skipped=1 status=0 why=
        sed 's/^/    /' "$tmp/out"
    fi
}

run_replay()
{
    entry=${1##*/fuzz_}
    set -- "$1" "fuzz/corpus/$entry"/*
    if [ ! -e "$2" ]; then
        : >"$tmp/out"
        : >"$tmp/err"
        failed=1 why="fuzz/corpus/$entry is empty"
        return
    fi
    # shellcheck disable=SC2086
    run ${RUN:-} "$@"
    one_test
}

run_script()
{
    run sh "$1" "${EXAMPLES:-}"
    last=$(tail -n 1 "$tmp/out")
    if printf '%s\n' "$last" | grep -Eq '^[0-9]+ passed, [0-9]+ failed$'; then
        passed=${last%% *}
        failed=${last#*, } failed=${failed%% *}
        skipped=$(grep -c '^SKIP' "$tmp/out")
    else
        why="ended without its total"
    fi
}

# cmocka announces "N test(s) run.", then how many of them passed, failed and
# were skipped; once a group of tests.
run_cmocka()
{
    # shellcheck disable=SC2086
    run ${RUN:-} "$1"
    counts=$(cat "$tmp/out" "$tmp/err" | awk '
        /^\[=+\].* test\(s\) run\./           { run     += before("test") }
        /^\[  PASSED  \] .*test\(s\)\./       { passed  += before("test") }
        /^\[  FAILED  \] .*test\(s\), listed/ { failed  += before("test") }
        /^\[  SKIPPED \] .*test\(s\), listed/ { skipped += before("test") }
        function before(word, i) {
            for (i = 2; i <= NF; i++)
                if (index($i, word) == 1)
                    return $(i - 1)
        }
        END { print run + 0, passed + 0, failed + 0, skipped + 0 }')
    # shellcheck disable=SC2086
    set -- $counts
    passed=$2 failed=$3 skipped=$4
    if [ "$1" -eq 0 ]; then
        why="ended without a summary"
    elif [ "$1" -ne $((passed + failed + skipped)) ]; then
        why="$1 tests run, but $((passed + failed + skipped)) accounted for"
    fi
}

for file; do
    name=${file##*/}
    passed=0 failed=0 skipped=0 why='' status=0
    case $name in
    check_*.sh) run_check "$file" ;;
    *.sh)       run_script "$file" ;;
    fuzz_*)     run_replay "$file" ;;
    *)          run_cmocka "$file" ;;
    esac

    # Whatever was counted, a bad end is a failure.
    if [ -z "$why" ] && [ $((passed + failed + skipped)) -eq 0 ]; then
        why="ran no test"
    elif [ -z "$why" ] && [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
        why="exit status $status, though no test failed"
    fi
    if [ -n "$why" ]; then
        case $status in
        124 | 137) why="stopped after $LIMIT seconds" ;;
        129 | 1[3-9]?) why="killed by signal $((status - 128)); $why" ;;
        esac
        [ "$failed" -ne 0 ] || failed=1
    fi

    line="$name: $passed passed, $failed failed"
    [ "$skipped" -eq 0 ] || line="$line, $skipped skipped"
    [ -z "$why" ] || line="$line ($why)"
    if [ "$failed" -ne 0 ]; then
        echo "FAIL  $line"
        cat "$tmp/out" "$tmp/err" | sed 's/^/    /'
    else
        echo "ok    $line"
        grep -hE '^(\[  SKIPPED \]|SKIP) *[^ 0-9]' "$tmp/out" "$tmp/err" |
            sort -u | sed 's/^/    /'
    fi
    total_passed=$((total_passed + passed))
    total_failed=$((total_failed + failed))
    total_skipped=$((total_skipped + skipped))
done

[ "$total_skipped" -eq 0 ] || echo "$total_skipped skipped"
echo "$total_passed passed, $total_failed failed"
[ "$total_failed" -eq 0 ] && [ "$total_passed" -gt 0 ]
