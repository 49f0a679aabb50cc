package plan

import "fmt"

// CheckNICModel says why Nova cannot give a domain interfaces of that model,
// nil when it can.
func CheckNICModel(model string) error {
	if !legalValue("hw_vif_model", model) {
		return fmt.Errorf("nic_model %q is not one of %s", model, legalValues("hw_vif_model"))
	}
	return nil
}
