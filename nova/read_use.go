package nova

import (
	"context"
	"fmt"
	"strconv"
)

// A Use says how many live instances refer to a flavor or an image.
type Use struct {
	Flavors map[int64]int  // by flavors.id
	Images  map[string]int // by image_ref
}

type useCount struct {
	Key string
	N   int
}

// InUse counts the live instances, of any project, that refer to these flavors
// and images. Nova itself lets a flavor be deleted that instances have. What a
// closed cell holds cannot be counted, so that one is an error.
func (c *Cloud) InUse(ctx context.Context, flavors []int64, images []string) (Use, error) {
	if len(c.closed) > 0 {
		return Use{}, fmt.Errorf("count the instances of flavors and images: cell %s cannot be read: %s", c.closed[0].Name, c.closed[0].Reason)
	}
	var ids []string
	for _, id := range flavors {
		ids = append(ids, strconv.FormatInt(id, 10))
	}
	use := Use{Flavors: map[int64]int{}, Images: map[string]int{}}
	for _, cell := range c.cells {
		rows, err := readFor[useCount](ctx, cell.database, "instances by flavor",
			"SELECT instance_type_id AS `key`, COUNT(*) AS n FROM instances WHERE deleted = 0 AND instance_type_id IN ? GROUP BY instance_type_id", unique(ids))
		if err != nil {
			return Use{}, err
		}
		for _, r := range rows {
			if id, err := strconv.ParseInt(r.Key, 10, 64); err == nil {
				use.Flavors[id] += r.N
			}
		}
		rows, err = readFor[useCount](ctx, cell.database, "instances by image",
			"SELECT image_ref AS `key`, COUNT(*) AS n FROM instances WHERE deleted = 0 AND image_ref IN ? GROUP BY image_ref", unique(images))
		if err != nil {
			return Use{}, err
		}
		for _, r := range rows {
			use.Images[r.Key] += r.N
		}
	}
	return use, nil
}
