package openstack

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

func TestEnsurePlaceholder(t *testing.T) {
	for _, c := range []struct {
		name string
		has  []map[string]any
		want string
		made bool
	}{
		{"none", nil, "image-1", true},
		{"there", []map[string]any{{}}, "image-1", false},
		{"another project's", []map[string]any{{"owner": "p-2"}}, "image-2", true},
		{"another name", []map[string]any{{"name": "cirros"}}, "image-2", true},
		{"not ours", []map[string]any{{"description": "an empty image"}}, "image-2", true},
		{"no description", []map[string]any{{"description": nil}}, "image-2", true},
		{"visible", []map[string]any{{"os_hidden": false}}, "image-1", false},
		{"not protected", []map[string]any{{"protected": false}}, "image-1", false},
		{"without data", []map[string]any{{"status": "queued", "size": nil}}, "image-1", true},
		{"cut short", []map[string]any{{"size": 4096}}, "image-2", true},
		{"killed", []map[string]any{{"status": "killed", "size": nil}}, "image-2", true},
		{"the complete one first", []map[string]any{{"status": "queued", "size": nil}, {"created_at": "2026-02-01T00:00:00Z"}}, "image-2", false},
		{"the oldest of several", []map[string]any{{"created_at": "2026-02-01T00:00:00Z"}, {}}, "image-2", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			g := f.glance()
			for _, i := range c.has {
				g.add(i)
			}
			cl := f.open(t)
			id, made, err := cl.EnsurePlaceholder(t.Context(), "p-1")
			if err != nil || id != c.want || made != c.made {
				t.Fatalf("EnsurePlaceholder = %s, made %t, %v, want %s, %t", id, made, err, c.want, c.made)
			}
			checkPlaceholder(t, g.get(id))
			if hidden := g.get(id)["os_hidden"]; c.made && hidden != true {
				t.Errorf("os_hidden: %v", hidden)
			}
			if again, made, err := cl.EnsurePlaceholder(t.Context(), "p-1"); err != nil || made || again != id {
				t.Errorf("EnsurePlaceholder again = %s, made %t, %v", again, made, err)
			}
		})
	}
}

func checkPlaceholder(t *testing.T, has map[string]any) {
	t.Helper()
	for key, want := range map[string]any{
		"name": cloud.PlaceholderName, "owner": "p-1", "status": "active", "disk_format": "raw", "container_format": "bare",
		"visibility": "private", "protected": true, "size": placeholderSize,
	} {
		if has[key] != want {
			t.Errorf("%s: %v, want %v", key, has[key], want)
		}
	}
}

// TestEnsurePlaceholderKilled breaks off behind each request, and asks again.
func TestEnsurePlaceholderKilled(t *testing.T) {
	for _, c := range []struct {
		name, pattern string
		h             func(*fakeGlance) http.HandlerFunc
		found         bool // by the same call, for an image can be looked for
	}{
		{"create", "POST /image/v2/images", func(g *fakeGlance) http.HandlerFunc { return g.create }, true},
		{"upload", "PUT /image/v2/images/{id}/file", func(g *fakeGlance) http.HandlerFunc { return g.upload }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			g := f.glance()
			f.handle(c.pattern, lost(c.h(g)))
			cl := f.open(t)
			if _, _, err := cl.EnsurePlaceholder(t.Context(), "p-1"); (err == nil) != c.found {
				t.Errorf("EnsurePlaceholder whose answer is lost = %v", err)
			}
			f.handle(c.pattern, c.h(g))
			id, _, err := cl.EnsurePlaceholder(t.Context(), "p-1")
			if err != nil || len(g.images) != 1 {
				t.Fatalf("EnsurePlaceholder afterwards = %v, with %d images", err, len(g.images))
			}
			checkPlaceholder(t, g.get(id))
		})
	}
}

// TestEnsurePlaceholderNotDone: what Glance does not do is asked for once.
func TestEnsurePlaceholderNotDone(t *testing.T) {
	for _, status := range []int{403, 500} {
		f := newFake(t)
		f.glance()
		f.handle("POST /image/v2/images", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>no</html>", status) })
		if _, _, err := f.open(t).EnsurePlaceholder(t.Context(), "p-1"); !answered(err, status) || f.called("POST /image") != 1 {
			t.Errorf("EnsurePlaceholder answered %d = %v after %d requests", status, err, f.called("POST /image"))
		}
	}
}

// TestEnsurePlaceholderUnlisted: an image that is made and not listed yet is
// not made again.
func TestEnsurePlaceholderUnlisted(t *testing.T) {
	f := newFake(t)
	g := f.glance()
	f.handle("GET /image/v2/images", func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, map[string]any{"images": []any{}}) })
	if _, _, err := f.open(t).EnsurePlaceholder(t.Context(), "p-1"); !errors.Is(err, cloud.ErrConflict) || len(g.images) != 1 {
		t.Errorf("EnsurePlaceholder = %v, with %d images, want cloud.ErrConflict and one", err, len(g.images))
	}
}

