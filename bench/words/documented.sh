#!/bin/sh
# SPDX-License-Identifier: MIT
# Is every line that words_table prints in docs/performance.md, as it stands?
#
# usage: documented.sh PROGRAM
set -eu

top=$(dirname -- "$(readlink -f -- "$0")")/../..
table=$("$1" "$top/sim/recordings/base-fragmented.txt" "$top/sim/recordings/base-fresh.txt" \
	"$top/sim/recordings/thp.txt")
missing=$(printf '%s\n' "$table" | grep -Fxv -f "$top/docs/performance.md") || :
if [ -n "$missing" ]; then
	printf 'not in docs/performance.md:\n%s\n' "$missing"
	exit 1
fi
echo "docs/performance.md has what words_table prints"
