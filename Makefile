# make demo   the whole way on a bundled data centre; needs Go and nothing else
# make test   all tests against real services, which it installs if missing
# make lab    a real OpenStack on this machine, with guests to adopt; lab-down
#             ends it, lab-test tries the whole adoption there
# make package   .deb and .rpm, in bin; package-test installs the .deb in a bare
#                Debian, has its service run, and removes it
# make        the binary alone, bin/kvm2openstack

# Go's own installer does not touch PATH.
export PATH := $(PATH):/usr/local/go/bin

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
BINARY  := bin/kvm2openstack

.PHONY: build demo test bench lab lab-down lab-test package package-test lint clean

build:
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)' -o $(BINARY) ./cmd/kvm2openstack

# Leaves the plan, the databases and the report in ./demo.
demo: build
	./$(BINARY) demo

# Private MariaDB, libvirtd and sshd on loopback, in a temporary folder.
test:
	testdata/services/test.sh

# Ratios measured in one run on this machine; the same services.
bench:
	testdata/services/bench.sh

# Needs Debian 12 and root; see testdata/lab/README.md. RELEASE=epoxy is another
# lab, OpenStack 2025.1, beside the one of Zed.
lab:
	testdata/lab/up.sh
	testdata/lab/fleet.sh

lab-down:
	testdata/lab/down.sh

lab-test:
	testdata/lab/test.sh

# The same commit gives the same bytes.
package: build
	.packaging/build.sh

# Needs Debian and root.
package-test: package
	.packaging/test.sh

lint:
	.ci/lint

clean:
	rm -rf bin demo
