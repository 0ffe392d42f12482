#!/usr/bin/env bash
# What repair, merge and pack cost, beside what everybody has: cp --sparse and gzip on the same files, in turn.
# The base is a sparse file of 1 TiB; the changes are 4 KiB pieces scattered all over it, half of each compressible.
# For the repair the service is killed, so that almost no piece has its bits.
#
#   bench/file-tools.sh [MIB [ROUNDS]]      (1024 MiB of changes, 3 rounds)
#
# BENCH_DIR says where the files go (default /var/tmp; it takes about six times MIB). Caches are dropped before each run.
# Read the ratios: absolute figures are this machine's at this hour.
set -euo pipefail
# shellcheck source=bench/begin.sh
. "$(dirname "$0")/begin.sh"
size_mib=${1:-1024}
rounds=${2:-3}

begin "fio jq gzip zstd time" fio jq gzip zstd /usr/bin/time

truncate -s 1T base.img
head -c 64K /dev/urandom | dd of=base.img conv=notrunc status=none
device=$(cowdev -a base.img dirty.cow)
fio --name=j --filename="$device" --direct=1 --ioengine=libaio --rw=randwrite --bs=4k --iodepth=16 --size=1T --io_size="${size_mib}m" \
	--norandommap --buffer_compress_percentage=50 --refill_buffers --output=/dev/null
service=$(cowloop status --json | jq .processId)
kill -9 "$service"
tail --pid="$service" -f /dev/null
cowloop load
cowloop unload
cp --sparse=always dirty.cow clean.cow
cowrepair clean.cow >/dev/null
cowpack -p clean.cow packed

# Seconds and the most memory in MiB, of one run with cold caches.
measure() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	/usr/bin/time -o time -f '%e %M' "$@" >/dev/null
	awk '{printf "%s %.0f", $1, $2 / 1024}' time
}
note() { echo "$1 $2" >>results; }

for ((round = 1; round <= rounds; round++)); do
	cp --sparse=always dirty.cow repaired.cow
	note cp "$(measure cp --sparse=always clean.cow copy.cow)"
	note repair "$(measure cowrepair repaired.cow)"
	cmp <(cowloop info --ranges repaired.cow) <(cowloop info --ranges clean.cow)
	cp --sparse=always base.img merged.img
	note merge "$(measure cowmerge -y merged.img clean.cow)"
	rm -f merged.img repaired.cow copy.cow
	note pack "$(measure cowpack -p clean.cow out)"
	note unpack "$(measure cowpack -u out back.cow)"
	rm -f out back.cow
	note gzip "$(measure gzip -k -c packed)"
	note gzip-9 "$(measure gzip -9 -k -c packed)"
	note pack-gzip "$(measure cowpack -zp clean.cow out)"
	gzip -t out
	rm -f out
	note zstd "$(measure zstd -q -k -f packed -o out)"
	note pack-zstd "$(measure cowpack --zstd -p clean.cow out)"
	rm -f out
	echo "round $round of $rounds done" >&2
done

median() { # name column
	awk -v n="$1" -v c="$2" '$1 == n {print $c}' results | sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'
}
row() { # name yardstick
	awk -v n="$1" -v y="$2" -v s="$(median "$1" 2)" -v m="$(median "$1" 3)" -v t="$(median "$2" 2)" \
		'BEGIN {printf "| %s | %.1f s | %d MiB | %s | %.1f s | %.2f |\n", n, s, m, y, t, s / t}'
}
echo "Kernel $(uname -r), $(nproc) CPUs, $size_mib MiB of changes over 1 TiB, medians of $rounds rounds, cold caches."
echo
echo "| job | time | memory | yardstick | its time | time / yardstick |"
echo "| --- | ---: | ---: | --- | ---: | ---: |"
row repair cp
row merge cp
row pack cp
row unpack cp
row pack-gzip gzip-9
row pack-gzip gzip
row pack-zstd zstd
