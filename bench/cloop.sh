#!/usr/bin/env bash
# What a compressed image (cloop) costs as a base, beside QEMU, which reads the same format, and extract_compressed_fs:
# all on the same image, in turn, several rounds. The image is an ext4 filesystem with the files of a directory.
#
#   bench/cloop.sh [ROUNDS [DIRECTORY]]      (5 rounds, /usr/bin)
#
# BENCH_DIR says where the image goes (default /var/tmp; it takes about as much space as DIRECTORY, twice).
# The page cache has the compressed image; what is measured is decompression. Every run begins with nothing decompressed.
# Read the ratios: absolute figures are this machine's at this hour.
set -euo pipefail
# shellcheck source=bench/begin.sh
. "$(dirname "$0")/begin.sh"
rounds=${1:-5}
directory=${2:-/usr/bin}
random_reads=2000

cow=
before_end() { [ -z "$cow" ] || cowdev -d "$cow"; }
begin "cloop-utils qemu-utils fio jq e2fsprogs time" create_compressed_fs qemu-img qemu-io fio jq mkfs.ext4 /usr/bin/time

content_mib=$(du -sm "$directory" | cut -f 1)
size_mib=$(((content_mib * 11 / 10 + 63) / 64 * 64))
truncate -s "${size_mib}M" plain.img
mkfs.ext4 -q -d "$directory" plain.img
create_compressed_fs -q plain.img image.cloop 2>/dev/null
compressed_mib=$(($(stat -c %s image.cloop) >> 20))
# The same reads for everybody, drawn once: offsets of 4 KiB pages.
for ((n = 0; n < random_reads; n++)); do
	echo $(((RANDOM << 15 | RANDOM) % (size_mib << 8) * 4096))
done >offsets
sed 's/.*/read & 4096/' offsets >qemu-io.script
{
	echo 'fio version 2 iolog'
	echo "device add"
	echo "device open"
	sed 's/.*/device read & 4096/' offsets
	echo "device close"
} >fio.log
cat image.cloop >/dev/null

# A device that was just activated has nothing decompressed but what its base is known by.
activate() { cow=$(cowdev -a "$1" "$1.cow"); }
deactivate() {
	cowdev -d "$cow"
	cow=
}
timed() { # count command...: counts per second
	local count=$1
	shift
	/usr/bin/time -o time -f %e "$@" >/dev/null 2>errors || { cat errors >&2; exit 1; }
	result=$(awk -v n="$count" '{printf "%.1f", n / $1}' time)
}
replay() { # fio options...: reads per second
	result=$(fio --name=j --direct=1 --output-format=json "$@" | jq -r '.jobs[0].read.iops')
}
measure() { # job
	case $1 in
	cow-*) activate image.cloop ;;
	plain-*) activate plain.img ;;
	esac
	case $1 in
	cow-direct) timed "$size_mib" dd if="$cow" of=/dev/null bs=1M iflag=direct ;;
	cow-cached) timed "$size_mib" dd if="$cow" of=/dev/null bs=1M ;;
	qemu-direct) timed "$size_mib" qemu-img bench -f cloop -c "$size_mib" -s 1M -d 1 image.cloop ;;
	qemu-deep) timed "$size_mib" qemu-img bench -f cloop -c "$size_mib" -s 1M -d 8 image.cloop ;;
	extract) timed "$size_mib" extract_compressed_fs image.cloop /dev/null ;;
	cow-random | plain-random)
		sed "s|^device|$cow|" fio.log >iolog
		replay --read_iolog=iolog --replay_no_stall=1 --ioengine=psync
		;;
	cow-random-deep)
		replay --filename="$cow" --ioengine=libaio --iodepth=8 --rw=randread --bs=4k --size="${size_mib}m" \
			--io_size=$((random_reads * 4))k --norandommap
		;;
	qemu-random) timed "$random_reads" sh -c 'qemu-io -f cloop -r image.cloop <qemu-io.script' ;;
	esac
	case $1 in
	cow-* | plain-*) deactivate ;;
	esac
	echo "$1 $result" >>results
}

for ((round = 1; round <= rounds; round++)); do
	for job in $(shuf -e cow-direct cow-cached qemu-direct qemu-deep extract cow-random cow-random-deep qemu-random plain-random); do
		measure "$job"
	done
	echo "round $round of $rounds done" >&2
done

median() { awk -v j="$1" '$1 == j {print $2}' results | sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
row() { # job yardstick text
	awk -v t="$3" -v c="$(median "$1")" -v y="$(median "$2")" -v n="$4" 'BEGIN {printf "| %s | %.0f | %s | %.0f | %.2f |\n", t, c, n, y, c / y}'
}
echo "Kernel $(uname -r), $(nproc) CPUs, $size_mib MiB in a cloop image of $compressed_mib MiB, medians of $rounds rounds."
echo "Sequential in MiB/s, random 4 KiB reads in reads per second; the ratio is that of the cowdevice to the other."
echo
echo "| job | cowdevice | other | | ratio |"
echo "| --- | ---: | --- | ---: | ---: |"
row cow-direct qemu-direct "sequential, 1 MiB direct" "qemu-img bench"
row cow-direct qemu-deep "sequential, 1 MiB direct" "qemu-img bench, depth 8"
row cow-direct extract "sequential, 1 MiB direct" extract_compressed_fs
row cow-cached qemu-direct "sequential through the page cache" "qemu-img bench"
row cow-random qemu-random "random, one after the other" qemu-io
row cow-random-deep qemu-random "random, depth 8" qemu-io
row cow-random plain-random "random, one after the other" "cowdevice on the plain image"
