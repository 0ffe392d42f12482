#!/usr/bin/env bash
# What devices cost when there are very many: N active at once over one base, in one service.
#
#   bench/density.sh [N]      (1,000 devices)
#
# Memory and threads of the service, what the kernel adds, time of activation and deactivation through the API, use of the CPU while nobody does
# anything, and what a base that does not answer does to another device.
set -euo pipefail
# shellcheck source=bench/begin.sh
. "$(dirname "$0")/begin.sh"
latency=$(realpath "$(dirname "$0")")/latency.py
devices=${1:-1000}
others=16

begin "python3 jq fio e2fsprogs util-linux" python3 jq fio mkfs.ext4 blockdev

# A service of its own under the base that hangs: it is stopped as a whole.
hanging_run=$work/hanging
hanging() { COWLOOP_RUN_DIR=$hanging_run COWLOOP_DEV_DIR=$COWLOOP_DEV_DIR.hanging "$@"; }
before_end() {
	if [ -n "${stopped:-}" ]; then
		kill -CONT "$stopped" 2>/dev/null || true
	fi
	if [ -n "${load:-}" ]; then
		wait "$load" || true
	fi
	cowloop unload >/dev/null 2>&1 || true
	hanging cowloop unload >/dev/null 2>&1 || true
	umount -l "$hanging_run/status" 2>/dev/null || true
	rmdir "$COWLOOP_DEV_DIR.hanging" 2>/dev/null || true
}

activate() { "$latency" activate "$@"; }
deactivate() { "$latency" deactivate "$@"; }
# The cowfiles of a range, so that each activation makes a new one.
forget() { for ((n = $1; n < $1 + $2; n++)); do rm -f "$n.cow"; done; }
kib() { awk -v key="$1:" '$1 == key {print $2}' "$2"; }
private() { kib RssAnon "/proc/$service/status"; }
share() { kib Pss "/proc/$service/smaps_rollup"; }
kernel() { echo $(($(kib Slab /proc/meminfo) + $(kib KernelStack /proc/meminfo) + $(kib Percpu /proc/meminfo))); }
ticks() { awk '{sub(/.*\) /, ""); print $12 + $13}' "/proc/$service/stat"; }
switches() { # of each thread, for one that ends takes its number with it
	awk '/^Pid:/ {thread = $2} /ctxt_switches/ {sum[thread] += $2} END {for (thread in sum) print thread, sum[thread]}' "/proc/$service"/task/*/status | sort
}
# Reads of 4 KiB at random, one at a time: mean, 99 %, most, in microseconds.
reads() {
	fio --name=reads --filename="$1" --rw=randread --bs=4k --iodepth=1 --direct=1 --readonly --time_based --runtime=5 --output-format=json |
		jq -r '.jobs[0].read | "\(.iops | round) a second; mean \(.clat_ns.mean / 1000 | round) us, p99 \(.clat_ns.percentile["99.000000"] / 1000 | round) us, most \(.clat_ns.max / 1000 | round) us"'
}

truncate -s 1G base.img
mkfs.ext4 -q base.img
cowloop load maxcows=$((devices + others > 1022 ? 1022 : devices + others))
service=$(cowloop status --json | jq .processId)
others=$((devices + others > 1022 ? 1022 - devices : others))

echo "Kernel $(uname -r), $(nproc) CPUs, a 1 GiB ext4 base, fresh cowfiles on $(stat -f -c %T .). Times are those of requests over a connection that stays open."
# The runtime compiles what is used often once more: that is not what is asked for here.
for ((round = 0; round < 4; round++)); do
	activate 0 50 >/dev/null
	deactivate 0 50 >/dev/null
	forget 0 50
done
echo "activation,   no others active, 1 client:  $(activate 0 $others)"
for ((round = 0; round < 2; round++)); do
	deactivate 0 $others >/dev/null
	forget 0 $others
	activate 0 $others >/dev/null
done
echo "deactivation, no others active, 1 client:  $(deactivate 0 $others)"
forget 0 $others
echo "activation,   no others active, 8 clients: $(activate 0 $others 8)"
echo "deactivation, no others active, 8 clients: $(deactivate 0 $others 8)"
forget 0 $others

private_before=$(private)
share_before=$(share)
kernel_before=$(kernel)
echo "activation of $devices, 1 client:          $(activate 0 "$devices")"
echo "$devices active: $((($(private) - private_before) / devices)) KiB private and $((($(share) - share_before) / devices)) KiB proportional a device," \
	"$((($(kernel) - kernel_before) / devices)) KiB of the kernel (slab, stacks, per CPU);" \
	"the service has $(($(private) / 1024)) MiB private, $(kib Threads "/proc/$service/status") threads"
# What the runtime still compiles is not idleness.
sleep 5
ticks_before=$(ticks)
switches >switches.before
sleep 10
echo "10 idle seconds: $((($(ticks) - ticks_before) * 1000 / $(getconf CLK_TCK))) ms of CPU," \
	"$(switches | join switches.before - | awk '{sum += $3 - $2} END {print sum}') context switches"
for clients in 1 8; do
	echo "activation,   $devices others, $clients clients: $(activate "$devices" $others $clients)"
	echo "deactivation, $devices others, $clients clients: $(deactivate "$devices" $others $clients)"
	forget "$devices" $others
done

truncate -s 1G below.img
hanging cowloop load
hanging cowloop attach below.img below.cow >/dev/null
stopped=$(hanging cowloop status --json | jq .processId)
cowloop attach "$COWLOOP_DEV_DIR.hanging/0" hangs.cow --number "$devices" >/dev/null
echo "reads of a device, nothing else going on:       $(reads "$COWLOOP_DEV_DIR/0")"
kill -STOP "$stopped"
fio --name=hangs --filename="$COWLOOP_DEV_DIR/$devices" --rw=randread --bs=4k --iodepth=128 --ioengine=libaio --direct=1 --readonly --time_based --runtime=1 >/dev/null 2>&1 &
load=$!
sleep 1
echo "reads of a device, 128 wait for a hanging base: $(reads "$COWLOOP_DEV_DIR/0") ($(kib Threads "/proc/$service/status") threads)"
echo "activation,   a base hangs, 1 client:      $(activate $((devices + 1)) $((others - 1)))"
echo "deactivation, a base hangs, 1 client:      $(deactivate $((devices + 1)) $((others - 1)))"
kill -CONT "$stopped"
stopped=
wait "$load"
load=
cowloop detach "$COWLOOP_DEV_DIR/$devices" >/dev/null
echo "deactivation of $devices, 1 client:        $(deactivate 0 "$devices")"
echo "none active: $(($(private) / 1024)) MiB private, $(kib Threads "/proc/$service/status") threads"
