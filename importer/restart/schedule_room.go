package restart

// An inUse counts what is down, or may be.
type inUse struct {
	hosts  map[string]int // restarts under way
	groups map[string]int
	all    int
	astray int // of all: nobody works on them, but their guests may be down
}

func (o *order) inUse() inUse {
	u := inUse{hosts: map[string]int{}, groups: map[string]int{}}
	for n, t := range o.tasks {
		switch o.phase[n] {
		case begun:
			u.take(t)
		case astray:
			u.groups[t.Group]++
			u.all++
			u.astray++
		}
	}
	return u
}

// take counts a task that is under way.
func (u *inUse) take(t Task) {
	u.hosts[t.Host]++
	u.groups[t.Group]++
	u.all++
}

// hasRoom reports whether a task may begin beside those in use.
func (o *order) hasRoom(u inUse, n int) bool {
	t := o.tasks[n]
	if o.limits.PerHost > 0 && u.hosts[t.Host] >= o.limits.PerHost {
		return false
	}
	if t.Begun {
		return true // It may be down already, whatever else is.
	}
	return (o.limits.Unavailable <= 0 || u.all < o.limits.Unavailable) && (t.Group == "" || u.groups[t.Group] == 0)
}
