package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var (
	ownStyle  = regexp.MustCompile(`(?s)<style>.*?</style>`)
	ownScript = regexp.MustCompile(`(?s)<script>.*?</script>`)
	ownDigest = regexp.MustCompile(`sha256-[A-Za-z0-9+/&#;]*=`)
	dataBlock = regexp.MustCompile(`(?s)<script type="application/json" [^>]*>(.*?)</script>`)
)

// The page as it is written, but for its own style and script.
func TestPageGolden(t *testing.T) {
	got := pageText(t, read(t, variety(), smallNova{}))
	got = ownStyle.ReplaceAllString(got, "<style>…</style>")
	got = ownScript.ReplaceAllString(got, "<script>…</script>")
	got = ownDigest.ReplaceAllString(got, "sha256-…")
	const golden = "testdata/page.html"
	if *update {
		write(t, golden, got)
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the page is not that of %s (-update rewrites it): %s", golden, diff)
	}
}

// blocks are the JSON parts of a page of one class, decoded one after the other.
func blocks[T any](t *testing.T, page, class string) (all []T) {
	t.Helper()
	for _, m := range dataBlock.FindAllStringSubmatch(page, -1) {
		if !strings.Contains(m[0][:80], class) {
			continue
		}
		var part []T
		if err := json.Unmarshal([]byte(m[1]), &part); err != nil {
			t.Fatalf("block %s: %v", class, err)
		}
		all = append(all, part...)
	}
	return all
}

// What a host says can neither end the block it stands in nor begin another.
func TestPageKeepsTextText(t *testing.T) {
	text := pageText(t, read(t, variety(), smallNova{}))
	bare := ownScript.ReplaceAllString(ownStyle.ReplaceAllString(text, ""), "")
	for _, bad := range []string{"<script>alert", "<img", "<svg onload", "</script><", "\u2028", "\u2029", "\u202e", "<b>ich6", "<!--"} {
		if strings.Contains(bare, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	// Each block of data ends where it should: nothing of it is left over.
	rest := dataBlock.ReplaceAllString(bare, "")
	if n := strings.Count(rest, "</script"); n != 0 {
		t.Errorf("%d ends of scripts are none of ours", n)
	}
	i := slices.IndexFunc(blocks[row](t, text, `class="rows"`), func(r row) bool { return r.Name == hostileName })
	if i < 0 || !strings.Contains(text, "&lt;/script&gt;&lt;img src=x onerror=alert(2)&gt;") {
		t.Fatalf("no row has the name %q, or none the name %q", hostileName, refusedName)
	}
	d := blocks[detail](t, text, `class="details"`)[i]
	if !slices.Contains(d.Facts, fact{"Description", Line(hostileDescription)}) || d.Disks[0].Source != hostilePath {
		t.Errorf("description or path is not what the host said: %q, %q", d.Facts, d.Disks)
	}
}

// Every domain that was found has its row, its details and a line for those
// without scripts.
func TestPageLeavesNobodyOut(t *testing.T) {
	fleet := map[string][]shape{"kvm02": nil}
	for n := range 2*chunkSize + 3 {
		fleet["kvm01"] = append(fleet["kvm01"], plain(n))
	}
	r := read(t, fleet, nil)
	text := pageText(t, r)
	rows, details := blocks[row](t, text, `class="rows"`), blocks[detail](t, text, `class="details"`)
	want := r.Totals().Found
	if len(rows) != want || len(details) != want || want != 2*chunkSize+4 {
		t.Errorf("%d rows and %d details of %d domains", len(rows), len(details), want)
	}
	if got := strings.Count(text, "<tr><th scope=\"row\"><bdi>web-"); got != want-1 {
		t.Errorf("%d plain lines, want %d", got, want-1)
	}
	if got := strings.Count(text, `class="rows"`); got != 4 {
		t.Errorf("%d chunks, want 4: three of kvm01, and kvm02's", got)
	}
	if last := rows[want-1]; last.Verdict != "unreadable" || last.Why == "" {
		t.Errorf("what could not be read is %+v", last)
	}
}

// The page names no other place: it must open from a disk, years later.
func TestPageNeedsNothing(t *testing.T) {
	text := pageText(t, read(t, map[string][]shape{"kvm01": {plain(1)}, "kvm02": {plain(2)}}, nil))
	for _, bad := range []string{"http:", "https:", "src=", "url(", "@import", "<link", "<iframe", "fetch(", "XMLHttpRequest", "innerHTML", "insertAdjacentHTML", "document.write", "eval("} {
		all := strings.Count(text, bad)
		for _, m := range dataBlock.FindAllString(text, -1) {
			all -= strings.Count(m, bad)
		}
		if bad == "url(" {
			all -= strings.Count(text, "url(#hatch)") // in the page itself
		}
		if all > 0 {
			t.Errorf("the page has %q %d times", bad, all)
		}
	}
}

// A writer that fails ends the page with its error: no half page for a whole one.
func TestPageFails(t *testing.T) {
	r := read(t, variety(), nil)
	var whole bytes.Buffer
	if err := AuditHTML(&whole, r, testPage); err != nil {
		t.Fatal(err)
	}
	for _, room := range []int{0, 100, whole.Len() - 1} {
		err := AuditHTML(&fullDisk{room: room}, r, testPage)
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("after %d bytes: %v, want %v", room, err, syscall.ENOSPC)
		}
	}
}

type fullDisk struct{ room int }

func (f *fullDisk) Write(p []byte) (int, error) {
	if len(p) > f.room {
		return 0, syscall.ENOSPC
	}
	f.room -= len(p)
	return len(p), nil
}

// Written a second time the page is the same.
func TestPageIsStable(t *testing.T) {
	r := read(t, variety(), smallNova{})
	var first, second bytes.Buffer
	for _, w := range []io.Writer{&first, &second} {
		if err := AuditHTML(w, r, testPage); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two pages of one report differ")
	}
}

// One system under the names of its agent and of its definition is one.
func TestGuestName(t *testing.T) {
	for name, want := range map[string]string{
		"Debian GNU/Linux 11 (bullseye)": "Debian 11", "Debian 11": "Debian 11",
		"CentOS Linux 7 (Core)": "CentOS 7", "CentOS 7.0": "CentOS 7", "CentOS 5.5": "CentOS 5.5",
		"Ubuntu 22.04.5 LTS": "Ubuntu 22.04", "Ubuntu 20.04": "Ubuntu 20.04",
		"Windows Server 2019 Standard": "Windows Server 2019", "Windows Server 2012 R2 Datacenter Evaluation": "Windows Server 2012 R2", "Windows Server 2019": "Windows Server 2019",
		"Red Hat Enterprise Linux 8.4 (Ootpa)": "Red Hat Enterprise Linux 8.4", "Windows 10": "Windows 10", "<b>\u202e": `<b>\u202e`, "(x)": "(x)",
	} {
		if got := guestName(discover.Guest{Name: name, Family: "linux"}); got != want {
			t.Errorf("guestName(%q) = %q, want %q", name, got, want)
		}
	}
	for family, want := range map[string]string{"windows": "Windows, version unknown", "bsd": "BSD, version unknown", "unknown": "Unknown", "": "Unknown"} {
		if got := guestName(discover.Guest{Family: family}); got != want {
			t.Errorf("guestName of the family %q = %q, want %q", family, got, want)
		}
	}
}
