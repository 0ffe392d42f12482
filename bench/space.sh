#!/usr/bin/env bash
# What changes take on disk: the same random 4 KiB writes, scattered over a base of 4 GiB, in a classic cowfile, in compact stores of each size of chunk,
# and in qcow2 overlays; and the same again when they come in runs of 64 KiB.
#
#   bench/space.sh [WRITES]      (2000 writes)
#
# Bytes on disk for each byte written: 1.00 would be the data alone. The length is what it takes where there are no holes, as on a block device.
set -euo pipefail
# shellcheck source=bench/begin.sh
. "$(dirname "$0")/begin.sh"
writes=${1:-2000}

begin "qemu-utils python3" qemu-img qemu-io python3
truncate -s 4G base.img
cowloop load

# offsets HOW: where the writes go, one a line; scattered, or in runs of 16.
offsets() {
	python3 - "$1" "$writes" <<'PYTHON'
import random, sys
how, count = sys.argv[1], int(sys.argv[2])
generator = random.Random(1)
if how == "scattered":
    pages = generator.sample(range(1 << 20), count)
else:
    pages = [16 * run + page for run in generator.sample(range(1 << 16), (count + 15) // 16) for page in range(16)][:count]
print("\n".join(str(4096 * page) for page in pages))
PYTHON
}

write_to() { # device: writes a page at each offset of the file offsets
	python3 - "$1" <<'PYTHON'
import os, sys
device = os.open(sys.argv[1], os.O_WRONLY)
for line in open("offsets"):
    os.pwrite(device, os.urandom(4096), int(line))
os.fsync(device)
os.close(device)
PYTHON
}

share() { awk -v a="$1" -v n="$writes" 'BEGIN {printf "%.2f", a / n / 4096}'; }

row() { # name, file
	local bytes length
	bytes=$(du --block-size=1 "$2" | cut -f 1)
	length=$(stat -c %s "$2")
	printf '| %s | %s | %s | %s | %s |\n' "$how" "$1" "$bytes" "$(share "$bytes")" "$(share "$length")"
}

echo "$writes writes of 4 KiB, $(stat -f -c %T .)"
echo "| writes | store | bytes on disk | per byte written | length per byte written |"
echo "| --- | --- | ---: | ---: | ---: |"
for how in scattered runs; do
	offsets $how >offsets
	for store in classic 4K 8K 16K 32K 64K 128K 256K 512K 1M; do
		options=(--store classic)
		[ $store = classic ] || options=(--store compact --chunk $store)
		device=$(cowloop attach base.img $store.cow "${options[@]}")
		write_to "$device"
		cowloop detach "$device"
		row "$([ $store = classic ] && echo classic || echo "compact $store")" $store.cow
		rm $store.cow
	done
	for options in cluster_size=64k cluster_size=64k,extended_l2=on; do
		qemu-img create -q -f qcow2 -b base.img -F raw -o $options overlay.qcow2
		{ sed 's/.*/write -q & 4k/' offsets; echo flush; } | qemu-io -f qcow2 overlay.qcow2 >/dev/null
		row "qcow2 $options" overlay.qcow2
		rm overlay.qcow2
	done
done
