#!/usr/bin/env bash
# Compares a cowdevice with the kernel's plain loop device on the same image, side by side: each job runs on both in turn,
# several rounds, and the medians and their ratio are printed as a table.
#
#   bench/loop-vs-cow.sh [ROUNDS [SECONDS]]      (5 rounds of 2 seconds)
#
# BENCH_DIR says where the images go (default /var/tmp). Read the ratios: absolute figures are this machine's at this hour.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
rounds=${1:-5}
seconds=${2:-2}
size_mib=1024

[ "$(id -u)" -eq 0 ] || { echo "run it as root: it makes block devices" >&2; exit 1; }
for tool in fio jq losetup; do
	command -v $tool >/dev/null || { echo "$tool is missing: apt-get install fio jq mount" >&2; exit 1; }
done
work=$(mktemp -d "${BENCH_DIR:-/var/tmp}/cowloop-bench.XXXXXX")
export COWLOOP_RUN_DIR=$work/run COWLOOP_DEV_DIR=/dev/cowbench.$$
raw= cow=
cleanup() {
	[ -z "$raw" ] || losetup -d "$raw"
	[ -z "$cow" ] || "$here/bin/cowdev" -d "$cow"
	"$here/bin/cowloop" unload || true
	rmdir "$COWLOOP_DEV_DIR" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT

head -c "${size_mib}M" /dev/urandom >"$work/base.img"
cp "$work/base.img" "$work/raw.img"
raw=$(losetup -f --show "$work/raw.img")
cow=$("$here/bin/cowdev" -a "$work/base.img" "$work/my.cow")

# name  readwrite  block  depth  further fio options
jobs='
randread-4k-q1    randread  4k 1
randread-4k-q32   randread  4k 32
read-1m-q4        read      1m 4
first-write-1m-q4 write     1m 4  --loops=1
write-1m-q4       write     1m 4
randwrite-4k-q1   randwrite 4k 1
randwrite-4k-q32  randwrite 4k 32
fsync32-4k        randwrite 4k 1  --fsync=32
'

# Prints IOPS, or MiB/s for large blocks. The page cache is warm and in the same state before each job: dropped and read
# again, because the size of earlier writes decides the size of its pages, and that the speed of small rewrites.
measure() { # device file job rw bs depth options...
	local device=$1 file=$2 rw=$4 bs=$5 depth=$6 runtime
	shift 6
	sync
	echo 3 >/proc/sys/vm/drop_caches
	cat "$work/base.img" "$file" >/dev/null
	case "$*" in
	*--loops*) runtime= ;;
	*) runtime="--time_based --runtime=${seconds}s" ;;
	esac
	# shellcheck disable=SC2086
	fio --name=j --filename="$device" --direct=1 --ioengine=libaio --rw="$rw" --bs="$bs" --iodepth="$depth" \
		--size=${size_mib}m --randrepeat=0 --norandommap --output-format=json $runtime "$@" |
		jq -r --arg bs "$bs" '.jobs[0] | (if .read.io_bytes > 0 then .read else .write end) | if $bs == "1m" then .bw / 1024 else .iops end'
}

for ((round = 1; round <= rounds; round++)); do
	while read -r name rw bs depth options; do
		[ -n "$name" ] || continue
		if [ "$name" = first-write-1m-q4 ]; then
			# A fresh cowfile; the raw image is allocated already, which flatters the loop device.
			"$here/bin/cowdev" -d "$cow"
			rm "$work/my.cow"
			cow=$("$here/bin/cowdev" -a "$work/base.img" "$work/my.cow")
		fi
		order="raw cow"
		[ $((RANDOM % 2)) -eq 0 ] || order="cow raw"
		for target in $order; do
			if [ $target = raw ]; then
				device=$raw file=$work/raw.img
			else
				device=$cow file=$work/my.cow
			fi
			# shellcheck disable=SC2086
			echo "$name $target $(measure "$device" "$file" "$name" "$rw" "$bs" "$depth" $options)" >>"$work/results"
		done
	done <<<"$jobs"
	echo "round $round of $rounds done" >&2
done

median() { # name target
	awk -v n="$1" -v t="$2" '$1 == n && $2 == t {print $3}' "$work/results" | sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'
}
echo "Kernel $(uname -r), $(nproc) CPUs, $rounds rounds of ${seconds} s, medians; 4k in IOPS, 1m in MiB/s."
echo
echo "| job | loop on raw file | cowdevice | ratio |"
echo "| --- | ---: | ---: | ---: |"
while read -r name _; do
	[ -n "$name" ] || continue
	awk -v n="$name" -v r="$(median "$name" raw)" -v c="$(median "$name" cow)" 'BEGIN {printf "| %s | %.0f | %.0f | %.2f |\n", n, r, c, c / r}'
done <<<"$jobs"
