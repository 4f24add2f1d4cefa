# What a developer runs is what CI runs.  make test   make lint   make demo

# The libvirt driver links C: it is built where libvirt's headers are, and always in CI.
tags := $(if $(CI)$(shell pkg-config --exists libvirt && echo yes),libvirt)
tool := go tool -modfile=tools/lint/go.mod

.PHONY: build demo test bench lint examples guest tempest

build: # pure Go, then with what links C
	CGO_ENABLED=0 go build ./...
	CGO_ENABLED=0 go vet ./...
	go build -tags '$(tags)' ./...

demo: # boot a real server on this machine and drive it with the openstack command
	./tools/demo/run

test: build # everything, real backends included, then the examples one by one
	go test -race -p 2 -timeout 20m -tags '$(tags)' $$(go list ./... | grep -v /examples/)
	go test -race -p 1 -timeout 20m -tags '$(tags)' ./examples/...

bench: # every benchmark, then a table of them
	mkdir -p bin
	go test -run '^$$' -bench . -benchmem -timeout 30m $$(go list ./...) | tee bin/bench.out
	$(tool) benchstat bin/bench.out

lint:
	$(tool) golangci-lint run --build-tags '$(tags)'

examples: # bin/embedded and the others
	mkdir -p bin
	CGO_ENABLED=0 go build -o bin/ ./examples/...
	go build -tags '$(tags)' -o bin/ ./examples/...

guest: # bin/guest.qcow2, a small Linux that boots in seconds
	go run ./tools/guest -o bin

tempest: # make tempest ids=FILE runs OpenStack's own tests against examples/embedded
	go run ./tools/tempest $(ids)
