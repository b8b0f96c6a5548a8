#!/bin/sh
# SPDX-License-Identifier: MIT
# The README's example prints what the README says.
set -eu
program=$1
readme=$2/README.md

sed -n '/^prints$/,/^Build/{/^```/,/^```/{//!p;};}' "$readme" >readme.expected
"$program" >readme.out
diff readme.expected readme.out
