package onboard

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// own are settings with commands of an operator's own, and a script that stands
// for the host: its file is in a folder of the test, and its times are short.
type own struct {
	t      *testing.T
	folder string
}

func (o own) path(name string) string { return filepath.Join(o.folder, name) }

func (o own) run(start, stop string) (string, error) {
	o.t.Helper()
	s := Settings{FirstStart: start, FirstStop: stop, FirstLimit: time.Second}
	script := strings.NewReplacer(FirstStartFile, o.path("conf"), "timeout -k 10 100 ", "timeout -k 1 1 ").Replace(s.limited(Host{}))
	out, err := machine{run: runHere}.Run(o.t.Context(), script)
	return out, err
}

func (o own) write(name string) {
	o.t.Helper()
	if err := os.WriteFile(o.path(name)+".new", []byte(name), 0o600); err != nil {
		o.t.Fatal(err)
	}
	if err := os.Rename(o.path(name)+".new", o.path(name)); err != nil {
		o.t.Fatal(err)
	}
}

func (o own) there(name string) bool {
	_, err := os.Stat(o.path(name))
	return err == nil
}

// eventually waits for what has to come, however slow the machine is.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 600 {
		if is() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s: not so within a minute", what)
}

// A first_start that does not come back is ended with all that it has begun.
func TestFirstStartThatDoesNotReturn(t *testing.T) {
	o := own{t, t.TempDir()}
	o.write("conf")
	out, err := o.run(`echo "it's running"; echo $$ >`+o.path("pid")+"; sleep 600", "true")
	if err == nil || !strings.Contains(out, "it's running") || !strings.Contains(out, "has not come back within 1m40s") || !strings.Contains(err.Error(), "it failed") {
		t.Errorf("Run = %q, %v", out, err)
	}
	pid, err := os.ReadFile(o.path("pid"))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is gone", func() bool {
		_, err := os.Stat("/proc/" + strings.TrimSpace(string(pid)))
		return os.IsNotExist(err)
	})
}

// One that does is as good, or bad, as it says, and what it has left runs on.
func TestFirstStartReturns(t *testing.T) {
	o := own{t, t.TempDir()}
	o.write("conf")
	if out, err := o.run("cat $FIRST_START; exit 3", "true"); out != "conf" || err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("Run = %q, %v", out, err)
	}
	left := "(sleep 2; touch " + o.path("left") + ") &"
	if out, err := o.run(left, "true"); err != nil {
		t.Errorf("Run = %q, %v", out, err)
	}
	eventually(t, "what was left in the background has come to its end", func() bool { return o.there("left") })
}

// The host itself ends a first start, with nobody there to do it; and not the
// next one in place of one that was ended.
func TestFirstStartIsLimited(t *testing.T) {
	o := own{t, t.TempDir()}
	o.write("conf")
	first := own{t, o.folder}
	if _, err := first.run("true", "touch "+o.path("wrong")); err != nil {
		t.Fatal(err)
	}
	o.write("conf") // another one of this name
	if _, err := o.run("true", "touch "+o.path("'stopped'")+" # at last"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it was ended", func() bool { return o.there("stopped") })
	if o.there("wrong") {
		t.Error("the second first start was ended by what was to end the first one")
	}
}
