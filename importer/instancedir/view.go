package instancedir

import (
	"context"

	"github.com/lightcloud/kvm2openstack/discover"
)

// A View looks at instance directories and has no means to change anything.
type View struct{ tree *Tree }

// OpenView is Open for those who only look.
func OpenView(ctx context.Context, h discover.Host, dial Dialer) (View, error) {
	t, err := Open(ctx, h, dial)
	return View{t}, err
}

// Check says why Make would refuse, with the same errors; nil when it would
// not, or when there is nothing left to make. The texts are warnings.
func (v View) Check(ctx context.Context, w Want) (texts []string, err error) {
	defer context.AfterFunc(ctx, v.tree.abort)()
	if err := w.validate(); err != nil {
		return nil, err
	}
	dir, plans, err := v.tree.survey(w)
	if err != nil {
		return nil, err
	}
	variables, err := v.tree.checkAll(w, dir, plans)
	if err != nil {
		return nil, err
	}
	who, err := v.tree.ownerOf(w.Owner)
	return append(warnings(w, plans, who), variables.warning(variables.unlinkable())...), err
}

// Compare is Tree.Compare.
func (v View) Compare(ctx context.Context, w Want) (map[Link]Evidence, error) {
	return v.tree.Compare(ctx, w)
}

// Close ends the session with the host.
func (v View) Close() error { return v.tree.Close() }
