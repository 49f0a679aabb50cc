package plan

import "cmp"

// owner resolves the project and the user that the instance belongs to.
func (b *builder) owner(d *draft) {
	d.Project = b.Settings.project(d.rule)
	d.User = cmp.Or(d.rule.User, b.Settings.Defaults.User)
	if d.Project == "" {
		d.find(blockedProject, "No project is named for it.")
	} else if p, err := b.Cloud.Project(d.Project); err != nil {
		d.find(blockedProject, "Its owner is not clear: %v.", err)
	} else {
		d.Project, d.ProjectID = cmp.Or(p.Name, d.Project), p.ID
	}
	if d.User == "" {
		d.find(blockedUser, "No user is named for it.")
	} else if u, err := b.Cloud.User(d.User); err != nil {
		d.find(blockedUser, "Its owner is not clear: %v.", err)
	} else {
		d.User, d.UserID = cmp.Or(u.Name, d.User), u.ID
	}
}

// image chooses what stands for the image the guest never had. Where the
// import can make one that is the project's own placeholder.
func (b *builder) image(d *draft) {
	want := cmp.Or(d.rule.ImageRef, b.Settings.Defaults.PlaceholderImage)
	switch {
	case want == "" && b.live():
		d.Placeholder = true
	case want == NoImage && b.live():
		d.find(infoImage, "It refers to no image: resize and cold migrate fail (and leave it in ERROR), rebuild needs an image named, and clients show it as booted from a volume.")
	case want != "" && want != NoImage:
		b.namedImage(d, want)
	}
}

// namedImage takes an image that there is.
func (b *builder) namedImage(d *draft, want string) {
	i, err := b.Cloud.Image(want)
	if err != nil {
		d.find(blockedImage, "Its placeholder image is not clear: %v.", err)
		return
	}
	d.ImageRef = i.ID
	switch {
	case !b.live() || d.ProjectID == "":
	case i.Status != "active":
		d.find(blockedImage, "Its placeholder image %s is %s, not active.", quoted(want), quoted(i.Status))
	case i.Owner != d.ProjectID && i.Visibility == "private":
		d.findDo(blockedImage, "openstack image set --shared "+i.ID+" and openstack image add project, or leave placeholder_image out: each project then gets its own.",
			"Project %s cannot see its placeholder image %s: a resize by its users would fail.", quoted(d.Project), quoted(want))
	}
}
