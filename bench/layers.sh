#!/usr/bin/env bash
# What stacks cost: random and sequential reads of devices with 0, 1, 8 and 32 layers, in turn, and how long a snapshot keeps
# changes waiting on devices of 1 GiB and 1 TiB that are written to meanwhile, and how long it takes until all before it is durable and sealed.
#
#   bench/layers.sh [ROUNDS [SECONDS]]      (5 rounds of 3 seconds a measurement)
#
# Every stack holds the same data in the same blocks: scattered 4 KiB pages, dealt out to its layers in turn.
set -euo pipefail
# shellcheck source=bench/begin.sh
. "$(dirname "$0")/begin.sh"
rounds=${1:-5}
seconds=${2:-3}

before_end() {
	jobs -p | xargs -r kill 2>/dev/null || true
	wait
}
begin "fio jq python3" fio jq python3
milliseconds() { echo "$(median <"$1" | awk '{printf "%.2f", $1 / 1000}') ms (median of 20, longest $(sort -n "$1" | tail -1 | awk '{printf "%.2f", $1 / 1000}') ms)"; }
median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

# deal DEVICE PART OF: writes every OF-th of 8192 scattered pages, beginning with the PART-th.
deal() {
	python3 - "$1" "$2" "$3" <<'PYTHON'
import os, random, sys
device, part, of = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
pages = random.Random(1).sample(range(65536), 8192)
file = os.open(device, os.O_WRONLY)
for page in pages[part::of]:
    os.pwrite(file, page.to_bytes(4, "little") * 1024, page * 4096)
os.fsync(file)
os.close(file)
PYTHON
}

fio --name=fill --filename=base.img --size=256M --rw=write --bs=1M >/dev/null
cowloop load maxcows=16
declare -A device
number=0
for layers in 0 1 8 32; do
	device[$layers]=$(cowloop attach base.img "$layers-0.cow" --number $number)
	for ((layer = 1; layer <= layers; layer++)); do
		deal "${device[$layers]}" $((layer - 1)) "$layers"
		cowloop snapshot "${device[$layers]}" "$layers-$layer.cow" >/dev/null
	done
	[ "$layers" -gt 0 ] || deal "${device[0]}" 0 1
	number=$((number + 1))
done

read_speed() { # device, how, block size: prints KiB/s
	fio --name=read --filename="$1" --readonly --rw="$2" --bs="$3" --ioengine=libaio --iodepth=8 --direct=1 --time_based --runtime="$seconds" --output-format=json |
		jq '.jobs[0].read.bw'
}
for ((round = 0; round < rounds; round++)); do
	for layers in 0 1 8 32; do
		read_speed "${device[$layers]}" randread 4k >>"rand.$layers"
		read_speed "${device[$layers]}" read 1M >>"seq.$layers"
	done
done
echo "Kernel $(uname -r), $(nproc) CPUs; medians of $rounds rounds of $seconds s, against one layer."
for kind in rand seq; do
	one=$(median <"$kind.1")
	for layers in 0 1 8 32; do
		speed=$(median <"$kind.$layers")
		echo "$kind reads, $layers layers: $((speed / 1024)) MiB/s, $(awk -v a="$speed" -v b="$one" 'BEGIN {printf "%.2f", a / b}')"
	done
done
for layers in 0 1 8 32; do cowloop detach "${device[$layers]}"; done

for size in 1G 1T; do
	truncate -s $size "base-$size.img"
	disk=$(cowloop attach "base-$size.img" "$size-0.cow")
	fio --name=write --filename="$disk" --rw=randwrite --bs=4k --size=512M --ioengine=libaio --iodepth=8 --direct=1 --time_based --runtime=3600 >/dev/null &
	writer=$!
	sleep 2
	for ((snapshot = 1; snapshot <= 20; snapshot++)); do
		began=$(date +%s%N)
		cowloop snapshot "$disk" "$size-$snapshot.cow" --json | jq '.pauseMicroseconds' >>"pause.$size"
		echo $((($(date +%s%N) - began) / 1000)) >>"whole.$size"
		sleep 0.3
	done
	kill $writer && wait $writer 2>/dev/null || true
	echo "snapshot of a device of $size under random writes: changes wait $(milliseconds "pause.$size"); sealed and answered after $(milliseconds "whole.$size")"
	cowloop detach "$disk"
done
