PREFIX ?= /usr/local
DESTDIR ?=
SBINDIR = $(DESTDIR)$(PREFIX)/sbin
SYSTEMDDIR = $(DESTDIR)$(PREFIX)/lib/systemd
UDEVDIR = $(DESTDIR)$(PREFIX)/lib/udev/rules.d
ETCDIR = $(DESTDIR)/etc/cowloop

DOTNET ?= dotnet
BIN = bin
APPLETS = cowdev cowsync
UNITS = cowloopd.service cowloop.service
PUBLISH = $(DOTNET) publish --nologo -v quiet -c Release --use-current-runtime -o $(BIN)

.PHONY: build install uninstall clean test soak bench format

build:
	$(PUBLISH) src/Cowloop.Tools/Cowloop.Tools.csproj
	$(PUBLISH) src/Cowloop.Daemon/Cowloop.Daemon.csproj
	cd $(BIN) && for applet in $(APPLETS); do ln -sf cowloop $$applet; done

install: build
	install -d $(SBINDIR)
	install -m 755 $(BIN)/cowloop $(BIN)/cowloopd $(SBINDIR)
	cd $(SBINDIR) && for applet in $(APPLETS); do ln -sf cowloop $$applet; done
	install -d $(SYSTEMDDIR)/system $(SYSTEMDDIR)/system-generators $(UDEVDIR) $(ETCDIR)
	for unit in $(UNITS); do \
		sed 's|@SBINDIR@|$(PREFIX)/sbin|g' packaging/systemd/$$unit | install -m 644 /dev/stdin $(SYSTEMDDIR)/system/$$unit || exit; \
	done
	install -m 755 packaging/systemd/cowloop-generator $(SYSTEMDDIR)/system-generators
	install -m 644 packaging/udev/60-cowloop.rules $(UDEVDIR)
	[ -e $(ETCDIR)/cowtab ] || install -m 644 packaging/cowtab $(ETCDIR)

uninstall:
	cd $(SBINDIR) && rm -f cowloop cowloopd $(APPLETS)
	cd $(SYSTEMDDIR) && rm -f $(addprefix system/,$(UNITS)) system-generators/cowloop-generator
	rm -f $(UDEVDIR)/60-cowloop.rules

clean:
	rm -rf $(BIN) artifacts

test:
	./test

soak:
	COWLOOP_SOAK=1 ./test

format:
	$(DOTNET) format --verify-no-changes
