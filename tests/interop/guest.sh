#!/usr/bin/env bash
# tests/interop/guest.sh [OPTION...] -- COMMAND [ARGUMENT...]
#
# Boots Debian's stock kernel in QEMU (emulated, no KVM), runs a command as root in it, and exits with the command's exit code; 125 when the guest did not
# come to an end. The guest sees the root directory of this machine, read-only, with a layer of memory on it: all programs are there, nothing changes.
# It has a kernel of its own, and so real block devices, whatever this machine has.
#
#   --fetch           only see to it that there is a kernel: downloaded with apt-get, unpacked, never installed
#   --module NAME     load a module of the kernel before, with all that it needs; may be repeated
#   --share DIR       DIR is /share in the guest, and can be written to
#   --memory MIB      memory of the guest; otherwise 512
#   --timeout SECONDS end the guest then; otherwise 120
#
# GUEST_KERNEL is the directory of an unpacked kernel package to use instead.
set -euo pipefail

say() { printf 'guest: %s\n' "$*" >&2; }
die() { say "$*"; exit 125; }

root=$(cd "$(dirname "$0")/../.." && pwd)
cache=$root/artifacts/kernels
fetch_only= modules=() share= memory=512 timeout=120
while [ $# -gt 0 ]; do
	case $1 in
	--fetch) fetch_only=1 && shift ;;
	--module) modules+=("$2") && shift 2 ;;
	--share) share=$2 && shift 2 ;;
	--memory) memory=$2 && shift 2 ;;
	--timeout) timeout=$2 && shift 2 ;;
	--) shift && break ;;
	*) die "there is no option $1" ;;
	esac
done

# The kernel of Debian's metapackage: the directory that it is unpacked in.
fetch_kernel() {
	local package directory
	for directory in "$cache"/linux-image-*/; do
		[ -e "$directory/complete" ] && printf '%s\n' "${directory%/}" && return
	done
	package=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p')
	[ -n "$package" ] || { apt-get update -q >/dev/null 2>&1 && package=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p'); }
	[ -n "$package" ] || die "no package source has linux-image-amd64"
	mkdir -p "$cache"
	directory=$(mktemp -d "$cache/new.XXXXXX")
	# shellcheck disable=SC2064
	trap "rm -rf '$directory'" EXIT
	(cd "$directory" && apt-get download -q "$package" >apt.log 2>&1) || die "$package cannot be downloaded: $(tail -n 1 "$directory/apt.log")"
	dpkg-deb -x "$directory"/*.deb "$directory" || die "$package cannot be unpacked"
	rm -f "$directory"/*.deb
	depmod -b "$directory" "$(basename "$directory"/lib/modules/*)" || die "depmod failed"
	touch "$directory/complete" && chmod 755 "$directory"
	# Somebody else may have been faster.
	mv -T "$directory" "$cache/$package" 2>/dev/null || [ -e "$cache/$package/complete" ] || die "$cache/$package cannot be made"
	printf '%s\n' "$cache/$package"
}

kernel=${GUEST_KERNEL:-$(fetch_kernel)}
[ -z "$fetch_only" ] || exit 0
[ $# -gt 0 ] || die "name a command"
version=$(basename "$kernel"/lib/modules/*)

work=$(mktemp -d "${TMPDIR:-/tmp}/cowloop-guest-XXXXXX")
trap 'rm -rf "$work"' EXIT
files=$work/files
mkdir -p "$files"/{bin,dev,lib/modules,lower,memory,new,proc,run,share,sys}
cp "$(command -v busybox)" "$files/bin/busybox"

# The modules in the order in which they load; built-in ones need nothing.
for module in virtio_pci virtio_console 9pnet_virtio 9p overlay "${modules[@]}"; do
	modprobe -d "$kernel" -S "$version" --show-depends "$module" || die "the kernel $version has no module $module"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r module; do
	name=$(basename "${module%.xz}")
	case $module in
	*.xz) xz -dc "$module" >"$files/lib/modules/$name" ;;
	*) cp "$module" "$files/lib/modules/$name" ;;
	esac
	printf '%s\n' "$name" >>"$files/lib/modules/order"
done
printf '%q ' "$@" >"$files/command"

cat >"$files/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/ LC_ALL=C
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev
mkdir -p /dev/pts /dev/shm; ln -s /proc/self/fd /dev/fd
ip link set lo up
while read -r module; do insmod "/lib/modules/$module" || echo "init: $module cannot be loaded"; done </lib/modules/order
for port in /sys/class/virtio-ports/*; do
	case $(cat "$port/name") in
	output) output=/dev/${port##*/} ;;
	status) status=/dev/${port##*/} ;;
	esac
done
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=262144,cache=loose host /lower
mount -t tmpfs none /memory && mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/lower,upperdir=/memory/upper,workdir=/memory/work none /new
for directory in proc sys dev; do mount -o bind "/$directory" "/new/$directory"; done
mount -t tmpfs none /new/run
grep -q guest.share /proc/cmdline && mkdir -p /new/share && mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=none share /new/share
cp /command /new/run/command
# A port has one opener, and a program may want to open its output once more.
{ chroot /new /bin/bash /run/command </dev/null 2>&1; echo $? >/result; } | cat >"$output"
cat /result >"$status"
sync
poweroff -f
INIT
chmod +x "$files/init"
# Not compressed: to unpack it would take the emulated machine longer than to read it.
(cd "$files" && find . -print0 | cpio --null --create --format=newc --owner=0:0 --quiet) >"$work/initramfs"

append="console=ttyS0 panic=-1 quiet mitigations=off random.trust_cpu=on tsc=reliable no_timer_check"
machine=(
	-machine q35 -accel "tcg,thread=multi" -smp 2 -m "$memory"
	# With "rep movsb" the emulator copies byte by byte.
	-cpu max,-erms,-fsrm
	-nodefaults -display none -no-reboot
	-kernel "$(echo "$kernel"/boot/vmlinuz-*)" -initrd "$work/initramfs"
	-serial "file:$work/console"
	-device virtio-serial-pci
	# A chardev on the standard output itself would end with the standard input, and the guest's writes would wait for ever.
	-chardev "file,id=output,path=/dev/stdout,append=on" -device virtserialport,chardev=output,name=output
	-chardev "file,id=status,path=$work/status" -device virtserialport,chardev=status,name=status
	-virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap
)
if [ -n "$share" ]; then
	machine+=(-virtfs "local,path=$share,mount_tag=share,security_model=none,multidevs=remap")
	append+=" guest.share"
fi
timeout --foreground -s TERM "$timeout" qemu-system-x86_64 "${machine[@]}" -append "$append" </dev/null 2>"$work/errors" | cat || true
status=$(tr -dc 0-9 <"$work/status" 2>/dev/null || true)
if [ -z "$status" ]; then
	cat "$work/errors" >&2
	tail -n 30 "$work/console" >&2 || true
	die "the guest with $version did not come to its end"
fi
exit "$status"
