PREFIX ?= /usr/local
DESTDIR ?=
SBINDIR = $(DESTDIR)$(PREFIX)/sbin

DOTNET ?= dotnet
BIN = bin
APPLETS = cowdev cowlist cowmerge cowpack cowrepair cowsync
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

uninstall:
	cd $(SBINDIR) && rm -f cowloop cowloopd $(APPLETS)

clean:
	rm -rf $(BIN) artifacts

test:
	./test

soak:
	COWLOOP_SOAK=1 ./test

format:
	$(DOTNET) format --verify-no-changes
