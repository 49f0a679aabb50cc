package instancedir

import (
	"context"
	"fmt"
	"path"
)

// Made is what Make left on the host, new or found there from an earlier time.
type Made struct {
	Dir      string     `json:"dir"`
	Links    []MadeLink `json:"links"`
	Info     string     `json:"info,omitempty"`
	EFI      *MadeLink  `json:"efi,omitempty"` // the EFI variables
	Warnings []string   `json:"-"`             // what a person should look at; nothing that hinders
}

// A MadeLink is a file by both names. Inode is 0 where the host would not tell.
type MadeLink struct {
	Path  string `json:"path"`
	From  string `json:"from"` // after symbolic links
	Inode uint64 `json:"inode,omitempty"`
}

// A linkPlan is one link with what is at both ends now.
type linkPlan struct {
	Link
	from, to node
}

// Make makes the directory with its links and disk.info, or completes them.
// Everything is checked before anything is made. The errors wrap
// ErrNoInstancesPath, ErrNoDisk, ErrOtherFileSystem, ErrOccupied or ErrPath.
func (t *Tree) Make(ctx context.Context, w Want) (Made, error) {
	defer context.AfterFunc(ctx, t.abort)()
	if err := w.validate(); err != nil {
		return Made{}, err
	}
	dir, plans, err := t.survey(w)
	if err != nil {
		return Made{}, err
	}
	variables, err := t.checkAll(w, dir, plans)
	if err != nil {
		return Made{}, err
	}
	who, err := t.ownerOf(w.Owner)
	if err != nil {
		return Made{}, err
	}
	made := Made{Dir: w.Dir(), Info: w.infoPath(), Warnings: warnings(w, plans, who)}
	if err := t.makeDir(dir, who); err != nil {
		return made, err
	}
	for _, p := range plans {
		if p.to.kind == missing {
			if err := t.link(p.from.path, p.to.path); err != nil {
				return made, fmt.Errorf("link disk %q as %q: %w", p.From, w.to(p.Link), err)
			}
		}
		made.Links = append(made.Links, MadeLink{Path: w.to(p.Link), From: p.from.path, Inode: p.from.inode})
	}
	if err := t.makeInfo(w, dir.path, who); err != nil {
		return made, err
	}
	if err := t.sync(dir.path); err != nil {
		return made, fmt.Errorf("write directory %q to disk: %w", w.Dir(), err)
	}
	var warns []string
	made.EFI, warns, err = t.makeVariables(variables)
	made.Warnings = append(made.Warnings, warns...)
	return made, err
}

// checkAll says why something could not be made; nil when all can be, or is
// there already.
func (t *Tree) checkAll(w Want, dir node, plans []linkPlan) (variablesPlan, error) {
	for _, p := range plans {
		if err := p.check(w); err != nil {
			return variablesPlan{}, err
		}
	}
	if dir.kind == directory {
		if err := t.infoFree(w, dir.path); err != nil {
			return variablesPlan{}, err
		}
	}
	p, err := t.surveyVariables(w.Variables)
	if err == nil {
		err = p.check()
	}
	return p, err
}

// Settle makes sure that all directories made below instancesPath outlive a
// power cut. It comes once after many Makes, and before Nova is told of any.
func (t *Tree) Settle(ctx context.Context, instancesPath string) error {
	defer context.AfterFunc(ctx, t.abort)()
	base, err := t.resolve(instancesPath)
	if err == nil {
		err = t.sync(base)
	}
	if err != nil {
		return fmt.Errorf("write directory %q to disk: %w", instancesPath, err)
	}
	return nil
}

