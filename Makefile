PREFIX ?= /usr/local
DESTDIR ?=
SBINDIR = $(DESTDIR)$(PREFIX)/sbin
MANDIR = $(DESTDIR)$(PREFIX)/share/man
# Where each shell looks for the completion of a command.
BASH_COMPLETION = $(DESTDIR)$(PREFIX)/share/bash-completion/completions/cowloop
ZSH_COMPLETION = $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_cowloop
FISH_COMPLETION = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/cowloop.fish

SYSTEMDDIR = $(DESTDIR)$(PREFIX)/lib/systemd
UDEVDIR = $(DESTDIR)$(PREFIX)/lib/udev/rules.d
ETCDIR = $(DESTDIR)/etc/cowloop

DOTNET ?= dotnet
BIN = bin
APPLETS = cowctl cowdev cowlist cowmerge cowpack cowrepair cowsync cowwatch
UNITS = cowloopd.service cowloop.service
PUBLISH = $(DOTNET) publish --nologo -v quiet -c Release --use-current-runtime -o $(BIN)

.PHONY: build install uninstall clean test soak stress bench bench-quick bench-core bench-test format

build:
	$(PUBLISH) src/Cowloop.Tools/Cowloop.Tools.csproj
	$(PUBLISH) src/Cowloop.Daemon/Cowloop.Daemon.csproj
	cd $(BIN) && for applet in $(APPLETS); do ln -sf cowloop $$applet; done

install: build
	install -d $(SBINDIR)
	install -m 755 $(BIN)/cowloop $(BIN)/cowloopd $(SBINDIR)
	cd $(SBINDIR) && for applet in $(APPLETS); do ln -sf cowloop $$applet; done
	install -d $(MANDIR)/man5 $(MANDIR)/man8
	install -m 644 docs/man/*.5 $(MANDIR)/man5
	install -m 644 docs/man/*.8 $(MANDIR)/man8
	install -D -m 644 /dev/null $(BASH_COMPLETION) && $(BIN)/cowloop completion bash >$(BASH_COMPLETION)
	install -D -m 644 /dev/null $(ZSH_COMPLETION) && $(BIN)/cowloop completion zsh >$(ZSH_COMPLETION)
	install -D -m 644 /dev/null $(FISH_COMPLETION) && $(BIN)/cowloop completion fish >$(FISH_COMPLETION)
	install -d $(SYSTEMDDIR)/system $(SYSTEMDDIR)/system-generators $(UDEVDIR) $(ETCDIR)
	for unit in $(UNITS); do \
		sed 's|@SBINDIR@|$(PREFIX)/sbin|g' packaging/systemd/$$unit | install -m 644 /dev/stdin $(SYSTEMDDIR)/system/$$unit || exit; \
	done
	install -m 755 packaging/systemd/cowloop-generator $(SYSTEMDDIR)/system-generators
	install -m 644 packaging/udev/60-cowloop.rules $(UDEVDIR)
	[ -e $(ETCDIR)/cowtab ] || install -m 644 packaging/cowtab $(ETCDIR)

uninstall:
	cd $(SBINDIR) && rm -f cowloop cowloopd $(APPLETS)
	rm -f $(patsubst docs/man/%,$(MANDIR)/man5/%,$(wildcard docs/man/*.5)) $(patsubst docs/man/%,$(MANDIR)/man8/%,$(wildcard docs/man/*.8))
	rm -f $(BASH_COMPLETION) $(ZSH_COMPLETION) $(FISH_COMPLETION)
	cd $(SYSTEMDDIR) && rm -f $(addprefix system/,$(UNITS)) system-generators/cowloop-generator
	rm -f $(UDEVDIR)/60-cowloop.rules

clean:
	rm -rf $(BIN) artifacts

test:
	./test

soak:
	COWLOOP_SOAK=1 ./test

stress: build
	tests/stress

# bench measures everything and takes long; what it writes into bench/ is meant to be kept. bench-quick is a look.
bench: build
	bench/compare

bench-quick: build
	bench/compare --quick

bench-core:
	cd bench/core && $(DOTNET) run -c Release

bench-test: build
	bench/test_harness.py

format:
	$(DOTNET) format --verify-no-changes
