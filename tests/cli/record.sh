#!/bin/sh
# SPDX-License-Identifier: MIT
# phyrsim record: recordings of this machine can be made again, of fragmented memory too, of other
# processes, and held in every way; the line that it prints says what the recording is.
set -eu
program=$(readlink -f -- "$1")
dir=$(mktemp -d)
child=
trap '[ -z "$child" ] || kill "$child"; rm -rf -- "$dir"' EXIT
cd "$dir"

"$program" record --help | grep -q '^Usage: phyrsim record '
"$program" record --size 1m --save first.txt >out 2>err || {
	grep -q 'no physical addresses without CAP_SYS_ADMIN' err || exit 1
	[ ! -e first.txt ]
	echo "skipped: this process may not see physical addresses"
	exit 77
}
grep -q '^base pages: 1024K in [0-9]* runs (this machine, now; [0-9]* pages* moved)$' out
[ "$(stat -c %a first.txt)" = 600 ]
[ "$(grep -c '^buffer ' first.txt)" = 1 ]

# What was recorded is what the tables show.
"$program" record --size 1m --fragment 64m --save frag.txt >out
runs=$(sed -n 's/^base pages, fragmented memory: 1024K in \([0-9]*\) runs .*/\1/p' out)
"$program" --load frag.txt | grep -q "^base pages, fragmented memory: 1M, 256 pages in $runs runs"
"$program" record --size 64k --fragment 1% --title 'of my own' --save frag.txt >out
grep -q '^of my own: 64K in ' out
grep -q '^buffer of my own$' frag.txt
if "$program" record --fragment 1000t --save big.txt 2>err; then
	exit 1
fi
grep -q -- '--fragment: is more than 80 % of the [0-9]* MiB that are available' err
[ ! -e big.txt ]

"$program" record --size 4m --pages thp --offset 8k --save thp.txt >out
grep -q '^transparent huge pages, entered late: 4088K in ' out
"$program" record --size 3m --pages hugetlb --save huge.txt >out 2>err || {
	grep -qE 'reserved \(enough: sysctl vm.nr_hugepages=[0-9]+\)|no huge pages of 2M' err
	[ ! -e huge.txt ]
	echo "reserved huge pages were not tried: $(cat err)"
}

# Held: so says the line, or why not; never anything weaker.
for state in locked pinned; do
	if "$program" record --size 64k --pin $state --save $state.txt >out 2>err; then
		grep -q "(this machine, now, $state; " out
	else
		grep -q '^phyrsim: --pin: ' err
		[ ! -e $state.txt ]
		echo "$state memory was not tried: $(cat err)"
	fi
done

# Another process: the top page of its stack; and where it has nothing.
sleep 60 &
child=$!
while ! grep -q sleep "/proc/$child/comm"; do :; done
top=$(sed -n 's/^[0-9a-f]*-\([0-9a-f]*\) .*\[stack\]$/\1/p' "/proc/$child/maps")
va=$(printf '0x%x' $((0x$top - 4096)))
"$program" record --pid "$child" --va "$va" --size 4k --save child.txt >out
grep -q "^process $child at $va: 4K in 1 run (another process, now; 0 pages moved)$" out
grep -q "^va $va$" child.txt
"$program" --pid "$child" --va "$va" --size 4k --save shown.txt |
	grep -q "^process $child at $va: 4K, 1 page in 1 run (another process, now)$"
diff child.txt shown.txt
if "$program" --pid "$child" --va 0x10000 --size 8k >out 2>err; then
	exit 1
fi
[ ! -s out ]
grep -q '^phyrsim: --pid: no page is at 0x10000: ' err
kill "$child"
wait "$child" || :
if "$program" record --pid "$child" --va "$va" --size 4k --save gone.txt 2>err; then
	exit 1
fi
child=
grep -q -- '--pid: opening the page map: No such process' err
[ ! -e gone.txt ]
