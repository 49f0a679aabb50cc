// Command insert measures how fast instances get into Nova's databases, on a
// real MariaDB with the true Zed schema, three ways:
//
//   - ours: Writer.InsertInstances and InsertMappings, as an import does it,
//     with its own bound of batches at a time;
//   - raw: the same rows in multi-row INSERTs written by hand, 50 instances a
//     transaction, on one connection;
//   - autocommit: one row a statement, each committed by itself, as a script
//     with a cursor does it. It is measured on a sample, for it takes minutes.
//
// They take turns, and the medians are compared.
//
//	go run ./testdata/bench/insert -dsn "root:password@tcp(127.0.0.1:3306)/"
//
// The server should be durable at every commit (innodb_flush_log_at_trx_commit
// is 1); testdata/services/mariadb-up.sh starts such a one. The databases it
// makes are its own, and are dropped.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"
)

func main() {
	dsn := flag.String("dsn", os.Getenv("K2O_TEST_MYSQL"), "MariaDB `DSN` without a database, of a user who may create some")
	count := flag.Int("instances", 5000, "instances to write")
	sample := flag.Int("sample", 200, "instances to write one row at a time")
	rounds := flag.Int("rounds", 3, "rounds")
	flag.Parse()
	if *dsn == "" {
		fmt.Fprintln(os.Stderr, "insert: -dsn or K2O_TEST_MYSQL is needed")
		os.Exit(64)
	}
	if err := run(context.Background(), *dsn, *count, *sample, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "insert:", err)
		os.Exit(1)
	}
}

// A result is one way's rounds, in rows a second.
type result struct {
	name      string
	instances int
	rows      int
	rates     []float64
	times     []time.Duration
}

func (r *result) add(rows int, took time.Duration) {
	r.rows = rows
	r.rates = append(r.rates, float64(rows)/took.Seconds())
	r.times = append(r.times, took)
}

func median[T float64 | time.Duration](list []T) T {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

func run(ctx context.Context, dsn string, count, sample, rounds int) error {
	if sample > count {
		sample = count
	}
	all := instances(count)
	ours := &result{name: "ours", instances: count}
	raw := &result{name: "raw multi-row SQL", instances: count}
	single := &result{name: "one autocommitted row at a time", instances: sample}
	for range rounds {
		for _, way := range []struct {
			*result
			write func(context.Context, *target, int) (int, error)
		}{
			{ours, writeOurs}, {raw, writeRaw}, {single, writeSingle},
		} {
			t, err := newTarget(ctx, dsn, all[:way.instances])
			if err != nil {
				return err
			}
			begin := time.Now()
			rows, err := way.write(ctx, t, way.instances)
			took := time.Since(begin)
			if err == nil {
				err = t.check(rows, way.instances)
			}
			if err := t.drop(err); err != nil {
				return fmt.Errorf("%s: %w", way.name, err)
			}
			way.add(rows, took)
		}
	}
	return report(ours, raw, single, sample, count)
}

// What README promises of the two ratios.
const (
	promisedRate = 20
	promisedTime = 1.5
)

func report(ours, raw, single *result, sample, count int) error {
	fmt.Printf("%-34s %10s %8s %10s %12s\n", "", "instances", "rows", "seconds", "rows/s")
	for _, r := range []*result{ours, raw, single} {
		fmt.Printf("%-34s %10d %8d %10.2f %12.0f\n", r.name, r.instances, r.rows, median(r.times).Seconds(), median(r.rates))
	}
	fmt.Printf("\nmedians of %d rounds, taking turns\n", len(ours.rates))
	if sample < count {
		fmt.Printf("one row at a time was sampled on %d of the %d instances\n", sample, count)
	}
	rate := median(ours.rates) / median(single.rates)
	took := median(ours.times).Seconds() / median(raw.times).Seconds()
	fmt.Printf("ours is %.1f times the rows a second of one autocommitted row at a time (promised: at least %d)\n", rate, promisedRate)
	fmt.Printf("ours takes %.2f times the time of raw multi-row SQL (promised: at most %.1f)\n", took, promisedTime)
	if rate < promisedRate || took > promisedTime {
		return errors.New("slower than promised; on a busy machine measure again")
	}
	return nil
}
