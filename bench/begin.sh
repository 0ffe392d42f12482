# Sourced by the scripts here.
#
# begin PACKAGES PROGRAM...: makes sure of root and of the programs, which the Debian packages have; then a directory of its own to work in ($work), and
# our programs first in the PATH, with a service of its own. At the end all of it goes, after what the script's function before_end does, if it has one.
begin() {
	local packages=$1 program
	shift
	[ "$(id -u)" -eq 0 ] || { echo "run it as root: it makes block devices" >&2; exit 1; }
	for program in "$@"; do
		command -v "$program" >/dev/null || { echo "$program is missing: apt-get install $packages" >&2; exit 1; }
	done
	PATH=$(cd "$(dirname "${BASH_SOURCE[0]}")/../bin" && pwd):$PATH
	work=$(mktemp -d "${BENCH_DIR:-/var/tmp}/cowloop-bench.XXXXXX")
	export COWLOOP_RUN_DIR=$work/run COWLOOP_DEV_DIR=/dev/cowbench.$$
	trap end EXIT
	cd "$work"
}

end() {
	if declare -F before_end >/dev/null; then
		before_end
	fi
	cowloop unload >/dev/null 2>&1 || true
	# What a service that was killed has left.
	umount -l "$COWLOOP_RUN_DIR/status" 2>/dev/null || true
	rmdir "$COWLOOP_DEV_DIR" 2>/dev/null || true
	cd /
	rm -rf "$work"
}
