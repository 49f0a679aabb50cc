package onboard

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/check"
)

// A Way is how a host with guests becomes Nova's.
type Way string

// The ways.
const (
	// ByFirstStart lets nova-compute start once on an empty libvirt, that of its
	// own user: Nova makes all records itself.
	ByFirstStart Way = "first-start"
	// ByRecords writes the service and the compute_id that a first start leaves.
	ByRecords Way = "records"
)

// Settings say how nova-compute is run on the hosts. The commands are of the
// host's shell, and have to be right when given twice.
type Settings struct {
	ConfigFiles []string      `yaml:"config_files"` // of nova-compute; those that the packages have, where there are any
	Unit        string        `yaml:"unit"`         // of nova-compute in systemd
	User        string        `yaml:"user"`         // that nova-compute runs as
	FirstStart  string        `yaml:"first_start"`  // starts it in the background with $FIRST_START as its last --config-file
	FirstStop   string        `yaml:"first_stop"`   // ends that
	Start       string        `yaml:"start"`        // starts it as it is to be
	Stop        string        `yaml:"stop"`         // ends that
	Running     string        `yaml:"running"`      // succeeds while that runs
	Log         string        `yaml:"log"`          // prints the end of its log, for errors; systemd's and the packages' are known
	Timeout     time.Duration `yaml:"timeout"`      // of each wait for nova-compute
	FirstLimit  time.Duration `yaml:"first_limit"`  // after which a first start ends on the host itself, whatever has become of this program
}

const (
	defaultUnit    = "nova-compute"
	defaultUser    = "nova"
	defaultTimeout = 5 * time.Minute
)

// Check refuses what cannot be meant so.
func (s Settings) Check() error {
	var errs []error
	if s.Timeout < 0 {
		errs = append(errs, fmt.Errorf("onboard: timeout %v is below 0", s.Timeout))
	}
	if most := cmp.Or(s.Timeout, defaultTimeout); s.FirstLimit != 0 && s.FirstLimit < most {
		errs = append(errs, fmt.Errorf("onboard: first_limit %v is below timeout %v: a first start would be ended while it is waited for", s.FirstLimit, most))
	}
	for _, p := range s.ConfigFiles {
		if !path.IsAbs(p) {
			errs = append(errs, fmt.Errorf("onboard: config_files: %q is not a path on the hosts: it has to begin with /", p))
		}
	}
	if s.FirstStart != "" && !strings.Contains(s.FirstStart, "FIRST_START") {
		errs = append(errs, errors.New("onboard: first_start does not name $FIRST_START, the file that keeps nova-compute away from the guests"))
	}
	if (s.FirstStart == "") != (s.FirstStop == "") {
		errs = append(errs, errors.New("onboard: give first_start and first_stop, or neither"))
	}
	if s.FirstStart == "" && (s.User == "root" || s.User == "0") {
		errs = append(errs, fmt.Errorf("onboard: user %s: to root qemu:///session is no libvirt of its own, so a first start would not be on an empty one: name the user that nova-compute runs as", s.User))
	}
	return errors.Join(errs...)
}

// WithDefaults fills in what is not said: systemd, as the packages have it.
func (s Settings) WithDefaults() Settings {
	s.Unit, s.User, s.Timeout = cmp.Or(s.Unit, defaultUnit), cmp.Or(s.User, defaultUser), cmp.Or(s.Timeout, defaultTimeout)
	s.FirstLimit = cmp.Or(s.FirstLimit, s.Timeout+time.Minute)
	if s.Start == "" {
		s.Start = startUnit(s.Unit)
		s.Log = cmp.Or(s.Log, logOfUnit(s.Unit))
	}
	s.Stop = cmp.Or(s.Stop, stopUnit(s.Unit))
	s.Running = cmp.Or(s.Running, runningUnit(s.Unit))
	s.FirstStop = cmp.Or(s.FirstStop, stopUnit(firstUnit))
	return s
}

// byHand is WithDefaults with the commands that a person gives, who sees what
// comes of them.
func (s Settings) byHand() Settings {
	unit := check.Shell(cmp.Or(s.Unit, defaultUnit))
	s.Start, s.Stop = cmp.Or(s.Start, "systemctl start "+unit), cmp.Or(s.Stop, "systemctl stop "+unit)
	s.FirstStop = cmp.Or(s.FirstStop, "systemctl stop "+firstUnit)
	return s.WithDefaults()
}

// Places are the files that nova-compute of a host may be started with.
func (s Settings) Places() []string {
	if len(s.ConfigFiles) > 0 {
		return s.ConfigFiles
	}
	return ConfPlaces()
}
