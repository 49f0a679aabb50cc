package nova

import "context"

// quotaDefaults are the defaults of nova.conf, [quota] instances, cores, ram.
var quotaDefaults = map[string]int{"instances": 10, "cores": 20, "ram": 51200}

type limitRow struct {
	ProjectID string
	Resource  string
	HardLimit *int // NULL is unlimited, like -1
}

type projectUse struct {
	ProjectID string
	Instances int
	Cores     int
	RAM       int `gorm:"column:ram"`
}

// QuotaLeft says what projects may still use, for every project asked for:
// its own limits, else the default class's, else Nova's built-in ones, less
// what its live instances use in all open cells (nova/quota.py,
// _instances_cores_ram_count_legacy). Limits of single users and Keystone's
// unified limits are not looked at.
func (c *Cloud) QuotaLeft(ctx context.Context, projects []string) (map[string]QuotaLeft, error) {
	projects = unique(projects)
	limits, err := c.limits(ctx, projects)
	if err != nil {
		return nil, err
	}
	used := map[string]projectUse{}
	for _, cell := range c.cells {
		rows, err := readFor[projectUse](ctx, cell.database, "instances",
			`SELECT project_id, COUNT(*) AS instances, SUM(COALESCE(vcpus, 0)) AS cores, SUM(COALESCE(memory_mb, 0)) AS ram FROM instances
			WHERE deleted = 0 AND (vm_state <> 'soft-delete' OR vm_state IS NULL) AND (hidden = 0 OR hidden IS NULL)
			AND project_id IN ? GROUP BY project_id`, projects)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			u := used[r.ProjectID]
			used[r.ProjectID] = projectUse{r.ProjectID, u.Instances + r.Instances, u.Cores + r.Cores, u.RAM + r.RAM}
		}
	}
	left := make(map[string]QuotaLeft, len(projects))
	for _, p := range projects {
		left[p] = quotaLeft(p, limits[p], limits[""], used[p])
	}
	return left, nil
}

// limits reads hard limits by project and resource; those of the default class
// are under the empty project.
func (c *Cloud) limits(ctx context.Context, projects []string) (map[string]map[string]*int, error) {
	rows, err := readRows[limitRow](ctx, c.api, "quota_classes",
		"SELECT '' AS project_id, resource, hard_limit FROM quota_classes WHERE class_name = 'default'")
	if err != nil {
		return nil, err
	}
	own, err := readFor[limitRow](ctx, c.api, "quotas", "SELECT project_id, resource, hard_limit FROM quotas WHERE project_id IN ?", projects)
	if err != nil {
		return nil, err
	}
	limits := map[string]map[string]*int{}
	for _, r := range append(rows, own...) {
		if limits[r.ProjectID] == nil {
			limits[r.ProjectID] = map[string]*int{}
		}
		limits[r.ProjectID][r.Resource] = r.HardLimit
	}
	return limits, nil
}

func quotaLeft(project string, own, class map[string]*int, used projectUse) QuotaLeft {
	q := QuotaLeft{Project: project}
	left := func(resource string, used int) (int, bool) {
		limit, ok := own[resource]
		if !ok {
			limit, ok = class[resource]
		}
		switch {
		case !ok:
			return quotaDefaults[resource] - used, false
		case limit == nil || *limit < 0:
			return 0, true
		default:
			return *limit - used, false
		}
	}
	q.Instances, q.UnlimitedInstances = left("instances", used.Instances)
	q.Cores, q.UnlimitedCores = left("cores", used.Cores)
	q.RAMMB, q.UnlimitedRAM = left("ram", used.RAM)
	return q
}
