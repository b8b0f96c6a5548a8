#!/bin/sh
# SPDX-License-Identifier: MIT
# Wrong calls: a message that names what is wrong, exit status 2 for misuse and 1 for failure,
# nothing on standard output, nothing half-written.
set -u
program=$(readlink -f -- "$1")
dir=$(mktemp -d) || exit 1
trap 'rm -rf -- "$dir"' EXIT
cd "$dir" || exit 1
failed=0

# refuse STATUS TEXT ARGUMENT…: the call ends so, and says this.
refuse()
{
	status=$1 text=$2
	shift 2
	"$program" "$@" >out 2>err
	got=$?
	if [ "$got" != "$status" ] || [ -s out ] || ! grep -qF -e "$text" err; then
		printf 'phyrsim %s: status %s, expected %s and "%s", said:\n' "$*" "$got" \
			"$status" "$text"
		cat out err
		failed=1
	fi
}

recording()
{
	printf "$1" >"$2"
}

refuse 2 "--size: there is nothing to look at in 0 bytes" --size 0
refuse 2 "--size: '18446744073709551616' is too large" --size 18446744073709551616
refuse 2 "--size: '16777216T' is too large" --size 16777216T
refuse 2 "--size: '5000' is not a multiple of 4096" --size 5000
refuse 2 "--size: '1x' has an unknown unit" --size 1x
refuse 2 "--size: '1.5g' has an unknown unit" --size 1.5g
refuse 2 "--size: '-4k' is not a size" --size=-4k
refuse 2 "--size: '' is not a size" --size=
refuse 2 "--offset: '100' is not a multiple of 4096" --offset 100
refuse 2 "--offset: leaves nothing of the 100M" --offset 100m
refuse 2 "--offset: leaves nothing of the --size" --size 4k --offset 4k
refuse 2 "--pages: 'huge' is neither" --pages huge
refuse 2 "--format: 'xml' is neither" --format xml
refuse 2 "--device-sizes: a size in '4k,5m' is not a power of two" --device-sizes 4k,5m
refuse 2 "--device-sizes: a size in '4k,' is not a size" --device-sizes 4k,
refuse 2 "--load: the name of the file is empty" --load ''
refuse 2 "--size: cannot change a recording" --load x --size 1m
refuse 2 "--offset: cannot change a recording" --load x --offset 4k
refuse 2 "--pages: cannot change a recording" --load x --pages thp
refuse 2 "--pin: 'hard' is neither 'snapshot', 'locked' nor 'pinned'" --pin hard
refuse 2 "--pin: cannot change a recording" --load x --pin locked
refuse 2 "--pid: cannot change a recording" --load x --pid 1
refuse 2 "--pid: 'init' is not a number" --pid init
refuse 2 "--pid: '1x' is not a number" --pid 1x
refuse 2 "--pid: '4294967296' is too large" --pid 4294967296
refuse 2 "--pid: there is no process 0" --pid 0
refuse 2 "--pid: needs --va and --size" --pid 1
refuse 2 "--pid: needs --va and --size" --pid 1 --va 0x1000
refuse 2 "--va: an address of which process?" --va 0x1000
refuse 2 "--va: '0x' is not a number" --va 0x
refuse 2 "--va: '0x10000000000000000' is not a number" --va 0x10000000000000000
refuse 2 "--pages: cannot change another process's memory" --pid 1 --va 0 --size 4k --pages thp
refuse 2 "--pin: of another process's memory (--pid) only" --pid 1 --va 0 --size 4k --pin locked
refuse 2 "'extra': there is no such command" extra
refuse 2 "'extra': there are no arguments" --size 4k extra
refuse 2 "phyrsim: --fragment: there is no such option" --fragment 1m

refuse 2 "--save: where to?" record
refuse 2 "--save: the name of the file is empty" record --save ''
refuse 2 "phyrsim: --load: there is no such option" record --load x
refuse 2 "'extra': there are no arguments" record --save x extra
refuse 2 "--fragment: '12q' has an unknown unit" record --save x --fragment 12q
refuse 2 "--fragment: '5000' is not a multiple of 4096" record --save x --fragment 5000
refuse 2 "--fragment: '81%' is more than 80 %" record --save x --fragment 81%
refuse 2 "--fragment: there is nothing to fragment in '0%'" record --save x --fragment 0%
refuse 2 "--fragment: there is nothing to fragment in '0'" record --save x --fragment 0
refuse 2 "--fragment: cannot change another process's memory" \
	record --save x --pid 1 --va 0 --size 4k --fragment 1m
refuse 2 "--title: is not one line" record --save x --title ''
refuse 2 "--title: is not one line" record --save x --title 'blank at the end '
refuse 2 "phyrsim: --bogus: there is no such option" --bogus
refuse 2 "phyrsim: --size: needs a value" --size
refuse 2 "phyrsim: --help=x: there is no such option, or it takes no value" --help=x
refuse 1 "--size: is more than the" --size 4000t

refuse 2 "--size: there is nothing to map in 0 bytes" cases --size 0
refuse 2 "--size: is more than 4G" cases --size 4100m
refuse 2 "--size: '5000' is not a multiple of 4096" cases --size 5000
refuse 2 "--format: 'csv' is neither 'text' nor 'json'" cases --format csv
refuse 2 "phyrsim: --load: there is no such option" cases --load x
refuse 2 "'extra': there are no arguments" cases extra

refuse 1 "nowhere.txt: No such file" --load nowhere.txt
refuse 1 ".: Is a directory" --load .
recording 'hello\n' foreign.txt
refuse 1 "foreign.txt:1: " --load foreign.txt
recording '' empty.txt
refuse 1 "empty.txt:" --load empty.txt
recording 'phyr-recording 99\n' later.txt
refuse 1 "later.txt:1: " --load later.txt
recording 'phyr-recording 1\nbuffer x\nruns 2\n0x1000 0x1000 system\n' cut.txt
refuse 1 "cut.txt:" --load cut.txt
recording 'phyr-recording 1\nbuffer x\nruns 1\n0x1000 0 system\nend\n' zero.txt
refuse 1 "zero.txt:4: " --load zero.txt
recording 'phyr-recording 1\nbuffer x\nruns 1\n0xfffffffffffff000 0x2000 system\nend\n' wrap.txt
refuse 1 "wrap.txt:4: " --load wrap.txt
recording 'phyr-recording 1\nbuffer x\nruns 1\n0x1000 0x1000 cheese\nend\n' kind.txt
refuse 1 "kind.txt:4: " --load kind.txt

refuse 1 "no/such/dir/x: No such file" --size 4k --pages base --save no/such/dir/x
[ "$(find . -name 'x*' | wc -l)" = 0 ] || failed=1

# Standard output that cannot be written.
recording 'phyr-recording 1\nbuffer x\nruns 1\n0x1000 0x1000 system\nend\n' good.txt
if "$program" --load good.txt >/dev/full 2>err || [ $? != 1 ] ||
	! grep -q "standard output cannot be written" err; then
	echo "a full standard output is not noticed"
	failed=1
fi
exit $failed
