package openstack

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
	"testing"
)

// A fakeGlance keeps images as Glance does: lists show either hidden ones or
// the others, data is taken once, a protected image cannot be deleted.
type fakeGlance struct {
	t *testing.T

	mu     sync.Mutex
	images map[string]map[string]any
	made   int
}

// glance puts a Glance into the fake cloud.
func (f *fakeCloud) glance() *fakeGlance {
	g := &fakeGlance{t: f.t, images: map[string]map[string]any{}}
	f.handle("GET /image/v2/images", g.list)
	f.handle("POST /image/v2/images", g.create)
	f.handle("GET /image/v2/images/{id}", g.read)
	f.handle("PATCH /image/v2/images/{id}", g.update)
	f.handle("DELETE /image/v2/images/{id}", g.remove)
	f.handle("PUT /image/v2/images/{id}/file", g.upload)
	return g
}

// add is an image that is there already: project p-1's placeholder, complete.
func (g *fakeGlance) add(image map[string]any) (id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.made++
	id = fmt.Sprintf("image-%d", g.made)
	g.images[id] = map[string]any{
		"id": id, "name": "legacy-adopted (empty: never rebuild to it)", "owner": "p-1", "description": placeholderDescription,
		"status": "active", "size": placeholderSize, "disk_format": "raw", "container_format": "bare", "visibility": "private",
		"protected": true, "os_hidden": true, "min_disk": 0, "min_ram": 0, "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z",
	}
	maps.Copy(g.images[id], image)
	return id
}

func (g *fakeGlance) get(id string) map[string]any {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.images[id]
}

func (g *fakeGlance) set(id, key string, value any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.images[id] != nil {
		g.images[id][key] = value
	}
}

func (g *fakeGlance) list(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	q := r.URL.Query()
	if q.Has("name") {
		g.t.Errorf("%s: the colon in the name is an operator to Glance", r.URL)
	}
	shown := []any{}
	for _, i := range g.images {
		if i["os_hidden"] == (q.Get("os_hidden") == "true") && (!q.Has("owner") || i["owner"] == q.Get("owner")) {
			shown = append(shown, i)
		}
	}
	answer(w, 200, map[string]any{"images": shown})
}

func (g *fakeGlance) create(w http.ResponseWriter, r *http.Request) {
	var in map[string]any
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		g.t.Errorf("create image: %v", err)
	}
	for _, key := range []string{"min_disk", "min_ram"} {
		if in[key] != nil {
			g.t.Errorf("create image with %s %v", key, in[key])
		}
	}
	// What is not asked for has Glance's defaults.
	image := map[string]any{
		"owner": "p-admin", "description": nil, "visibility": "shared", "protected": false, "os_hidden": false,
		"disk_format": nil, "container_format": nil, "status": "queued", "size": nil,
	}
	maps.Copy(image, in)
	answer(w, 201, g.get(g.add(image)))
}

// of finds the image of the request, or answers 404.
func (g *fakeGlance) of(w http.ResponseWriter, r *http.Request) (id string, image map[string]any) {
	id = r.PathValue("id")
	if image = g.images[id]; image == nil {
		http.Error(w, "<html><body><h1>404 Not Found</h1>No image found with ID "+id+"</body></html>", http.StatusNotFound)
	}
	return id, image
}

func (g *fakeGlance) read(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, image := g.of(w, r); image != nil {
		answer(w, 200, image)
	}
}

func (g *fakeGlance) update(w http.ResponseWriter, r *http.Request) {
	var in []struct {
		Op, Path string
		Value    any
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		g.t.Errorf("update image: %v", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, image := g.of(w, r); image != nil {
		for _, change := range in {
			image[change.Path[1:]] = change.Value
		}
		answer(w, 200, image)
	}
}

func (g *fakeGlance) remove(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	id, image := g.of(w, r)
	switch {
	case image == nil:
	case image["protected"] == true:
		http.Error(w, "<html><body>403 Forbidden: Image "+id+" is protected and cannot be deleted.</body></html>", http.StatusForbidden)
	default:
		delete(g.images, id)
		w.WriteHeader(204)
	}
}

func (g *fakeGlance) upload(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	g.mu.Lock()
	defer g.mu.Unlock()
	id, image := g.of(w, r)
	switch {
	case image == nil:
	case image["status"] != "queued" && image["protected"] == true:
		http.Error(w, "<html><body>403 Forbidden: Not allowed to upload image data for image "+id+"</body></html>", http.StatusForbidden)
	case image["status"] != "queued":
		delete(g.images, id)
		http.Error(w, "Image "+id+" could not be found after upload.", http.StatusGone)
	case err != nil:
		g.t.Errorf("data of %s: %v", id, err)
	default:
		image["status"], image["size"] = "active", len(data)
		w.WriteHeader(204)
	}
}
