package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A meters is what can be read off the machine and the database at a moment.
type meters struct {
	server    time.Duration // processor time of the database
	commits   int64         // of the database
	used, all float64       // time of all processors, in ticks
}

func (w *world) meters() (m meters, err error) {
	if m.server, err = w.serverTime(); err != nil {
		return m, err
	}
	err = w.server.QueryRow("SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'COM_COMMIT'").Scan(&m.commits)
	if err != nil {
		return m, err
	}
	m.used, m.all, err = machineTicks()
	return m, err
}

// machineTicks are those of all processors since the machine was started; see
// proc(5).
func machineTicks() (used, all float64, err error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	for n, field := range strings.Fields(line)[1:9] { // up to steal
		ticks, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("read /proc/stat: %w", err)
		}
		all += ticks
		if n != 3 && n != 4 { // idle, and waiting for a disk
			used += ticks
		}
	}
	return used, all, nil
}

// ownTime is the processor time of this process: that of the hosts.
func ownTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// serverTime is the processor time of the database's process.
func (w *world) serverTime() (time.Duration, error) {
	var file string
	if err := w.server.QueryRow("SELECT @@pid_file").Scan(&file); err != nil {
		return 0, err
	}
	pid, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	text, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/stat")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest) // from the third on; see proc(5)
	if len(fields) < 13 {
		return 0, fmt.Errorf("%s of the database says %q", file, text)
	}
	var ticks int
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil // USER_HZ is 100
}

// memoryMB is the machine's.
func memoryMB() float64 {
	var i syscall.Sysinfo_t
	if err := syscall.Sysinfo(&i); err != nil {
		return 1
	}
	return float64(i.Totalram) * float64(i.Unit) / (1 << 20)
}
