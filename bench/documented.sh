#!/bin/sh
# SPDX-License-Identifier: MIT
# Is every line that a program prints of recordings in a document, as it stands?
#
# usage: documented.sh PROGRAM DOCUMENT RECORDING…
set -eu

program=$(readlink -f -- "$1")
document=$2
shift 2
cd "$(dirname -- "$(readlink -f -- "$0")")/../sim/recordings"
table=$("$program" "$@")
missing=$(printf '%s\n' "$table" | grep -Fxv -f "../../docs/$document") || :
if [ -n "$missing" ]; then
	printf 'not in docs/%s:\n%s\n' "$document" "$missing"
	exit 1
fi
echo "docs/$document has what $(basename -- "$program") prints"
