# Sourced by ./demo and ./test: sees to what they need, or says what is missing.

# What building, the demo and the tests run; all of it is in Debian.
BUILD_PACKAGES="make"
DEMO_PACKAGES="e2fsprogs util-linux mount"
TEST_PACKAGES="$DEMO_PACKAGES xfsprogs btrfs-progs dosfstools exfatprogs exfat-fuse mtools genisoimage cloop-utils fdisk fio curl gcc libc6-dev linux-libc-dev kmod zstd man-db mandoc bash zsh fish systemd sqlite3 qemu-system-x86 busybox-static cpio xz-utils dmsetup"

say() { printf '%s\n' "$*"; }

die() {
	printf '%s\n' "$*" >&2
	exit 1
}

# need_packages PACKAGE...: installs what is missing when root, else says what to install.
need_packages() {
	local missing=() package
	for package in "$@"; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
	done
	[ ${#missing[@]} -eq 0 ] && return
	if [ "$(id -u)" -ne 0 ]; then
		die "These Debian packages are missing: ${missing[*]}. Install them: sudo apt-get install ${missing[*]}"
	fi
	say "Installing ${missing[*]} ..."
	if ! { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"; } >/tmp/cowloop-apt.log 2>&1; then
		tail -n 20 /tmp/cowloop-apt.log >&2
		die "Installing ${missing[*]} failed; the log is /tmp/cowloop-apt.log"
	fi
}

has_dotnet() { command -v dotnet >/dev/null && dotnet --list-sdks 2>/dev/null | grep -q '^10\.'; }

# need_dotnet: the .NET 10 SDK, from a package source that has it.
need_dotnet() {
	has_dotnet && return
	if [ "$(id -u)" -eq 0 ] && apt-get update -q >/dev/null 2>&1 && apt-cache show dotnet-sdk-10.0 >/dev/null 2>&1; then
		need_packages dotnet-sdk-10.0
	fi
	has_dotnet || die "The .NET 10 SDK is missing. Get it from https://dotnet.microsoft.com/download/dotnet/10.0 (Debian package: dotnet-sdk-10.0 from Microsoft's repository), then try again."
}

# build: the programs in ./bin.
build() {
	local log=artifacts/build.log
	mkdir -p artifacts
	if ! make build >"$log" 2>&1; then
		grep -E 'error|warning' "$log" | sort -u | head -n 20 >&2
		die "The build failed; the whole log is $log"
	fi
}
