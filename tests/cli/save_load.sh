#!/bin/sh
# SPDX-License-Identifier: MIT
# A recording becomes the other form and back, or loses its places; memory of this machine, saved
# and loaded again, gives the same tables.
set -eu
program=$(readlink -f -- "$1")
recordings=$(readlink -f -- "$2")/sim/recordings
dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT
cd "$dir"

# A text (a comment in it is nobody's), packed and unpacked, is the same, and so are its tables.
"$program" --load "$recordings/thp.txt" --save thp.phyr >text.out
[ "$(stat -c %a thp.phyr)" = 600 ]
[ "$(wc -c <thp.phyr)" -lt 2000 ]
"$program" --load thp.phyr --save thp.txt | sed 's/ (thp.phyr)$//' >binary.tables
grep -v '^#' "$recordings/thp.txt" | diff - thp.txt
sed 's/ ([^ ]*thp.txt)$//' text.out | diff - binary.tables

# Without its places it is another recording with the same tables.
"$program" --load thp.phyr --save hidden.phyr --anonymise | sed 's/ (thp.phyr)$//' |
	diff - binary.tables
"$program" --load hidden.phyr --save hidden.txt | sed 's/ (hidden.phyr)$//' |
	diff - binary.tables
if cmp -s thp.txt hidden.txt; then
	exit 1
fi
grep -q '^0x15f800000 ' thp.txt
grep -q '^0x11f800000 ' hidden.txt # at 4 GiB, and as far into its GiB as before
[ "$(grep -c ' system$' hidden.txt)" = "$(grep -c ' system$' thp.txt)" ]
if "$program" --load thp.phyr --anonymise >out 2>err || [ $? != 2 ]; then
	exit 1
fi
grep -q -- '--anonymise: is for what is kept (--save)' err

# Damage is named by its place.
head -c 500 thp.phyr >cut.phyr
if "$program" --load cut.phyr >out 2>err || [ $? != 1 ]; then
	exit 1
fi
grep -q 'cut.phyr: byte 500: cut short' err

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
