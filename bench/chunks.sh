#!/usr/bin/env bash
# What the size of a chunk costs and brings: the same fio jobs on a classic cowfile and on compact stores of several sizes of chunk, in turn, several rounds;
# medians, and the ratio to the classic cowfile. bench/space.sh has the space that the same sizes take.
#
#   bench/chunks.sh [ROUNDS [SECONDS]]      (5 rounds; rewrites and reads take 2 seconds each)
#
# BENCH_DIR says where the images go (default /var/tmp). Read the ratios: absolute figures are this machine's at this hour.
set -euo pipefail
# shellcheck source=bench/begin.sh
. "$(dirname "$0")/begin.sh"
rounds=${1:-5}
seconds=${2:-2}
stores='classic 4K 16K 32K 64K 256K 1M'

begin "fio jq python3" fio jq python3
truncate -s 2G base.img
cowloop load

# name: readwrite, block, depth, MiB, further fio options; in the order in which each store meets them. A job with a number of MiB is one pass over
# that much, for first writes; the others are timed.
jobs='
first-random-4k-q32 randwrite 4k 32 64
random-4k-q1        randwrite 4k 1  0
random-4k-q32       randwrite 4k 32 0
random-fsync32-4k   randwrite 4k 1  0  --fsync=32
read-random-4k-q32  randread  4k 32 0
first-write-1m-q4   write     1m 4  512 --offset=1g
write-1m-q4         write     1m 4  0   --offset=1g
read-1m-q4          read      1m 4  0   --offset=1g
'

measure() { # device rw bs depth MiB options...
	local device=$1 rw=$2 bs=$3 depth=$4 mib=$5 result
	shift 5
	local extent=(--time_based --runtime="${seconds}s")
	[ "$mib" = 0 ] || extent=(--io_size="${mib}m")
	sync
	result=$(fio --name=j --filename="$device" --direct=1 --ioengine=libaio --rw="$rw" --bs="$bs" --iodepth="$depth" \
		--size=512m --randrepeat=1 --output-format=json "${extent[@]}" "$@")
	jq -r --arg bs "$bs" '.jobs[0] | (if .read.io_bytes > 0 then .read else .write end) | if $bs == "1m" then .bw / 1024 else .iops end' <<<"$result"
}

for ((round = 1; round <= rounds; round++)); do
	for store in $(shuf -e $stores); do
		options=(--store classic)
		[ "$store" = classic ] || options=(--store compact --chunk "$store")
		device=$(cowloop attach base.img my.cow "${options[@]}")
		while read -r name rw bs depth mib more; do
			[ -n "$name" ] || continue
			# shellcheck disable=SC2086
			echo "$name $store $(measure "$device" "$rw" "$bs" "$depth" "$mib" $more)" >>figures
		done <<<"$jobs"
		cowloop detach "$device"
		rm my.cow
	done
done

echo "$rounds rounds, $(nproc) CPUs, Linux $(uname -r), $(stat -f -c %T "$work"); 4k: IOPS, 1m: MiB/s; in parentheses the ratio to classic"
python3 - figures "$stores" <<'PYTHON'
import collections, statistics, sys
figures = collections.defaultdict(list)
jobs = []
for line in open(sys.argv[1]):
    job, store, value = line.split()
    figures[job, store].append(float(value))
    if job not in jobs:
        jobs.append(job)
stores = sys.argv[2].split()
print("| job | " + " | ".join(stores) + " |")
print("| --- |" + " ---: |" * len(stores))
for job in jobs:
    medians = [statistics.median(figures[job, store]) for store in stores]
    print(f"| {job} | " + " | ".join(f"{median:.0f} ({median / medians[0]:.2f})" for median in medians) + " |")
PYTHON
