#!/bin/sh
# SPDX-License-Identifier: MIT
# Memory of this machine, saved and loaded again, gives the same tables.
set -eu
program=$(readlink -f -- "$1")
dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT
cd "$dir"

"$program" --size 8m --save saved.txt >live.out 2>err || {
	grep -q 'nothing to save' err || exit 1
	echo "skipped: this process may not see physical addresses"
	exit 77
}
[ ! -s err ]
[ "$(stat -c %a saved.txt)" = 600 ]
grep -q '(this machine, now)' live.out
grep -q 'the kernel took .* to provide the pages' live.out
"$program" --load saved.txt >loaded.out

# The same but for where it is from and how long it took.
tables()
{
	sed -e '/ s to provide the pages/d' -e '/everything else took/d' -e 's/ ([a-z, .]*)$//' "$1"
}
tables live.out >live.tables
tables loaded.out >loaded.tables
diff live.tables loaded.tables

# An old recording is replaced whole; options choose the buffers.
"$program" --size 64k --pages base --offset 4k --save saved.txt --format json >live.json
"$program" --load saved.txt | grep -q '^base pages, entered late: 60K, 15 pages in '
[ "$(grep -c '^buffer ' saved.txt)" = 1 ]
[ "$(find . -name 'saved*' | wc -l)" = 1 ]

# A device is written as it is.
"$program" --size 4k --pages base --save /dev/stdout | grep -q '^phyr-recording 1$'
if "$program" --size 4k --pages base --save /dev/full >out 2>err; then
	exit 1
fi
grep -q '/dev/full: No space left on device' err
