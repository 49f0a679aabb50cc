package journal

import (
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// A Tx is one transaction of the journal. Each method costs one statement for
// a whole batch of domains.
type Tx struct {
	db  *gorm.DB
	j   *Journal
	run int64
	now time.Time
}

// Adopt notes domains before anything is done to them. A row that is there
// already is replaced, except for what only later steps know.
func (t *Tx) Adopt(adoptions []Adoption) error {
	if len(adoptions) == 0 {
		return nil
	}
	rows := make([]Adoption, len(adoptions))
	for i, a := range adoptions {
		a.Domain = strings.ToValidUTF8(a.Domain, "\uFFFD")
		a.Reason = plainText(a.Reason)
		a.Run, a.Updated = t.run, t.now
		rows[i] = a
	}
	return t.db.Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "uuid"}},
		DoUpdates: clause.AssignmentColumns([]string{"host", "domain", "display_name", "cell", "compute_host",
			"state", "reason", "plan", "definition", "run", "updated"}),
	}).Create(&rows).Error
}

// SetPlans replaces the plans of adoptions, by their UUIDs: a step has found
// out what the plan left open, such as the ids of ports.
func (t *Tx) SetPlans(plans map[string]string) error {
	if len(plans) == 0 {
		return nil
	}
	rows := make([]Adoption, 0, len(plans))
	for uuid, text := range plans {
		rows = append(rows, Adoption{UUID: uuid, Plan: text, Run: t.run, Updated: t.now})
	}
	return t.db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "uuid"}},
		DoUpdates: clause.AssignmentColumns([]string{"plan", "run", "updated"}),
	}).Create(&rows).Error
}

// SetState says how far adoptions have come, and why no further.
func (t *Tx) SetState(state State, reason string, uuids ...string) error {
	if len(uuids) == 0 {
		return nil
	}
	return t.db.Model(&Adoption{}).Where("uuid IN ?", uuids).
		Updates(map[string]any{"state": state, "reason": plainText(reason), "run": t.run, "updated": t.now}).Error
}

// maxText is how long a reason may be. A server has room for 65,535 bytes in
// such a column, and refuses what is longer.
const maxText = 16 << 10

// plainText is what the journal keeps of an error. Errors hold what guests and
// hosts have said, of any length and in any encoding, and a server that refuses
// one would hold up the way back of the domain it is about.
func plainText(text string) string {
	if len(text) > maxText {
		text = text[:maxText] + "… (cut off)"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// An InstanceID is the row that Nova's database gave to a domain.
type InstanceID struct {
	UUID string
	ID   int64
	Name string // instance-%08x of ID
}

// SetInstances notes ids as they were read back from Nova's database.
func (t *Tx) SetInstances(ids []InstanceID) error {
	if len(ids) == 0 {
		return nil
	}
	rows := make([]Adoption, len(ids))
	for i, id := range ids {
		rows[i] = Adoption{UUID: id.UUID, InstanceID: id.ID, InstanceName: id.Name, Run: t.run, Updated: t.now}
	}
	return t.db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "uuid"}},
		DoUpdates: clause.AssignmentColumns([]string{"instance_id", "instance_name", "run", "updated"}),
	}).Create(&rows).Error
}

// Begin notes the intent to do a step. It comes before the change: no intent
// on disk, no change in the world.
func (t *Tx) Begin(step string, uuids ...string) error {
	if len(uuids) == 0 {
		return nil
	}
	rows := make([]Step, len(uuids))
	for i, u := range uuids {
		rows[i] = Step{Run: t.run, UUID: u, Step: step, Begun: t.now}
	}
	return t.upsertSteps(rows, "begun", "ended", "error", "undo_begun", "undone")
}

// An Ending is how a step went for one domain.
type Ending struct {
	UUID string
	Made string // JSON of what the way back needs, "" for nothing
	Err  error
}

// End notes how a step went. Steps that were found done without Begin may be
// ended too, so that the way back knows of them.
func (t *Tx) End(step string, endings ...Ending) error {
	if len(endings) == 0 {
		return nil
	}
	rows := make([]Step, len(endings))
	for i, e := range endings {
		rows[i] = Step{Run: t.run, UUID: e.UUID, Step: step, Begun: t.now, Ended: &t.now, Made: e.Made}
		if e.Err != nil {
			rows[i].Error = plainText(e.Err.Error())
		}
	}
	return t.upsertSteps(rows, "ended", "error", "made")
}

func (t *Tx) upsertSteps(rows []Step, columns ...string) error {
	return t.db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "run"}, {Name: "uuid"}, {Name: "step"}},
		DoUpdates: clause.AssignmentColumns(columns),
	}).Create(&rows).Error
}

// BeginUndo notes the intent to take a step back, in whichever run it was done.
func (t *Tx) BeginUndo(step string, uuids ...string) error {
	return t.markUndo("undo_begun", step, uuids)
}

// EndUndo notes that a step was taken back.
func (t *Tx) EndUndo(step string, uuids ...string) error {
	return t.markUndo("undone", step, uuids)
}

// EndUndoAll is EndUndo for all steps of a domain whose names begin alike.
func (t *Tx) EndUndoAll(prefix, uuid string) error {
	return t.db.Model(&Step{}).Where("substr(step, 1, ?) = ? AND uuid = ? AND undone IS NULL", len(prefix), prefix, uuid).
		Update("undone", t.now).Error
}

func (t *Tx) markUndo(column, step string, uuids []string) error {
	if len(uuids) == 0 {
		return nil
	}
	return t.db.Model(&Step{}).Where("step = ? AND uuid IN ? AND undone IS NULL", step, uuids).
		Update(column, t.now).Error
}
