#!/bin/sh
# SPDX-License-Identifier: MIT
# Does every C and C++ file look as .clang-format says? Skipped (77) without clang-format 14, whose
# answer is the one that counts: other versions break lines elsewhere.
set -eu

cd "$(dirname -- "$(readlink -f -- "$0")")/../.."

for formatter in clang-format-14 clang-format; do
	case $("$formatter" --version 2>/dev/null) in
	*version\ 14.*)
		find bench fuzz include sim src tests \
			-type f '(' -name '*.c' -o -name '*.h' -o -name '*.cc' ')' \
			-exec "$formatter" --dry-run -Werror {} +
		exit
		;;
	esac
done
echo "clang-format 14 is not installed"
exit 77
