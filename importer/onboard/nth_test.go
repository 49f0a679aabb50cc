package onboard

import (
	"context"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/nova"
)

// nthFails is a world whose n-th change fails: by turns before it is made and
// after it, as when only the answer is lost.
type nthFails struct {
	*fakeWorld
	n      int
	err    error
	failed string // the call that did
}

func (c *nthFails) open(context.Context, discover.Host) (Machine, error) { return c, nil }

// at does a call unless its time has come.
func (c *nthFails) at(call string, do func() error) error {
	c.n--
	if c.n != -1 {
		return do()
	}
	c.failed = call
	if len(c.calls)%2 == 0 {
		_ = do() // the answer is lost
	}
	return c.err
}

func (c *nthFails) AddService(ctx context.Context, s nova.NewService) error {
	return c.at("open", func() error { return c.fakeWorld.AddService(ctx, s) })
}

func (c *nthFails) MapHost(ctx context.Context, host, cell string) (id int64, made bool, err error) {
	err = c.at("MapHost", func() (err error) { id, made, err = c.fakeWorld.MapHost(ctx, host, cell); return err })
	return id, made, err
}

func (c *nthFails) DisableService(ctx context.Context, uuid, reason string) error {
	return c.at("DisableService", func() error { return c.fakeWorld.DisableService(ctx, uuid, reason) })
}

func (c *nthFails) Give(ctx context.Context, path string, text []byte, user string) error {
	return c.at("Give", func() error { return c.fakeWorld.Give(ctx, path, text, user) })
}

func (c *nthFails) Remove(ctx context.Context, path string) error {
	return c.at("Remove", func() error { return c.fakeWorld.Remove(ctx, path) })
}

func (c *nthFails) Run(ctx context.Context, command string) (string, error) {
	return "", c.at(lastWord(command), func() error { _, err := c.fakeWorld.Run(ctx, command); return err })
}
