#!/usr/bin/env bash
# tests/interop/dm-snapshot.sh
#
# Proves with the kernel of guest.sh that cowloop import-dm and export-dm speak its persistent snapshot format: what was written under dm-snapshot is
# read by us, and what we export is read, written on and merged by dm-snapshot. Two boots; needs the programs of 'make build', and no root.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
PATH=$here/../../bin:$PATH:/usr/sbin:/sbin
say() { printf '%s\n' "$*"; }
die() {
	printf 'dm-snapshot: %s\n' "$*" >&2
	exit 1
}

# ---------------------------------------------------------------------------------------------------------------------------
# What runs in the guest: this script once more, in a directory of memory that has the files of /share

if [ "${1:-}" = guest ]; then
	mkdir /run/work && cd /run/work
	cp --sparse=always /share/* .
	# There is no udev in the guest: dmsetup makes the nodes.
	export DM_DISABLE_UDEV=1
	snapshot() { dmsetup create snapshot --table "$1"; }
	digest() { head -c "$1" "$2" | sha256sum | cut -d' ' -f1; }
	origin=$(losetup --find --show --read-only origin.img)
	sectors=$(blockdev --getsz "$origin")
	device_bytes=$((sectors / 2 * 1024))

	# make NAME CHUNK-SECTORS STORE-BYTES COMMAND: a snapshot that the command writes to, and what it reads as afterwards
	make() {
		truncate -s "$3" "$1.dm"
		store=$(losetup --find --show "$1.dm")
		snapshot "0 $sectors snapshot $origin $store P $2"
		eval "$4"
		blockdev --flushbufs /dev/mapper/snapshot
		echo "$1: $(dmsetup status snapshot)"
		# One that ran full cannot be read any more.
		digest "$device_bytes" /dev/mapper/snapshot >"/share/$1.sha256" 2>/dev/null || rm "/share/$1.sha256"
		dmsetup remove snapshot
		losetup -d "$store"
		cp --sparse=always "$1.dm" /share/
	}
	use_filesystem() {
		mkdir -p mnt
		mount /dev/mapper/snapshot mnt
		rm -r mnt/old
		cp -r /etc/default /etc/init.d mnt/
		head -c 900000 /dev/urandom >mnt/noise
		umount mnt
		# In the middle of chunks, and in the last ones.
		head -c 3584 /dev/urandom | dd of=/dev/mapper/snapshot bs=512 seek=$((sectors - 40)) conv=notrunc status=none
		head -c 1024 /dev/urandom | dd of=/dev/mapper/snapshot bs=512 seek=$((sectors - 3)) conv=notrunc status=none
	}

	case $2 in
	write)
		for chunk in 8 32 128; do
			make "written-$chunk" "$chunk" 8M use_filesystem
		done
		make empty 8 1M true
		# An area of 4 KiB has room for 256 exceptions, and they are all taken.
		make full-area 8 4M 'head -c 1M /dev/urandom | dd of=/dev/mapper/snapshot bs=64k conv=notrunc status=none'
		make sector 1 1M 'for at in 1 2 3 77 4000; do head -c 512 /dev/urandom | dd of=/dev/mapper/snapshot bs=512 seek=$at oflag=direct status=none; done'
		make overflown 8 64K 'head -c 1M /dev/zero | tr "\0" x | dd of=/dev/mapper/snapshot bs=64k conv=notrunc status=none; sync'
		;;
	read)
		for name in exported-4K exported-16K exported-64K exported-full; do
			store=$(losetup --find --show "$name.dm")
			table=$(cat "$name.table")
			table=${table/'$ORIGIN'/$origin}
			snapshot "${table/'$STORE'/$store}"
			echo "$name: $(dmsetup status snapshot)"
			digest "$device_bytes" /dev/mapper/snapshot >"/share/$name.read.sha256"
			for at in 5 999 7345; do
				head -c 20000 /dev/urandom | dd of=/dev/mapper/snapshot bs=512 seek=$at conv=notrunc status=none
			done
			blockdev --flushbufs /dev/mapper/snapshot
			digest "$device_bytes" /dev/mapper/snapshot >"/share/$name.changed.sha256"
			dmsetup status snapshot | grep -q ' snapshot [0-9]*/[0-9]* ' || { echo "$name: $(dmsetup status snapshot)" && exit 1; }
			dmsetup remove snapshot
			losetup -d "$store"
			cp --sparse=always "$name.dm" "/share/$name.changed.dm"
		done

		# The kernel's own merge goes through the table from its end.
		cp origin.img merged.img
		target=$(losetup --find --show merged.img)
		store=$(losetup --find --show merge-16K.dm)
		dmsetup create merging --table "0 $((device_bytes / 512)) snapshot-merge $target $store P 32"
		for _ in $(seq 100); do
			read -r _ _ _ used metadata < <(dmsetup status merging)
			[ "${used%/*}" != "$metadata" ] || break
			sleep 0.2
		done
		dmsetup remove merging
		digest "$device_bytes" "$target" >/share/merged.sha256

		store=$(losetup --find --show unfinished.dm)
		if snapshot "0 $sectors snapshot $origin $store P 8" 2>/dev/null; then
			echo "an unfinished export was taken" && exit 1
		fi
		;;
	esac
	exit 0
