package instancedir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Variables are the file of a guest's EFI variables, and the name by which
// libvirt looks for it once Nova has made the domain under its own: Nova's
// undefine removes the legacy name, and a guest without a file gets an empty one.
type Variables struct {
	From string // the legacy path; "" where there is none to link
	Why  string // it cannot be linked, although the guest has variables
	Dir  string // where libvirt looks; "" for a guest that has no variables
	Name string // in Dir; "" until the instance has its name
}

func (v Variables) to() string { return path.Join(v.Dir, v.Name) }

// Link is the file by its two names, as Compare knows it.
func (v Variables) Link() Link { return Link{From: v.From, To: v.to()} }

// validate is as strict as it is with disks.
func (v Variables) validate() error {
	if v.Dir == "" {
		return nil
	}
	for _, p := range []string{v.From, v.Dir} {
		if p == "" {
			continue
		}
		if err := plain(p); err != nil {
			return err
		}
	}
	if n := v.Name; n == "." || n == ".." || strings.ContainsAny(n, "/\x00") {
		return fmt.Errorf("%q: %w: this is no name of a file", n, ErrPath)
	}
	return nil
}

// A variablesPlan is the file with what is at both ends now.
type variablesPlan struct {
	Variables
	from, dir, to node
}

// surveyVariables looks at both ends. A folder that the account may not look
// into is no error: the file has one name then, and that is told.
func (t *Tree) surveyVariables(v Variables) (variablesPlan, error) {
	p := variablesPlan{Variables: v}
	if v.Dir == "" {
		return p, nil
	}
	err := t.lookAtVariables(&p)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return variablesPlan{Variables: Variables{Dir: v.Dir, Why: "the account may not look at them"}}, nil
	case err != nil:
		return p, fmt.Errorf("look at the EFI variables %q: %w", v.From, err)
	}
	return p, nil
}

func (t *Tree) lookAtVariables(p *variablesPlan) error {
	dir, err := t.resolve(p.Dir)
	if err != nil {
		return err
	}
	from := dir
	if p.From != "" {
		if from, err = t.resolve(p.From); err != nil {
			return err
		}
	}
	nodes, err := t.look(from, dir, path.Join(dir, p.Name))
	if err != nil {
		return err
	}
	if err := t.identify(nodes); err != nil {
		return err
	}
	p.from, p.dir, p.to = nodes[0], nodes[1], nodes[2]
	return nil
}

// linked reports whether both names are one file. Size and time are no evidence
// here: the variables of all guests are as large, and those of several are
// written when their host starts.
func (p variablesPlan) linked() bool {
	return p.From != "" && p.Name != "" && p.from.kind == file && (p.from.path == p.to.path || proven(p.from, p.to))
}

// taken reports whether another file has the name.
func (p variablesPlan) taken() bool {
	return p.Name != "" && p.to.kind != missing && !p.linked()
}

// unlinkable says why the file cannot have its second name; "" when it can, or
// has it.
func (p variablesPlan) unlinkable() string {
	switch {
	case p.Dir == "" || p.linked():
		return ""
	case p.Why != "":
		return p.Why
	case p.from.kind == missing:
		return fmt.Sprintf("%s is not there, as with a guest that never ran", p.From)
	case p.from.kind != file:
		return fmt.Sprintf("%s is no regular file", p.From)
	case p.dir.kind != directory:
		return fmt.Sprintf("the host has no directory %s", p.Dir)
	case p.from.inode == 0:
		return "SFTP alone does not tell which names are one file; let the account run stat(1) on the host"
	case p.from.fsid != p.dir.fsid:
		return fmt.Sprintf("%s and %s are on different file systems", p.From, p.Dir)
	}
	return ""
}

// check says why the domain must not become Nova's; nil when it may. A file of
// somebody else would be this guest's at its first start by Nova.
func (p variablesPlan) check() error {
	if !p.taken() {
		return nil
	}
	return fmt.Errorf("%q: %w, and would become the EFI variables of this domain at its first start by Nova: find out whose they are, move them away, and import again",
		p.Variables.to(), ErrOccupied)
}

// done: the file has its second name, or cannot have it.
func (p variablesPlan) done() bool {
	return !p.taken() && (p.Dir == "" || p.linked() || p.unlinkable() != "")
}

// warning is what an operator should know of variables with one name.
func (p variablesPlan) warning(why string) []string {
	if why == "" {
		return nil
	}
	return []string{fmt.Sprintf("its EFI variables have no second name under Nova's: %s; the rename copies them, but a hard reboot or a start by Nova before that begins them anew", why)}
}

// makeVariables gives the file its second name. One on another file system is not
// copied: the guest goes on writing to the first, and would get the old copy.
func (t *Tree) makeVariables(p variablesPlan) (made *MadeLink, warnings []string, err error) {
	if why := p.unlinkable(); why != "" || p.Dir == "" {
		return nil, p.warning(why), nil
	}
	if p.Name == "" {
		return nil, nil, fmt.Errorf("link the EFI variables %q: %w: the instance has no name", p.From, ErrPath)
	}
	if !p.linked() {
		err = t.link(p.from.path, p.to.path)
	}
	if errors.Is(err, ErrOtherFileSystem) || errors.Is(err, fs.ErrPermission) {
		return nil, p.warning(err.Error()), nil
	}
	if err == nil {
		err = t.sync(p.dir.path)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("link the EFI variables %q as %q: %w", p.From, p.Variables.to(), err)
	}
	return &MadeLink{Path: p.Variables.to(), From: p.from.path, Inode: p.from.inode}, nil, nil
}

// evidence is about the two names; "" where there is none to be had.
func (p variablesPlan) evidence() Evidence {
	switch {
	case p.From == "" || p.Name == "":
		return ""
	case p.linked():
		return SameFile
	case p.to.kind != missing && p.from.kind == missing:
		return LegacyGone
	case p.to.kind != missing && p.from.inode != 0:
		return OtherFile
	case p.unlinkable() != "":
		return ""
	}
	return LinkMissing
}

// RemoveVariables takes away the second name alone, as Remove does.
func (t *Tree) RemoveVariables(ctx context.Context, v Variables) ([]Left, error) {
	defer context.AfterFunc(ctx, t.abort)()
	if err := v.validate(); err != nil {
		return nil, err
	}
	return t.removeVariables(v)
}

// removeVariables takes the second name away, or says why it stays.
func (t *Tree) removeVariables(v Variables) ([]Left, error) {
	if v.From == "" || v.Name == "" || v.Dir == "" {
		return nil, nil
	}
	p, err := t.surveyVariables(v)
	if err != nil || p.From == "" || p.from.path == p.to.path {
		return nil, err
	}
	why, err := t.unlink(linkPlan{Link: v.Link(), from: p.from, to: p.to})
	if err == nil && why == "" && p.to.kind != missing {
		err = t.sync(p.dir.path)
	}
	if err != nil {
		return nil, fmt.Errorf("remove %q: %w", v.to(), err)
	}
	if why != "" {
		return []Left{{Path: v.to(), Why: why}}, nil
	}
	return nil, nil
}