// survey looks at the instance directory and at both ends of every link.
func (t *Tree) survey(w Want) (dir node, plans []linkPlan, err error) {
	base, dir, err := t.surveyDir(w)
	if err != nil {
		return node{}, nil, err
	}
	nodes := []node{base, dir}
	for _, l := range w.Links {
		from, err := t.resolve(l.From)
		if err != nil {
			return node{}, nil, fmt.Errorf("look at disk %q: %w", l.From, err)
		}
		ends, err := t.look(from, path.Join(dir.path, l.To))
		if err != nil {
			return node{}, nil, fmt.Errorf("look at disk %q: %w", l.From, err)
		}
		nodes = append(nodes, ends...)
	}
	if err := t.identify(nodes); err != nil { // All of an instance's in one question.
		return node{}, nil, fmt.Errorf("look at the disks of %s: %w", w.UUID, err)
	}
	dir = nodes[1]
	if dir.kind == missing {
		dir.fsid = nodes[0].fsid // It will be made there.
	}
	for i, l := range w.Links {
		plans = append(plans, linkPlan{Link: l, from: nodes[2+2*i], to: nodes[3+2*i]})
		if plans[i].to.kind == missing {
			plans[i].to.fsid = dir.fsid
		}
	}
	return dir, plans, nil
}

// surveyDir looks at instances_path and at the instance's directory in it.
func (t *Tree) surveyDir(w Want) (base, dir node, err error) {
	p, err := t.resolve(w.InstancesPath)
	if err != nil {
		return base, dir, fmt.Errorf("look at instances_path %q: %w", w.InstancesPath, err)
	}
	nodes, err := t.look(p, path.Join(p, w.UUID))
	if err != nil {
		return base, dir, fmt.Errorf("look at the directory of %s: %w", w.UUID, err)
	}
	base, dir = nodes[0], nodes[1]
	if base.kind != directory {
		return base, dir, fmt.Errorf("instances_path %q: %w", w.InstancesPath, ErrNoInstancesPath)
	}
	if dir.kind != missing && dir.kind != directory {
		return base, dir, fmt.Errorf("%q: %w", w.Dir(), ErrOccupied)
	}
	return base, dir, nil
}

// check says why a link cannot be made; nil when it can, or is there already.
func (p linkPlan) check(w Want) error {
	switch {
	case p.from.kind == missing:
		return fmt.Errorf("disk %q: %w: it is missing", p.From, ErrNoDisk)
	case p.from.kind != file:
		return fmt.Errorf("disk %q: %w: only regular files can have a second name", p.From, ErrNoDisk)
	case p.to.kind == missing && p.from.fsid != "" && p.to.fsid != "" && p.from.fsid != p.to.fsid:
		return fmt.Errorf("link disk %q as %q: %w", p.From, w.to(p.Link), ErrOtherFileSystem)
	case p.to.kind != missing && !likely(p.from, p.to):
		return fmt.Errorf("%q: %w, and it is not the disk %q", w.to(p.Link), ErrOccupied, p.From)
	}
	return nil
}

// dirMode lets the hypervisor's user reach the disks, as Nova's own do.
const dirMode = 0o755

func (t *Tree) makeDir(dir node, who *owner) error {
	if dir.kind == missing {
		if err := t.mkdir(dir.path); err != nil {
			return fmt.Errorf("make directory %q: %w", dir.path, err)
		}
	}
	// A umask may have taken bits away, now or before a crash.
	if dir.kind == missing || dir.mode&dirMode != dirMode {
		if err := t.chmod(dir.path, dirMode); err != nil {
			return fmt.Errorf("open directory %q to the hypervisor: %w", dir.path, err)
		}
	}
	if who == nil || dir.kind == directory && dir.uid == who.uid {
		return nil
	}
	if err := t.chown(dir.path, *who); err != nil {
		return fmt.Errorf("give directory %q to its owner: %w", dir.path, err)
	}
	return nil
}

func warnings(w Want, plans []linkPlan, who *owner) (texts []string) {
	if who == nil {
		texts = append(texts, fmt.Sprintf("the host has no user %s in /etc/passwd; once it has: chown %s: %s %s",
			w.Owner, w.Owner, quote(w.Dir()), quote(w.infoPath())))
	}
	for _, p := range plans {
		if why := unreadable(p.from, who, w.Owner); why != "" {
			texts = append(texts, why)
		}
	}
	return texts
}

// abort ends what a deadline has run out on: SFTP calls know no context.
func (t *Tree) abort() { _ = t.Close() }
