#!/bin/sh
# SPDX-License-Identifier: MIT
# What the program prints for recordings, to the letter; the shipped ones load and are what their
# names say; help and version.
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
	"$program" "$@" >"$dir/$name.out" 2>"$dir/err"
	[ ! -s "$dir/err" ]
	diff "tests/cli/$name.out" "$dir/$name.out"
}

show contiguous-100m --load tests/cli/recordings/contiguous-100m.txt
show late-4m --load tests/cli/recordings/late-4m.txt --device-sizes 4K,1MiB,2m
show late-4m-json --load tests/cli/recordings/late-4m.txt --format json
show shipped --load sim/recordings/base-fresh.txt
for name in base-fragmented thp; do
	"$program" --load "sim/recordings/$name.txt" >"$dir/$name"
done
grep -q 'fragmented memory: 100M, 25600 pages in 25438 runs' "$dir/base-fragmented"
grep -q 'transparent huge pages: 100M, 25600 pages in 50 runs' "$dir/thp"
grep -q 'entered 4 KiB late: 102396K, 25599 pages in 50 runs' "$dir/thp"

# A file that is no regular one is read to its end as well.
"$program" --load /dev/stdin <tests/cli/recordings/contiguous-100m.txt |
	grep -q '100M, 25600 pages in 1 run '

"$program" --help | grep -q '^Usage: phyrsim '
[ "$("$program" --version)" = "phyrsim $(sed -n 's/^#define PHYR_VERSION_[A-Z]* //p' \
	include/phyr/version.h | paste -sd. -)" ]
