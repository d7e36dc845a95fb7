package dataset

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/omnimedseg/omnimedfs/sources"
)

// listingAge is for how long a record's listing is taken from Facts.
const listingAge = 24 * time.Hour

// unkept are the platforms whose listing asks nobody, or that keep it by
// themselves.
var unkept = []string{"embedded", "http", "idc", "local"}

// keptListing is a record's listing as Facts keep it.
type keptListing struct {
	Asked time.Time      `json:"asked"`
	Files []sources.File `json:"files"`
}

// list returns a record's files as its platform tells them, or has told them a
// short while ago. Where the platform does not answer, what it said last holds:
// what is cached can then be served.
func (d *Dataset) list(ctx context.Context, platform, record string) ([]sources.File, error) {
	if slices.Contains(unkept, platform) {
		return ask(ctx, d.env.Client, platform, record)
	}
	facts, key := d.env.Cache.Facts(), "list:"+platform+"\x00"+record
	var kept keptListing
	text, known := facts.Get(key)
	known = known && json.Unmarshal(text, &kept) == nil
	if known && d.env.age(kept.Asked) < listingAge {
		return kept.Files, nil
	}
	files, err := ask(ctx, d.env.Client, platform, record)
	if err != nil {
		if !known || ctx.Err() != nil {
			return nil, err
		}
		d.env.Log.Warn("listing of an earlier time is used", "dataset", d.Recipe.ID, "asked", kept.Asked, "error", err)
		return kept.Files, nil
	}
	if text, err = json.Marshal(keptListing{d.env.now(), files}); err == nil {
		err = facts.Set(key, text)
	}
	if err != nil {
		d.env.Log.Warn("fact not kept", "dataset", d.Recipe.ID, "error", err)
	}
	return files, nil
}

func ask(ctx context.Context, client *sources.Client, platform, record string) ([]sources.File, error) {
	s, err := client.Source(platform)
	if err != nil {
		return nil, err
	}
	return s.Files(ctx, record)
}
