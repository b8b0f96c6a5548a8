#!/bin/sh
# SPDX-License-Identifier: MIT
# phyrsim cases, to the letter: the memory is made up, so the numbers are the same everywhere.
set -eu
program=$(readlink -f -- "$1")
cd "$2"
dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT

# show NAME ARGUMENT…: prints what tests/cli/NAME.out holds.
show()
{
	name=$1
	shift
	"$program" cases "$@" >"$dir/$name.out" 2>"$dir/err"
	[ ! -s "$dir/err" ]
	diff "tests/cli/$name.out" "$dir/$name.out"
}

show cases-2m --size 2M
show cases-8k-json --size 8k --format json

# 4 MiB by default: pages of 4K and of 2M, and both.
"$program" cases >"$dir/default"
[ "$(grep -c '^pages of ' "$dir/default")" = 3 ]
grep -q '^pages of 2M and 4K: 4M in 513 runs$' "$dir/default"

"$program" cases --help | grep -q '^Usage: phyrsim cases '
if "$program" cases --size 8k >/dev/full 2>"$dir/err" || [ $? != 1 ]; then
	exit 1
fi
grep -q 'standard output cannot be written' "$dir/err"
