package openstack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

const (
	// placeholderSize is what Nova copies once into a host's _base at the
	// first resize.
	placeholderSize = 1 << 20
	// placeholderDescription says what the image is to whoever finds it.
	placeholderDescription = cloud.Mark + "what adopted instances refer to; resize and cold migration need an image, and this one has nothing in it"
	// placeholderTries bounds how often the images are looked at anew when
	// another run is at work on the same one.
	placeholderTries = 5
	// placeholderPoll is how often another run's upload is looked at.
	placeholderPoll = 500 * time.Millisecond
)

// EnsurePlaceholder returns the id of the project's placeholder image, which
// is known by its name, its owner and cloud.Mark. If there is none with its
// data, it is made: private to the project, hidden from its lists, protected
// from deletion, and without demands on disk or memory, so that Nova takes it
// for every flavor. made says that this call did so, or sent the data that an
// earlier one had not.
func (c *Cloud) EnsurePlaceholder(ctx context.Context, projectID string) (imageID string, made bool, err error) {
	imageID, made, err = c.ensurePlaceholder(ctx, projectID)
	if err != nil {
		return "", false, fmt.Errorf("make placeholder image of project %s: %w", projectID, err)
	}
	return imageID, made, nil
}

func (c *Cloud) ensurePlaceholder(ctx context.Context, projectID string) (id string, made bool, err error) {
	created, refused := "", "" // ids: made by this call, and would not take its data
	var unsure, why error      // of the creation; of the refusal
	for range placeholderTries {
		best, found, err := c.findPlaceholder(ctx, projectID)
		switch {
		case err != nil:
			return "", false, err
		case !found && unsure != nil: // it was not carried out
			return "", false, unsure
		case !found && created != "": // a database node that lags behind; a second image would be no help
			return "", false, fmt.Errorf("%w: Glance has made image %s and does not list it; try again", cloud.ErrConflict, created)
		case !found:
			if created, unsure = c.createPlaceholder(ctx, projectID); unsure != nil && !doubtful(unsure) {
				return "", false, unsure
			}
		case best.Status == images.ImageStatusQueued && best.ID == refused:
			return "", false, why // nobody else was at it
		case best.Status == images.ImageStatusQueued:
			if why = c.uploadPlaceholder(ctx, best.ID); why == nil {
				made = true
			} else if refused = best.ID; doubtful(why) {
				return "", false, why
			}
		case best.Status != images.ImageStatusActive:
			if err := c.awaitUpload(ctx, best.ID); err != nil {
				return "", false, err
			}
		default:
			return best.ID, made, c.settlePlaceholder(ctx, best, created)
		}
	}
	return "", false, fmt.Errorf("%w: looked at the image %d times, and it was another one or unfinished", cloud.ErrConflict, placeholderTries)
}

// createPlaceholder makes the image without its data. An answer that is lost
// is no error of its own: what was made is found at the next look.
func (c *Cloud) createPlaceholder(ctx context.Context, projectID string) (id string, err error) {
	private, yes := images.ImageVisibilityPrivate, true
	err = c.ask(ctx, glance, "create it", func(ctx context.Context) error {
		answer, err := images.Create(ctx, c.image, images.CreateOpts{
			Name: cloud.PlaceholderName, Visibility: &private, Hidden: &yes, Protected: &yes,
			ContainerFormat: "bare", DiskFormat: "raw",
			// Only an administrator may give an image to another project.
			Properties: map[string]string{"owner": projectID, "description": placeholderDescription},
		}).Extract()
		if err == nil && (answer == nil || answer.ID == "") {
			err = errors.New("the answer has no image")
		}
		if err == nil {
			id = answer.ID
		}
		return err
	})
	return id, err
}

// uploadPlaceholder sends the data. When another run is quicker, Glance tries
// to delete the image, and does if it is not protected (seen with 25.1): then
// it answers 410, and otherwise 403 or 409.
func (c *Cloud) uploadPlaceholder(ctx context.Context, id string) error {
	return c.ask(ctx, glance, "send the data of image "+id, func(ctx context.Context) error {
		return imagedata.Upload(ctx, c.image, id, bytes.NewReader(make([]byte, placeholderSize))).ExtractErr()
	})
}

// awaitUpload waits for another run to send the data, which takes a second.
// One that is still at it after the deadline for a call was interrupted, and
// Glance keeps such an image in this state for good: it is deleted.
func (c *Cloud) awaitUpload(ctx context.Context, id string) error {
	until := time.After(c.timeout)
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-until:
			return c.DeletePlaceholder(ctx, id)
		case <-time.After(placeholderPoll):
		}
		has, err := c.imageByID(ctx, id)
		switch {
		case isAbsent(err):
			return nil
		case err != nil:
			return err
		case !underWay(has.Status):
			return nil
		}
	}
}

// settlePlaceholder protects the image again, should a deletion have been
// interrupted, and deletes the one that this call made when another run was
// quicker.
func (c *Cloud) settlePlaceholder(ctx context.Context, best images.Image, created string) error {
	if !best.Protected {
		if err := c.protect(ctx, best.ID, true); err != nil {
			return err
		}
	}
	if created == "" || created == best.ID {
		return nil
	}
	return c.DeletePlaceholder(ctx, created)
}

// DeletePlaceholder deletes a placeholder image with cloud.Mark, protected as
// it is; another is left alone, and gone already is fine. Glance does not know
// which instances refer to it: who asks for it has looked.
func (c *Cloud) DeletePlaceholder(ctx context.Context, imageID string) error {
	if err := c.deletePlaceholder(ctx, imageID); err != nil && !isAbsent(err) {
		return fmt.Errorf("delete placeholder image %s: %w", imageID, err)
	}
	return nil
}

func (c *Cloud) deletePlaceholder(ctx context.Context, imageID string) error {
	has, err := c.imageByID(ctx, imageID)
	if err != nil {
		return err
	}
	if !isPlaceholder(has) {
		c.log.Info("image left alone: it was not made for adoptions", "image", has.Name, "id", imageID)
		return nil
	}
	if has.Protected {
		if err := c.protect(ctx, imageID, false); err != nil {
			return err
		}
	}
	return c.ask(ctx, glance, "delete it", func(ctx context.Context) error {
		return images.Delete(ctx, c.image, imageID).ExtractErr()
	})
}

func (c *Cloud) protect(ctx context.Context, id string, on bool) error {
	return c.ask(ctx, glance, fmt.Sprintf("set protected of image %s to %t", id, on), func(ctx context.Context) error {
		return images.Update(ctx, c.image, id, images.UpdateOpts{images.ReplaceImageProtected{NewProtected: on}}).Err
	})
}
