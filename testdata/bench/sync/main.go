// Command sync measures a comparison of a whole data centre: 2,000 hosts that
// speak libvirt's wire protocol, each a few milliseconds away, some slow and
// some dead, with 100,000 domains, nearly all of them adopted, on a real
// MariaDB with Nova's true schema and the journal. It runs the real binary on
// two processors, and fails unless that finds what was changed, and nothing
// else. A quarter of the hosts is measured first, to compare with.
//
//	go run ./testdata/bench/sync -dsn "root:password@tcp(127.0.0.1:3306)/"
//
// One host's domains are adopted by the program itself; their rows are then
// written again for all other hosts, with names and UUIDs replaced. Databases
// and folders are its own, and are removed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
)

func main() {
	dsn := flag.String("dsn", os.Getenv("K2O_TEST_MYSQL"), "MariaDB `DSN` without a database, of a user who may create some")
	bin := flag.String("bin", "bin/kvm2openstack", "the binary to measure")
	hosts := flag.Int("hosts", 2000, "hosts of the largest size; a quarter of them is the other size")
	domains := flag.Int("domains", 50, "domains of each host")
	flag.Parse()
	if *dsn == "" {
		fmt.Fprintln(os.Stderr, "sync: -dsn or K2O_TEST_MYSQL is needed")
		os.Exit(64)
	}
	if err := run(context.Background(), *bin, *dsn, []int{*hosts / 4, *hosts}, *domains); err != nil {
		fmt.Fprintln(os.Stderr, "sync:", err)
		os.Exit(1)
	}
}

// promisedMB is what README promises for 100,000 domains, and perDomainKB for
// each further domain: what a host has is forgotten once it is compared.
const (
	promisedMB  = 400
	perDomainKB = 4
)

// run measures each size on the same databases: the smaller inventory is the
// first part of the larger one.
func run(ctx context.Context, bin, dsn string, sizes []int, domains int) (err error) {
	largest := sizes[len(sizes)-1]
	w, err := newWorld(ctx, bin, dsn, largest, domains)
	if err != nil {
		return err
	}
	defer func() { err = w.remove(err) }()
	var before measured
	for _, hosts := range sizes {
		if err := w.adopt(ctx, hosts); err != nil {
			return err
		}
		m, err := w.measure(ctx, hosts)
		if err != nil {
			return err
		}
		m.print(before)
		if err := m.judge(before); err != nil {
			return err
		}
		before = m
	}
	return nil
}
