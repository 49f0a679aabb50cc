package plan

import "cmp"

// owner resolves the project and the user that the instance belongs to.
func (b *builder) owner(d *draft) {
	d.Project = cmp.Or(d.rule.Project, b.Settings.Defaults.Project)
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

// image resolves the placeholder that stands for the image the guest never
// had. Without one a resize fails (nova wants the image again).
func (b *builder) image(d *draft) {
	want := cmp.Or(d.rule.ImageRef, b.Settings.Defaults.PlaceholderImage)
	if want == "" {
		return
	}
	i, err := b.Cloud.Image(want)
	if err != nil {
		d.find(blockedImage, "Its placeholder image is not clear: %v.", err)
		return
	}
	d.ImageRef = i.ID
}
