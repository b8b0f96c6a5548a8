#!/bin/sh
# SPDX-License-Identifier: MIT
# Without CAP_SYS_ADMIN: one line says so, and the shipped recordings are shown.
set -eu
program=$(readlink -f -- "$1")
dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT
cd "$dir"

as_nobody=
if [ "$(id -u)" = 0 ]; then
	as_nobody='setpriv --bounding-set -sys_admin --inh-caps -sys_admin'
	$as_nobody true 2>/dev/null || {
		echo "skipped: setpriv cannot drop CAP_SYS_ADMIN here"
		exit 77
	}
fi

$as_nobody "$program" >out 2>err
[ "$(wc -l <err)" = 1 ]
grep -q 'no physical addresses without CAP_SYS_ADMIN: showing recordings instead$' err
[ "$(grep -c '(a recording that comes with the program)' out)" = 4 ]
grep -q '^base pages, fragmented memory: 100M, 25600 pages in 25438 runs' out

$as_nobody "$program" --size 1m >out 2>err
grep -q '(--size, --pages and --offset do not apply)' err

if $as_nobody "$program" --save x.txt >out 2>err; then
	exit 1
fi
grep -q -- '--save: this process may not see physical addresses' err
[ ! -e x.txt ]
