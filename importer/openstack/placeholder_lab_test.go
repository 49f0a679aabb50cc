//go:build lab

package openstack

import (
	"sync"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

func TestLabPlaceholder(t *testing.T) {
	p := newLabProject(t)
	id, made, err := p.EnsurePlaceholder(t.Context(), p.id)
	if err != nil || !made {
		t.Fatalf("EnsurePlaceholder = made %t, %v", made, err)
	}
	if again, made, err := p.EnsurePlaceholder(t.Context(), p.id); err != nil || made || again != id {
		t.Errorf("EnsurePlaceholder again = %s, made %t, %v, want %s", again, made, err, id)
	}
	has, err := images.Get(t.Context(), p.member.image, id).Extract()
	if err != nil {
		t.Fatalf("the project's user cannot see it: %v", err)
	}
	if has.Status != images.ImageStatusActive || has.SizeBytes != placeholderSize || has.DiskFormat != "raw" || has.ContainerFormat != "bare" ||
		!has.Protected || !has.Hidden || has.Visibility != images.ImageVisibilityPrivate || has.Owner != p.id ||
		has.MinDiskGigabytes != 0 || has.MinRAMMegabytes != 0 || has.Name != cloud.PlaceholderName {
		t.Errorf("its user sees %+v", has)
	}
	if list := p.ids(p.member.image, "images", "images"); len(list) > 0 {
		for _, one := range list {
			if one == id {
				t.Error("its user's list shows it")
			}
		}
	}
	// Somebody unprotects it and makes it visible.
	shown := images.UpdateOpts{images.ReplaceImageProtected{NewProtected: false}, images.ReplaceImageHidden{NewHidden: false}}
	if err := images.Update(t.Context(), p.image, id, shown).Err; err != nil {
		t.Fatal(err)
	}
	if again, made, err := p.EnsurePlaceholder(t.Context(), p.id); err != nil || made || again != id {
		t.Errorf("EnsurePlaceholder of a visible one = %s, made %t, %v, want %s", again, made, err, id)
	}
	if has, err := p.imageByID(t.Context(), id); err != nil || !has.Protected {
		t.Errorf("it is not protected again: %v", err)
	}
	for range 2 {
		if err := p.DeletePlaceholder(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if _, err := p.imageByID(t.Context(), id); !answered(err, 404) {
		t.Errorf("after DeletePlaceholder: %v, want 404", err)
	}
}

// TestLabPlaceholderInterrupted begins as a run that was killed between the
// image and its data.
func TestLabPlaceholderInterrupted(t *testing.T) {
	p := newLabProject(t)
	begun, err := p.createPlaceholder(t.Context(), p.id)
	if err != nil {
		t.Fatal(err)
	}
	id, made, err := p.EnsurePlaceholder(t.Context(), p.id)
	if err != nil || !made || id != begun {
		t.Errorf("EnsurePlaceholder = %s, made %t, %v, want %s completed", id, made, err, begun)
	}
	if err := p.DeletePlaceholder(t.Context(), begun); err != nil {
		t.Error(err)
	}
}

// TestLabPlaceholderAtOnce: of several runs none fails, and their images are
// found afterwards. (Two runs within one second may each keep theirs.)
func TestLabPlaceholderAtOnce(t *testing.T) {
	p := newLabProject(t)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if _, _, err := p.EnsurePlaceholder(t.Context(), p.id); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if id, made, err := p.EnsurePlaceholder(t.Context(), p.id); err != nil || made {
		t.Errorf("EnsurePlaceholder afterwards = %s, made %t, %v, want one of theirs", id, made, err)
	}
	left := p.ids(p.image, "images?os_hidden=true&owner="+p.id, "images")
	t.Logf("%d images of three runs at once", len(left))
	for _, id := range left {
		if err := p.DeletePlaceholder(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
}
