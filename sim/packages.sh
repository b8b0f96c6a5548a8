# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What has to be there before anything can be built: packages, and a build directory that fits the
# tree. Sourced by sim/quickstart and tests/run, so that both do it the same way; they set $top.
#
# Everything is said on standard error: standard output belongs to the program that is run, and
# standard input too.

say()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die()
{
	say "$@"
	exit 1
}

# quietly COMMAND…: shows what it prints only when it fails, without ninja's progress lines.
quietly()
{
	quiet_output=$("$@" 2>&1 </dev/null) && return
	quiet_status=$?
	printf '%s\n' "$quiet_output" | grep -v '^\[[0-9]*/[0-9]*\] ' >&2
	return "$quiet_status"
}

# Is what a package is needed for there, although the package is not (another system, a tool of
# one's own)? Where packages are Debian's, headers without a pkg-config file must come from them.
package_elsewhere()
{
	case $1 in
	libjansson-dev) pkg-config --exists jansson 2>/dev/null ;;
	libcmocka-dev) pkg-config --exists cmocka 2>/dev/null ;;
	libbenchmark-dev) pkg-config --exists benchmark 2>/dev/null ;;
	ninja-build) command -v ninja >/dev/null ;;
	lib*) ! command -v dpkg-query >/dev/null ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

# packages_missing NAME…: prints those that are not there; one call of dpkg-query for all.
packages_missing()
{
	# It fails when it does not know a name; what it prints is right all the same.
	installed=$(dpkg-query -W -f '<${db:Status-Status} ${Package}>' "$@" 2>/dev/null) || :
	for package; do
		case $installed in
		*"<installed $package>"*) ;;
		*) package_elsewhere "$package" || printf '%s ' "$package" ;;
		esac
	done
}

apt()
{
	$as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" </dev/null >&2
}

apt_lists_missing()
{
	set -- /var/lib/apt/lists/*_Packages*
	[ ! -e "$1" ]
}

# packages_need NAME…: installs what is missing; where it cannot, says what to run and ends.
packages_need()
{
	missing=$(packages_missing "$@")
	missing=${missing% }
	[ -n "$missing" ] || return 0
	say "missing packages: $missing"
	if ! command -v apt-get >/dev/null || [ ! -e /etc/debian_version ]; then
		die "not a Debian system: install what these Debian packages hold, then try again"
	fi
	as_root=
	by_hand="apt-get update && apt-get install -y --no-install-recommends $missing"
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || die "no root and no sudo; as root, run: $by_hand"
		as_root=sudo
		by_hand="sudo apt-get update && sudo ${by_hand#*&& }"
	fi
	say "installing them"
	updated=
	if apt_lists_missing; then
		updated=yes
		apt update || :
	fi
	# The names are words of our own, without blanks.
	# shellcheck disable=SC2086
	apt install $missing || { [ -z "$updated" ] && apt update && apt install $missing; } ||
		die "cannot install them; run: $by_hand"
}

# build_usable DIR: was it configured to the end, for this tree where it is now?
build_usable()
{
	# shellcheck disable=SC2154 # $top is the caller's.
	[ -e "$1/build.ninja" ] && python3 - "$1" "$top" 2>/dev/null <<-'END'
		import json, sys
		info = json.load(open(sys.argv[1] + "/meson-info/meson-info.json"))
		source, build = info["directories"]["source"], info["directories"]["build"]
		sys.exit([source, build] != [sys.argv[2], sys.argv[1]])
	END
}

# build_configure DIR OPTION…: keeps what is built when the directory is usable, else starts afresh.
build_configure()
{
	build_dir=$1
	shift
	if build_usable "$build_dir" && meson setup --reconfigure "$@" "$build_dir" "$top"; then
		return
	fi
	# What is not a build directory of Meson's is not ours to remove.
	if [ -d "$build_dir" ] && [ ! -e "$build_dir/meson-private" ] &&
		[ -n "$(ls -A "$build_dir")" ]; then
		echo "$build_dir is in the way: it is no build directory" >&2
		return 1
	fi
	rm -rf -- "$build_dir" && meson setup "$@" "$build_dir" "$top"
}