// TestEnsurePlaceholderSending: another run that sends the data is waited for.
func TestEnsurePlaceholderSending(t *testing.T) {
	f := newFake(t)
	g := f.glance()
	id := g.add(map[string]any{"status": "saving", "size": nil})
	cl := f.open(t)
	time.AfterFunc(100*time.Millisecond, func() { g.set(id, "size", placeholderSize); g.set(id, "status", "active") })
	if got, made, err := cl.EnsurePlaceholder(t.Context(), "p-1"); err != nil || made || got != id {
		t.Errorf("EnsurePlaceholder = %s, made %t, %v, want the other run's %s", got, made, err, id)
	}
}

// TestEnsurePlaceholderStuck: one that was killed while it sent the data is cleared away.
func TestEnsurePlaceholderStuck(t *testing.T) {
	f := newFake(t)
	g := f.glance()
	id := g.add(map[string]any{"status": "saving", "size": nil})
	cfg := f.config(t)
	cfg.Timeout = 1500 * time.Millisecond
	cl, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	got, made, err := cl.EnsurePlaceholder(t.Context(), "p-1")
	if err != nil || !made || got == id || g.get(id) != nil {
		t.Errorf("EnsurePlaceholder = %s, made %t, %v, the interrupted one is %v", got, made, err, g.get(id))
	}
}

// TestEnsurePlaceholderSentByAnother: another run sends the data between the look and the request.
func TestEnsurePlaceholderSentByAnother(t *testing.T) {
	f := newFake(t)
	g := f.glance()
	id := g.add(map[string]any{"status": "queued", "size": nil})
	f.handle("PUT /image/v2/images/{id}/file", func(w http.ResponseWriter, r *http.Request) {
		g.set(id, "size", placeholderSize)
		g.set(id, "status", "active")
		g.upload(w, r)
	})
	if got, made, err := f.open(t).EnsurePlaceholder(t.Context(), "p-1"); err != nil || made || got != id || g.get(id) == nil {
		t.Errorf("EnsurePlaceholder = %s, made %t, %v, want the other run's %s", got, made, err, id)
	}
}

// TestEnsurePlaceholderRefused: Glance says the same of that and of what is really forbidden.
func TestEnsurePlaceholderRefused(t *testing.T) {
	f := newFake(t)
	g := f.glance()
	g.add(map[string]any{"status": "queued", "size": nil})
	f.handle("PUT /image/v2/images/{id}/file", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "Not allowed to upload", http.StatusForbidden)
	})
	_, _, err := f.open(t).EnsurePlaceholder(t.Context(), "p-1")
	if !answered(err, 403) || f.called("PUT /image") != 1 {
		t.Errorf("EnsurePlaceholder = %v after %d tries, want the refusal after one", err, f.called("PUT /image"))
	}
}

// TestEnsurePlaceholderMadeByAnother: another run makes its image between the look and the request.
func TestEnsurePlaceholderMadeByAnother(t *testing.T) {
	f := newFake(t)
	g := f.glance()
	f.handle("POST /image/v2/images", func(w http.ResponseWriter, r *http.Request) {
		g.add(nil)
		g.create(w, r)
	})
	got, made, err := f.open(t).EnsurePlaceholder(t.Context(), "p-1")
	if err != nil || made || got != "image-1" || len(g.images) != 1 {
		t.Errorf("EnsurePlaceholder = %s, made %t, %v, with %d images, want the other run's alone", got, made, err, len(g.images))
	}
}

func TestDeletePlaceholder(t *testing.T) {
	f := newFake(t)
	g := f.glance()
	ours := g.add(nil)
	begun := g.add(map[string]any{"status": "queued", "size": nil, "protected": false})
	foreign := g.add(map[string]any{"description": "golden", "protected": false})
	named := g.add(map[string]any{"name": "golden", "protected": false})
	cl := f.open(t)
	for _, id := range []string{ours, ours, begun, foreign, named, "never-was"} {
		if err := cl.DeletePlaceholder(t.Context(), id); err != nil {
			t.Errorf("DeletePlaceholder(%s) = %v", id, err)
		}
	}
	if g.get(ours) != nil || g.get(begun) != nil || g.get(foreign) == nil || g.get(named) == nil {
		t.Errorf("left: %v", g.images)
	}
	id := g.add(nil)
	f.handle("DELETE /image/v2/images/{id}", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "Image is in use", http.StatusConflict) })
	if err := cl.DeletePlaceholder(t.Context(), id); err == nil || !strings.Contains(err.Error(), "Image is in use") {
		t.Errorf("DeletePlaceholder of one in use = %v", err)
	}
}
