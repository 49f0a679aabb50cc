//go:build integration || bench

package report

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a browser may take for one test; it bounds a hang and
// measures nothing.
const patience = 10 * time.Minute

// browser starts a Chromium for one test, with nothing of any other, and ends
// it with the test.
func browser(t testing.TB) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v; testdata/services/install.sh installs it", err)
	}
	profile, err := os.MkdirTemp("", "k2o-chromium")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), patience)
	ctx, end := chromedp.NewExecAllocator(ctx,
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true), chromedp.WindowSize(1400, 1000),
	)
	ctx, _ = chromedp.NewContext(ctx) // ends with the browser
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("end %s: %v", path, err)
		}
		end()
		stop()
		os.RemoveAll(profile) // in a temporary folder
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx
}

// A visit is one page in a tab, with what the browser said meanwhile.
type visit struct {
	t   testing.TB
	ctx context.Context

	mu       sync.Mutex
	requests []string
	said     []string // errors, warnings, dialogs
}

// open shows a page as it would open from a disk, after the steps.
func open(t testing.TB, ctx context.Context, text string, first ...step) *visit {
	t.Helper()
	file := filepath.Join(t.TempDir(), "audit.html")
	write(t, file, text)
	v := &visit{t: t}
	var end context.CancelFunc
	v.ctx, end = chromedp.NewContext(ctx, chromedp.WithListener(v.listen))
	t.Cleanup(end)
	v.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
		return err
	}))
	v.do(first...)
	v.do(chromedp.Navigate("file://" + file))
	return v
}

func (v *visit) listen(event any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		v.requests = append(v.requests, e.Request.URL)
	case *runtime.EventExceptionThrown:
		v.said = append(v.said, fmt.Sprint(e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		v.said = append(v.said, "console: "+string(e.Type))
	case *log.EventEntryAdded:
		v.said = append(v.said, e.Entry.Text)
	case *page.EventJavascriptDialogOpening:
		v.said = append(v.said, "dialog: "+e.Message)
	}
}

type step = chromedp.Action[chromedp.Void]

func (v *visit) do(steps ...step) {
	v.t.Helper()
	if err := chromedp.Do(v.ctx); err != nil { // makes the tab, which lives as long as its context
		v.t.Fatal(err)
	}
	ctx, end := context.WithTimeout(v.ctx, patience/5)
	defer end()
	if err := chromedp.Do(ctx, steps...); err != nil {
		v.t.Fatal(err)
	}
}

func (v *visit) click(css string) {
	v.t.Helper()
	v.do(chromedp.Click(chromedp.CSS(css)))
}

// set fills in a field as a person does: its page is told.
func (v *visit) set(id, text string) {
	v.t.Helper()
	value[any](v, fmt.Sprintf(`(f => { f.value = %q; f.dispatchEvent(new Event("input", {bubbles: true})); return null })(document.getElementById(%q))`, text, id))
}

// value is what an expression is in the page.
func value[T any](v *visit, expression string) T {
	v.t.Helper()
	out, err := chromedp.Run(v.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		v.t.Fatalf("%s: %v", expression, err)
	}
	return out
}

// keep leaves what a test made where a person can look at it, if one wants to.
func keep(t testing.TB, name string, data []byte) {
	t.Helper()
	dir := os.Getenv("K2O_TEST_KEEP")
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
		t.Error(err)
	}
}

// scripts switches those of pages on or off.
func scripts(on bool) step {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	})
}
