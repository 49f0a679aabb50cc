package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/notify"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/testdata/demo"
)

// syncDemo is the demonstration's data centre with an addition to its
// configuration, which nobody else can read.
func syncDemo(t *testing.T, more string) (config string) {
	t.Helper()
	dir := t.TempDir()
	if err := demo.Unpack(dir); err != nil {
		t.Fatal(err)
	}
	if err := demo.SeedNova(dir); err != nil {
		t.Fatal(err)
	}
	config = filepath.Join(dir, "config.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, append(text, more...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(config, 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

// a run of the command; what it says, and how it ends.
func runSync(ctx context.Context, config string, args ...string) (out, errs string, code int) {
	var stdout, stderr bytes.Buffer
	code = run(ctx, append([]string{"sync", "--config", config}, args...), streams{in: strings.NewReader(""), out: &stdout, err: &stderr})
	return stdout.String(), stderr.String(), code
}

// A hook is a webhook that keeps what it is told.
type hook struct {
	*httptest.Server
	mu       sync.Mutex
	code     int
	messages []notify.Message
	signed   []bool
}

func newHook(t *testing.T) *hook {
	h := &hook{code: 200}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		var m notify.Message
		_ = json.Unmarshal(body, &m)
		h.messages = append(h.messages, m)
		h.signed = append(h.signed, r.Header.Get(notify.SignatureHeader) == notify.Sign("hunter2", body))
		w.WriteHeader(h.code)
	}))
	t.Cleanup(h.Close)
	return h
}

// take is what came since the last call.
func (h *hook) take(code int) []notify.Message {
	h.mu.Lock()
	defer h.mu.Unlock()
	got := h.messages
	h.messages, h.code = nil, code
	return got
}

// A webhook is told once of what is new; what it did not take is told again,
// and no run ends otherwise for it.
func TestSyncNotifies(t *testing.T) {
	h := newHook(t)
	config := syncDemo(t, fmt.Sprintf("notify: {url: %q, secret: hunter2, timeout: 2s}\n", h.URL+"/token"))
	h.take(403)
	_, errs, code := runSync(t.Context(), config)
	if got := h.take(200); code != exitAttention || len(got) != 1 || !strings.Contains(errs, "403") || strings.Contains(errs, "token") || strings.Contains(errs, "hunter2") {
		t.Fatalf("a webhook that refuses: status %d, told %d times, %q, want status 1, told once, and why", code, len(got), errs)
	}
	_, errs, code = runSync(t.Context(), config)
	got := h.take(200)
	if code != exitAttention || len(got) != 1 || errs != "" || got[0].Schema != notify.Schema || len(got[0].New) < 40 || got[0].New[0].Title == "" {
		t.Fatalf("status %d, %q, told %+v, want it told what was not taken", code, errs, got)
	}
	for _, ok := range h.signed {
		if !ok {
			t.Error("a message has no good signature")
		}
	}
	if runSync(t.Context(), config); len(h.take(200)) != 0 {
		t.Error("it was told of what is no news")
	}
	// One guest more is shut down.
	file := filepath.Join(filepath.Dir(config), "hosts/kvm01/new.xml")
	xml := `<domain type='kvm'><name>new</name><uuid>7d1ac0de-0000-4000-8000-000000000001</uuid><memory unit='MiB'>512</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='pc-i440fx-6.2'>hvm</type></os><devices/></domain>`
	if err := os.WriteFile(file, []byte(xml), 0o644); err != nil {
		t.Fatal(err)
	}
	runSync(t.Context(), config)
	if got := h.take(200); len(got) != 1 || len(got[0].New) != 1 || got[0].New[0].Domain != "new" {
		t.Errorf("told %+v, want of the new domain alone", got)
	}
}

// A webhook that never answers holds a run up for its time and no longer.
func TestSyncIsNotHeldUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	config := syncDemo(t, fmt.Sprintf("notify: {url: %q, timeout: 1s}\n", "http://"+l.Addr().String()))
	done := make(chan int, 1)
	go func() {
		_, _, code := runSync(t.Context(), config)
		done <- code
	}()
	select {
	case code := <-done:
		if code != exitAttention {
			t.Errorf("status %d, want %d", code, exitAttention)
		}
	case <-time.After(10 * time.Minute):
		t.Fatal("the run does not end")
	}
}

// The long-running mode answers with the metrics of its last run, runs again,
// and ends when it is asked to.
func TestSyncStays(t *testing.T) {
	config := syncDemo(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	ended := make(chan int, 1)
	go func() {
		_, _, code := runSync(ctx, config, "--every", "1s", "--listen", address)
		ended <- code
	}()
	scrape := func() string {
		resp, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			return ""
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return string(text)
	}
	until(t, func() bool { return strings.Contains(scrape(), "kvm2openstack_sync_last_run_success 1") })
	if text := scrape(); !strings.Contains(text, `kvm2openstack_host_up{host="kvm04"} 0`) || !strings.Contains(text, `kvm2openstack_domains{host="kvm01",verdict="ready"} 11`) {
		t.Errorf("metrics of the first run:\n%s", text)
	}
	// Another run is under way: this one is told, and tries again.
	j, err := journal.Open(t.Context(), filepath.Join(filepath.Dir(config), "kvm2openstack.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	var other *journal.Recorder
	until(t, func() bool {
		other, err = j.Start(t.Context(), journal.Run{Command: "kvm2openstack import"})
		return err == nil
	})
	until(t, func() bool { return strings.Contains(scrape(), "kvm2openstack_sync_last_run_success 0") })
	if err := other.End(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return strings.Contains(scrape(), "kvm2openstack_sync_last_run_success 1") })
	cancel()
	if code := <-ended; code != exitClean {
		t.Errorf("asked to end: status %d, want %d", code, exitClean)
	}
}

// until waits for what is bound to happen.
func until(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never happened")
		}
	}
}

// Two runs never overlap: the second is told who the first is, and what to do.
func TestSyncSecondRun(t *testing.T) {
	config := syncDemo(t, "")
	j, err := journal.Open(t.Context(), filepath.Join(filepath.Dir(config), "kvm2openstack.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	first, err := j.Start(t.Context(), journal.Run{Command: "kvm2openstack sync --apply"})
	if err != nil {
		t.Fatal(err)
	}
	host, _ := os.Hostname()
	_, errs, code := runSync(t.Context(), config)
	for _, want := range []string{"another run is under way", host, fmt.Sprintf("pid %d", os.Getpid()), "since 20", "sync --apply", "kill PID on HOST"} {
		if !strings.Contains(errs, want) {
			t.Errorf("the second run says %q, want %q in it", errs, want)
		}
	}
	if code != exitBlocked {
		t.Errorf("the second run ends with %d, want %d", code, exitBlocked)
	}
	if err := first.End(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := runSync(t.Context(), config); code != exitAttention {
		t.Errorf("after the first: status %d, %s", code, errs)
	}
}
