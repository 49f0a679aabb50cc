package plan

import "errors"

// Check says why the probe cannot be meant, nil when it can.
func (p Probe) Check() error {
	if problem := p.problem(); problem != "" {
		return errors.New(problem)
	}
	return nil
}
