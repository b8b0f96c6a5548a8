#!/bin/sh
# SPDX-License-Identifier: MIT
# Does the core build with nothing but a compiler, and does it need nothing but four functions?
#
# usage: freestanding.sh CC [ARG…] -- SOURCE…
#
# CC and its ARGs are a gcc or clang, for any target. The SOURCEs are compiled with the headers that
# come with the compiler and tests/freestanding/string.h, and linked with one another and with the
# compiler's own runtime (64-bit division on 32-bit hosts): no other symbol may be missing.
set -eu

tests=$(dirname -- "$(dirname -- "$(readlink -f -- "$0")")")
needed='memcmp memcpy memmove memset'

cc=
while [ "${1---}" != -- ]; do
	cc="$cc $1"
	shift
done
if [ -z "$cc" ] || [ $# -lt 2 ]; then
	sed -n 's/^# usage: /usage: /p' "$0" >&2
	exit 2
fi
shift

objects=$(mktemp -d)
trap 'rm -rf -- "$objects"' EXIT

# build CHECKS SOURCE…: compiles and links; prints what is missing beyond the needed functions.
build()
{
	checks=$1
	shift
	rm -f -- "$objects"/*
	for source; do
		# Names repeat from one directory to another.
		object=$objects/$(printf '%s' "$source" | tr / -).o
		# shellcheck disable=SC2086 # $cc is several words.
		$cc -std=c11 -O2 -Wall -Wextra -Werror -DPHYR_CHECKS="$checks" \
			-ffreestanding -fno-pic -fno-stack-protector -nostdinc \
			-isystem "$($cc -print-file-name=include)" -isystem "$tests/freestanding" \
			-I "$tests/../include" -c "$source" -o "$object"
	done
	# shellcheck disable=SC2086
	$cc -nostdlib -r -o "$objects/core" "$objects"/*.o -lgcc
	# shellcheck disable=SC2086
	"$($cc -print-prog-name=nm)" -u "$objects/core" | while read -r _ symbol; do
		case " $needed " in
		*" $symbol "*) ;;
		*) printf '%s ' "$symbol" ;;
		esac
	done
}

for checks in 0 2; do
	missing=$(build "$checks" "$@")
	if [ -n "$missing" ]; then
		echo "the core needs more than $needed: $missing"
		exit 1
	fi
done
echo "the core needs nothing but $needed"
