#!/usr/bin/env bash
# What the size of a base costs: activation, memory and the offline tools, with a huge base beside a small one.
#
#   bench/size.sh [GIB]      (10 GiB of changes on a base of 1 TiB)
#
# A base is one hole with 64 MiB of data at its start. On a disk with less space than the changes need, and 2 GiB more, each stretch of 1 MiB of them is one
# block of 1 KiB, which is as much for the bitmap to tell and is said.
set -euo pipefail
# shellcheck source=bench/begin.sh
. "$(dirname "$0")/begin.sh"
latency=$(realpath "$(dirname "$0")")/latency.py
changes=${1:-10}

begin "python3 jq fio util-linux xfsprogs" python3 jq fio truncate mkfs.xfs mount

before_end() {
	cowloop unload >/dev/null 2>&1 || true
	cd /
	umount "$work/large" 2>/dev/null || true
}

private() { awk '/^RssAnon/ {print $2}' "/proc/$service/status"; }
milliseconds() { # command: the median of five runs
	for ((run = 0; run < 5; run++)); do
		start=$(date +%s%N)
		"$@" >/dev/null
		echo $((($(date +%s%N) - start) / 1000))
	done | sort -n | awk '{v[NR] = $1} END {printf "%.0f ms", v[3] / 1000}'
}
base() { # size: base.img
	rm -f base.img
	truncate -s "$1" base.img
	head -c 64M /dev/urandom | dd of=base.img bs=1M conv=notrunc status=none
	rm -f -- *.cow
}
measure() { # title
	local before
	cowloop load
	service=$(cowloop status --json | jq .processId)
	# A device of another base first, so that the runtime has what it needs.
	cowloop attach ../small.img ../small.cow --number 9 >/dev/null
	before=$(private)
	echo "$1: first activation $("$latency" activate 0 1 | sed 's/,.*//; s/p50 //'), $((($(private) - before))) KiB more;" \
		"$("$latency" deactivate 0 1 | sed 's/,.*//; s/p50 /deactivation /');" \
		"again $("$latency" activate 0 1 | sed 's/,.*//; s/p50 //');" \
		"$(stat -c %b 0.cow | awk '{printf "%.1f MiB on disk", $1 / 2048}')"
	"$latency" deactivate 0 1 >/dev/null
	cowloop unload
	rm -f ../small.cow
	echo "    info $(milliseconds cowloop info 0.cow), check $(milliseconds cowloop check 0.cow), cowlist $(milliseconds cowlist 0.cow)"
}

truncate -s 1G "$work/small.img"
printf 'data' | dd of="$work/small.img" conv=notrunc status=none
# ext4 ends at 16 TiB with its usual blocks, and a cowfile is longer than its base.
truncate -s 64G "$work/large.xfs"
mkfs.xfs -q "$work/large.xfs"
mkdir "$work/large"
mount -o loop "$work/large.xfs" "$work/large"
cd "$work/large"

echo "Kernel $(uname -r), $(nproc) CPUs, xfs on a loop device."
for size in 1G 1T 4095G 15T; do
	base "$size"
	measure "$size base, nothing changed, classic"
	rm -f 0.cow
	cowloop create --store compact base.img 0.cow >/dev/null
	measure "$size base, nothing changed, compact"
done

free=$(($(stat -f -c '%a * %S' "$work") / (1 << 30)))
for store in classic compact; do
	for size in $((changes * 2))G 1T; do
		base "$size"
		cowloop create --store "$store" base.img 0.cow >/dev/null
		cowloop load
		device=$(cowloop attach base.img 0.cow --number 0)
		if [ "$free" -gt $((changes + 2)) ]; then
			how="$changes GiB"
			fio --name=write --filename="$device" --rw=write --bs=1M --size="${changes}G" --direct=1 --ioengine=libaio --iodepth=4 --zero_buffers=0 --refill_buffers=0 >/dev/null
		else
			how="$((changes * 1024)) blocks, one in each MiB of $changes GiB"
			fio --name=write --filename="$device" --rw=write:1023k --bs=1k --size="${changes}G" --io_size="$((changes * 1024))k" --direct=1 >/dev/null
		fi
		cowloop unload
		measure "$size base, $how changed, $store"
	done
done
