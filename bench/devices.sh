#!/usr/bin/env bash
# What devices cost: time of activation and deactivation through the API, and memory and threads of the service with
# 0, 1 and N devices.
#
#   bench/devices.sh [N [ROUNDS]]      (16 devices, 200 rounds of activation and deactivation)
#
# Times are those of the request alone, as curl measures them.
set -euo pipefail
# shellcheck source=bench/begin.sh
. "$(dirname "$0")/begin.sh"
devices=${1:-16}
rounds=${2:-200}

begin "curl jq e2fsprogs" curl jq mkfs.ext4

truncate -s 1G "$work/base.img"
mkfs.ext4 -q "$work/base.img"
cowloop load maxcows="$((devices > 16 ? devices : 16))"
service=$(cowloop status --json | jq .processId)

api() { curl -sf --unix-socket "$COWLOOP_RUN_DIR/control.sock" "$@"; }
attach() { # number: prints the seconds it took
	api -o /dev/null -w '%{time_total}\n' -H 'Content-Type: application/json' http://cowloop/v1/devices \
		-d "{\"base\":\"base.img\",\"cowfile\":\"$1.cow\",\"directory\":\"$work\",\"number\":$1}"
}
detach() { api -o /dev/null -w '%{time_total}\n' -X DELETE "http://cowloop/v1/devices/$1"; }
percentiles() { sort -n | awk '{v[NR] = $1 * 1000} END {printf "p50 %.1f ms, p99 %.1f ms\n", v[int((NR + 1) / 2)], v[int(NR * 0.99 + 0.5)]}'; }
memory() { awk -v n="$1" '/^RssAnon/ {anon = $2} /^RssFile/ {file = $2} /^Threads/ {threads = $2} END {printf "%s devices: %.1f MiB private, %.1f MiB shared program text, %d threads\n", n, anon / 1024, file / 1024, threads}' "/proc/$service/status"; }

echo "Kernel $(uname -r), $(nproc) CPUs, a 1 GiB ext4 base, fresh cowfiles."
memory 0
attach 0 >/dev/null
memory 1
for ((n = 1; n < devices; n++)); do attach "$n" >/dev/null; done
memory "$devices"
for ((n = 0; n < devices; n++)); do detach "$n" >/dev/null; done
memory 0
for ((round = 0; round < rounds; round++)); do
	attach 0 >>"$work/attach"
	detach 0 >>"$work/detach"
	rm "$work/0.cow"
done
echo "activation, new cowfile: $(percentiles <"$work/attach")"
echo "deactivation:            $(percentiles <"$work/detach")"
memory 0
