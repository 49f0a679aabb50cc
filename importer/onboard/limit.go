package onboard

import (
	"fmt"
	"strings"
	"time"
)

// giveFirstFile tells a first_start of the operator's own which file is meant.
const giveFirstFile = "FIRST_START=" + FirstStartFile + "; export FIRST_START; "

// startLimit is how long a first_start may take to leave nova-compute in the
// background. It is below the time for any command, so that the host itself ends
// it and what it has begun.
const startLimit = 100 * time.Second

// limited is firstStart with an end, which systemd sees to by itself. With
// commands of an operator's own the host is told to give first_stop after the
// limit, unless the file is gone by then or is another one: that start was ended.
func (s Settings) limited(h Host) string {
	if s.FirstStart == "" {
		return s.firstStart(h)
	}
	const same = `"$(stat -c %i.%Z "$FIRST_START" 2>/dev/null)"`
	watch := fmt.Sprintf(`sleep %.0f; if [ %s = "$1" ]; then eval "$2"; fi`, s.FirstLimit.Seconds(), same)
	return fmt.Sprintf(`%ssetsid sh -c %s sh %s %s >/dev/null 2>&1 &
timeout -k 10 %.0f sh -c %s
rc=$?
case $rc in 124 | 137) echo 'first_start was ended, for it has not come back within %v: it has to leave nova-compute in the background' ;; esac
exit $rc`, giveFirstFile, quoted(watch), same, quoted(s.FirstStop), startLimit.Seconds(), quoted(s.FirstStart), startLimit)
}

// quoted is one word to any shell, whatever is in it.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