fi

# ---------------------------------------------------------------------------------------------------------------------------
# What runs here

[ -x "$here/../../bin/cowloop" ] || die "bin/cowloop is missing; run: make build"
work=$(mktemp -d "${TMPDIR:-/tmp}/cowloop-dm-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/write" "$work/read"
cd "$work"

run_guest() {
	say "The guest $1s ..."
	"$here/guest.sh" --module dm_snapshot --module loop --module ext4 --share "$work/$1" -- bash "$here/dm-snapshot.sh" guest "$1" || die "the guest failed"
}
digest_of() { sha256sum "$1" | cut -d' ' -f1; }
must_equal() {
	[ "$2" = "$3" ] || die "$1: the SHA-256 is $3, expected is $2"
	say "$1: as expected"
}

# It ends with a chunk that is not whole, and a sector that is no whole block.
mkdir files && cp -r /etc/default files/old
truncate -s $((6 * 1024 * 1024 - 512)) origin.img
mkfs.ext4 -q -O ^has_journal -d files origin.img
origin_digest=$(digest_of origin.img)
cp origin.img write/
run_guest write

for name in written-8 written-32 written-128 empty full-area sector; do
	cowloop import-dm "write/$name.dm" origin.img "$name.cow"
	cowloop check "$name.cow" >check.log || die "$name.cow is not sound: $(cat check.log)"
	cowloop flatten origin.img "$name.cow" -o "$name.img" >flatten.log
	must_equal "import $name" "$(cat "write/$name.sha256")" "$(digest_of "$name.img")"
done
if cowloop import-dm write/overflown.dm origin.img overflown.cow 2>refusal.log; then
	die "a store that ran full was imported"
fi
grep -q 'marked invalid' refusal.log || die "a store that ran full is refused otherwise: $(cat refusal.log)"

# A cowfile that never was a snapshot: single blocks, and some in the last chunk. An empty one on a changed image is put on the origin.
cp origin.img changed.img
for block in 3 4 9 100 101 102 103 104 2000 3333 4095 6141 6142; do
	head -c 1024 /dev/urandom | dd of=changed.img bs=1024 seek=$block conv=notrunc status=none
done
head -c 1300000 /dev/urandom | dd of=changed.img bs=1024 seek=4101 conv=notrunc status=none
cowloop import-dm write/empty.dm changed.img my.cow
cowloop rebase my.cow --onto origin.img
cowloop flatten origin.img my.cow -o my.img >flatten.log
must_equal "the cowfile" "$(head -c $((6 * 1024 * 1024 - 1024)) changed.img | sha256sum | cut -d' ' -f1)" "$(digest_of my.img)"

export_dm() {
	cowloop export-dm origin.img "$1" "read/$2.dm" --chunk "$3" | tee export.log
	sed -n 's/^ *dmsetup create NAME --table "\(.*\)"$/\1/p' export.log >"read/$2.table"
}
for chunk in 4K 16K 64K; do
	export_dm my.cow "exported-$chunk" "$chunk"
done
export_dm full-area.cow exported-full 4K
cp --sparse=always read/exported-16K.dm read/merge-16K.dm
cp --sparse=always read/exported-4K.dm read/unfinished.dm
printf 'cowloop: an export that is not finished\n' | dd of=read/unfinished.dm bs=512 conv=notrunc,sync status=none
cp origin.img read/
run_guest read

for name in exported-4K exported-16K exported-64K exported-full; do
	source=my.img
	[ "$name" != exported-full ] || source=full-area.img
	must_equal "$name, read by the kernel" "$(digest_of "$source")" "$(cat "read/$name.read.sha256")"
	cowloop import-dm "read/$name.changed.dm" origin.img "$name.cow"
	cowloop flatten origin.img "$name.cow" -o "$name.img" >flatten.log
	must_equal "$name, written by the kernel and imported" "$(cat "read/$name.changed.sha256")" "$(digest_of "$name.img")"
	[ "$(digest_of "$name.img")" != "$(digest_of "$source")" ] || die "$name: the kernel's writes are not there"
done
must_equal "exported-16K, merged by the kernel" "$(digest_of my.img)" "$(cat read/merged.sha256)"
must_equal "the origin" "$origin_digest" "$(digest_of origin.img)"
say "passed: tests/interop/dm-snapshot.sh"
