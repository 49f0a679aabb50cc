package nova

// apiRows are the rows of the API database. The mapping comes last: from then
// on the API finds the instance.
func (b *rowBuilder) apiRows() []Row {
	return []Row{
		{Table: "request_specs", Columns: []Column{
			value("created_at", b.now),
			value("instance_uuid", b.in.UUID),
			value("spec", b.requestSpec),
		}},
		{Table: "instance_mappings", Columns: []Column{
			value("created_at", b.now),
			value("instance_uuid", b.in.UUID),
			value("cell_id", b.in.Host.CellID),
			value("project_id", b.in.ProjectID),
			value("user_id", b.in.UserID),
			value("queued_for_delete", 0), // NULL is not counted by the quota
		}},
	}
}
