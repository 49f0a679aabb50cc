package install

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"path"
	"regexp"
	"text/template"
	"time"
)

// Names of the files that Timer.Files makes.
const (
	Service  = "kvm2openstack-sync.service"
	TimerSet = "kvm2openstack-sync.timer"
	Cron     = "kvm2openstack-sync.cron"
)

//go:embed kvm2openstack-sync.*
var templates embed.FS

// A Timer is how and when sync is to run by itself.
type Timer struct {
	Program string // absolute
	Config  string // absolute
	User    string // whom it runs as; root with Local
	// Apply has it heal what the configuration allows; without, it only tells.
	Apply bool
	// Local is for a libvirt host that looks at itself, without SSH: disks are
	// then this machine's files, and only root may read them.
	Local bool
	At    string        // once a day, at HH:MM; or
	Every time.Duration // whole minutes, after the last run has ended
}

// plain is what a path or a name may have, so that it means the same to
// systemd, to cron and to a shell.
var plain = regexp.MustCompile(`^[A-Za-z0-9/._+@-]+$`)

// Check reports what cannot be scheduled so.
func (t Timer) Check() error {
	var errs []error
	for _, p := range []string{t.Program, t.Config} {
		if !path.IsAbs(p) || !plain.MatchString(p) {
			errs = append(errs, fmt.Errorf("%q cannot stand in a unit and in a crontab: give an absolute path of letters, digits and / . _ + @ -", p))
		}
	}
	if !plain.MatchString(t.User) {
		errs = append(errs, fmt.Errorf("%q is not the name of a user", t.User))
	}
	if t.Local && t.User != "root" {
		errs = append(errs, fmt.Errorf("user %s cannot read and link the disks of this host: only root can", t.User))
	}
	if (t.At == "") == (t.Every == 0) {
		return errors.Join(append(errs, errors.New("give either a time of the day or an interval"))...)
	}
	if _, err := time.Parse("15:04", t.At); t.At != "" && (err != nil || len(t.At) != len("15:04")) {
		errs = append(errs, fmt.Errorf("%q is not a time of the day as 02:17", t.At))
	}
	if t.Every != 0 && t.cron() == "" {
		errs = append(errs, fmt.Errorf("%v is not a number of minutes that divides an hour, or of hours that divides a day", t.Every))
	}
	return errors.Join(errs...)
}

// Files are the service, the timer and the crontab, by name.
func (t Timer) Files() (map[string]string, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	files := make(map[string]string)
	for _, name := range []string{Service, TimerSet, Cron} {
		text, err := templates.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		parsed, err := template.New(name).Parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		var b bytes.Buffer
		if err := parsed.Execute(&b, t.view()); err != nil {
			return nil, fmt.Errorf("make %s: %w", name, err)
		}
		files[name] = b.String()
	}
	return files, nil
}

// state is what the service may write to: the journal and its user's home.
const state = "/var/lib/kvm2openstack/state"

// A view is a Timer in the words of the templates.
type view struct {
	Timer
	Environment, State, Metrics, Schedule, Cron string
	Seconds                                     int
}

func (t Timer) view() view {
	v := view{
		Timer: t, State: state, Metrics: "/run/kvm2openstack/sync.prom",
		Environment: path.Join(path.Dir(t.Config), "environment"),
		Schedule:    "every day at " + t.At, Cron: t.cron(), Seconds: int(t.Every.Seconds()),
	}
	switch minutes := int(t.Every.Minutes()); {
	case minutes == 0:
	case minutes%60 == 0:
		v.Schedule = fmt.Sprintf("every %d h", minutes/60)
	default:
		v.Schedule = fmt.Sprintf("every %d min", minutes)
	}
	return v
}

// cron is the schedule as five fields, "" where they cannot say it.
func (t Timer) cron() string {
	if t.Every == 0 {
		return fmt.Sprintf("%s %s * * *", t.At[3:], t.At[:2])
	}
	minutes := int(t.Every.Minutes())
	switch {
	case t.Every < time.Minute || t.Every%time.Minute != 0:
		return ""
	case minutes < 60 && 60%minutes == 0:
		return fmt.Sprintf("*/%d * * * *", minutes)
	case minutes%60 == 0 && minutes <= 24*60 && 24%(minutes/60) == 0:
		return fmt.Sprintf("0 */%d * * *", minutes/60)
	}
	return ""
}
