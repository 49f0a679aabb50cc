//go:build lab

package main

// novaServices are the daemons of Nova: what goes wrong with an adopted guest
// may be in the log of each.
var novaServices = []string{"nova-compute", "nova-api", "nova-conductor", "nova-scheduler", "nova-novncproxy"}

// markNova marks the logs of all of Nova.
func (l *lab) markNova() (marks []logMark) {
	l.t.Helper()
	for _, service := range novaServices {
		marks = append(marks, l.markLog(service))
	}
	return marks
}

// novaSaysNothing: no daemon of Nova has met anything that it calls an error, but
// for the instances that nova-compute cannot undefine, and what is excused.
func (l *lab) novaSaysNothing(since []logMark, undefined []string, excuses ...excuse) {
	l.t.Helper()
	for _, mark := range since {
		service, text := mark.service(), l.computeLog(mark)
		for _, uuid := range undefined {
			text = withoutFailedUndefine(text, uuid)
		}
		for _, e := range unexcused(service, text, append(excuses, idleAPI)) {
			l.t.Errorf("%s: %s", service, e)
		}
	}
}
