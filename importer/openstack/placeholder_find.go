package openstack

import (
	"context"
	"errors"
	"net/url"
	"strconv"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// isPlaceholder reports whether an image was made by EnsurePlaceholder.
func isPlaceholder(i images.Image) bool {
	description, _ := i.Properties["description"].(string)
	return i.Name == cloud.PlaceholderName && isMarked(description)
}

// underWay reports whether an image's data is being sent.
func underWay(s images.ImageStatus) bool {
	return s == images.ImageStatusSaving || s == images.ImageStatusImporting
}

// findPlaceholder returns the project's placeholder that is the furthest, and
// of those the oldest, so that runs at the same time choose the same one.
func (c *Cloud) findPlaceholder(ctx context.Context, projectID string) (best images.Image, found bool, err error) {
	// Glance lists hidden images, or the others, never both; and somebody may
	// have made ours visible.
	for _, hidden := range []bool{true, false} {
		all, err := c.imagesOf(ctx, projectID, hidden)
		if err != nil {
			return best, false, err
		}
		for _, i := range all {
			if isPlaceholder(i) && rank(i) > 0 && (!found || better(i, best)) {
				best, found = i, true
			}
		}
		if found {
			return best, true, nil
		}
	}
	return best, false, nil
}

// rank says how far an image is: 0 is of no use. One that Glance took for
// complete when its sender was gone has another size.
func rank(i images.Image) int {
	switch {
	case i.Status == images.ImageStatusActive && i.SizeBytes == placeholderSize:
		return 3
	case underWay(i.Status):
		return 2
	case i.Status == images.ImageStatusQueued:
		return 1
	}
	return 0
}

func better(a, b images.Image) bool {
	if rank(a) != rank(b) {
		return rank(a) > rank(b)
	}
	if !a.CreatedAt.Equal(b.CreatedAt) {
		return a.CreatedAt.Before(b.CreatedAt)
	}
	return a.ID < b.ID
}

// imagesOf lists a project's images. The name is not part of the question:
// Glance takes what stands before a colon for an operator
// (glance/common/utils.py, split_filter_op), and ours has one.
func (c *Cloud) imagesOf(ctx context.Context, projectID string, hidden bool) ([]images.Image, error) {
	return list[images.Image](ctx, c, "list the images of project "+projectID, listing{
		service: glance, client: c.image, path: "images", key: "images",
		query: url.Values{"owner": {projectID}, "os_hidden": {strconv.FormatBool(hidden)}},
	})
}

func (c *Cloud) imageByID(ctx context.Context, id string) (has images.Image, err error) {
	err = c.ask(ctx, glance, "read image "+id, func(ctx context.Context) error {
		answer, err := images.Get(ctx, c.image, id).Extract()
		if err == nil && (answer == nil || answer.ID != id) {
			err = errors.New("the answer is not this image")
		}
		if err == nil {
			has = *answer
		}
		return err
	})
	return has, err
}
