package onboard

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Where the first hosts all fail the fault is hardly a host's own, and the others
// are spared; where one does not, they are not.
func TestOnboardGivesUp(t *testing.T) {
	for _, sound := range []bool{false, true} {
		f := newFakeWorld(t)
		f.fail["Give"] = errors.New("broken")
		o := f.onboarder(journalFile(t))
		o.Settings.Timeout = 1
		var jobs []Job
		if sound {
			o := onlyUnmapped(t)
			f.records, f.providers, f.files[idFile] = o.records, o.providers, mine
			jobs = append(jobs, f.job(ByFirstStart)) // which is given no file
		}
		for i := range 3 * hostsAtOnce {
			j := f.job(ByFirstStart)
			j.Host.Name = fmt.Sprint("host", i)
			j.Host.Conf.Host = j.Host.Name
			jobs = append(jobs, j)
		}
		tried, spared := 0, 0
		for _, r := range o.Onboard(t.Context(), jobs) {
			switch {
			case errors.Is(r.Err, ErrHopeless) && r.Outcome == NotTried && strings.HasPrefix(r.Host, "host"):
				spared++
			case r.Outcome == Half:
				tried++
			}
		}
		if sound && (spared > 0 || tried != 3*hostsAtOnce) || !sound && (tried != hostsAtOnce || spared != 2*hostsAtOnce) {
			t.Errorf("with a sound one %v: tried %d, spared %d", sound, tried, spared)
		}
	}
}
