package report

import (
	"fmt"
	"io"

	"github.com/lightcloud/kvm2openstack/importer/restart"
)

// RestartPreviewSchema names the shape that RestartPreviewJSON prints.
const RestartPreviewSchema = "kvm2openstack.restart-preview/1"

// RestartPreview prints what a restart would do to one domain, or why it would
// not be begun.
func RestartPreview(w io.Writer, p restart.Preview) {
	fmt.Fprintf(w, "\n== %s / %s: ", Line(p.Host), Line(p.Domain))
	if p.Refused != "" {
		fmt.Fprintf(w, "would be refused: %s\n", Line(p.Refused))
		return
	}
	fmt.Fprintf(w, "becomes %s, %s\n", Line(p.InstanceName), startText(p.StartBy))
	for _, warning := range p.Warnings {
		fmt.Fprintf(w, "warning: %s\n", Line(warning))
	}
	for _, d := range p.Definition {
		fmt.Fprintf(w, "definition: %s\n", Line(d))
	}
	for _, text := range p.Files {
		fmt.Fprintf(w, "host: %s\n", Line(text))
	}
	for _, text := range p.Rows {
		fmt.Fprintf(w, "cell: %s\n", Line(text))
	}
	if p.StartBy != "" {
		fmt.Fprintf(w, "down: from the end of its shutdown, which may take %s (then %s), until it has booted; of that about 20 ms are ours%s\n",
			p.Deadline, deadlineText(p.Force), novaText(p.StartBy))
	}
}

func startText(by restart.StartBy) string {
	switch by {
	case restart.ByNova:
		return "restarted, and started by Nova from its records"
	case restart.ByLibvirt:
		return "restarted, and started by libvirt from the edited definition"
	}
	return "is off and stays off"
}

func novaText(by restart.StartBy) string {
	if by == restart.ByNova {
		return ", and some seconds Nova's"
	}
	return ""
}

func deadlineText(force bool) string {
	if force {
		return "its power is cut, as the plan says"
	}
	return "it is left running"
}

// A restartPreview is a preview as JSON has it.
type restartPreview struct {
	Host         string          `json:"host"`
	Domain       string          `json:"domain"`
	UUID         string          `json:"uuid"`
	DisplayName  string          `json:"display_name"`
	InstanceName string          `json:"instance_name,omitempty"`
	StartBy      restart.StartBy `json:"start_by,omitempty"`
	Definition   []string        `json:"definition,omitempty"`
	Rows         []string        `json:"rows,omitempty"`
	Files        []string        `json:"files,omitempty"`
	Shutdown     float64         `json:"shutdown_deadline_seconds"`
	Force        bool            `json:"force"`
	Warnings     []string        `json:"warnings,omitempty"`
	Refused      string          `json:"refused,omitempty"`
}

// RestartPreviewJSON prints the same for programs.
func RestartPreviewJSON(w io.Writer, previews []restart.Preview, expected float64) error {
	rows := make([]restartPreview, len(previews))
	for n, p := range previews {
		rows[n] = restartPreview{
			Host: p.Host, Domain: p.Domain, UUID: p.UUID, DisplayName: p.DisplayName, InstanceName: p.InstanceName, StartBy: p.StartBy,
			Definition: p.Definition, Rows: p.Rows, Files: p.Files,
			Shutdown: p.Deadline.Seconds(), Force: p.Force, Warnings: p.Warnings, Refused: p.Refused,
		}
	}
	return indented(w, struct {
		Schema   string           `json:"schema"`
		Domains  []restartPreview `json:"domains"`
		Expected float64          `json:"expected_seconds"`
	}{RestartPreviewSchema, rows, expected})
}
