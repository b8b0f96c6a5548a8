#!/bin/sh
# SPDX-License-Identifier: MIT
# explain-region says, to the letter, what keeps a page size from being larger.
set -eu
program=$(readlink -f -- "$1")
cd "$2"
dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT

explain()
{
	printf '$ phyrsim explain-region %s\n' "$*"
	"$program" explain-region "$@"
}

{
	explain --load tests/cli/recordings/contiguous-100m.txt
	explain --load tests/cli/recordings/contiguous-100m.txt --covering
	explain --load tests/cli/recordings/late-4m.txt --name zero
	explain --load tests/cli/recordings/late-4m.txt --covering --device-sizes 4K,2M
	explain --load sim/recordings/thp.txt
} >"$dir/explain.out" 2>"$dir/err"
[ ! -s "$dir/err" ]
diff tests/cli/explain.out "$dir/explain.out"

"$program" explain-region --help | grep -q '^Usage: phyrsim explain-region '
refuse()
{
	! "$program" explain-region "$@" >"$dir/out" 2>"$dir/err" && [ ! -s "$dir/out" ]
}
refuse --name iova && grep -q "^phyrsim: --name: 'iova'" "$dir/err"
refuse --save x && grep -q '^phyrsim: --save: there is no such option' "$dir/err"
refuse --load x --size 4k && grep -q '^phyrsim: --size: cannot change a recording' "$dir/err"
refuse --load nowhere.txt && grep -q 'nowhere.txt: No such file' "$dir/err"
! "$program" explain-region --load sim/recordings/thp.txt >/dev/full 2>"$dir/err"
grep -q 'standard output cannot be written' "$dir/err"
