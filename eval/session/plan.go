package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/omnimedseg/omnimedfs/eval/data"
)

// Unit is what is recorded as one: a user's interactions on one class of one
// case.
type Unit struct {
	Dataset string `json:"dataset"`
	Case    string `json:"case"`
	Class   string `json:"class"`
	User    string `json:"user"`
	Trial   int    `json:"trial"`
}

func (u Unit) String() string {
	return fmt.Sprintf("%s/%s/%s %s trial %d", u.Dataset, u.Case, u.Class, u.User, u.Trial)
}

// Job is one case with its units, in order of class, user and trial.
type Job struct {
	Dataset string
	Case    data.Case
	Units   []Unit
}

// Plan is all that a run has to do, in the order that it records.
type Plan struct {
	Jobs  []Job  // of the shard
	Units int    // of the shard
	Total int    // of all shards
	Hash  string // over the units of all shards
}

// MakePlan lists the cases that the configuration selects. It reads folders
// and small metadata only.
func MakePlan(ctx context.Context, tree *data.Tree, c *Config, shard Shard) (*Plan, error) {
	ids := c.Datasets
	if len(ids) == 0 {
		var err error
		if ids, err = tree.Datasets(); err != nil {
			return nil, err
		}
	}
	ids = slices.Clone(ids)
	slices.Sort(ids)
	p := &Plan{}
	hash := sha256.New()
	for _, id := range slices.Compact(ids) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		d, err := tree.Dataset(id)
		if err != nil {
			return nil, err
		}
		cases, err := d.Select(c.Split)
		if err != nil {
			return nil, err
		}
		for _, job := range c.jobs(id, cases) {
			for _, u := range job.Units {
				fmt.Fprintf(hash, "%q %q %q %q %d\n", u.Dataset, u.Case, u.Class, u.User, u.Trial)
			}
			p.Total += len(job.Units)
			if shard.has(id, job.Case.ID) {
				p.Jobs = append(p.Jobs, job)
				p.Units += len(job.Units)
			}
		}
	}
	if p.Total == 0 {
		return nil, fmt.Errorf("%w: no case is selected", ErrConfig)
	}
	p.Hash = hex.EncodeToString(hash.Sum(nil))
	return p, nil
}

// jobs returns the units of one dataset's cases.
func (c *Config) jobs(id string, cases []data.Case) []Job {
	var jobs []Job
	for _, cs := range cases {
		if len(c.Cases) > 0 && !slices.Contains(c.Cases, cs.ID) {
			continue
		}
		job := Job{Dataset: id, Case: cs}
		for _, class := range cs.Classes() {
			if len(c.Classes) > 0 && !slices.Contains(c.Classes, class) {
				continue
			}
			for _, user := range c.Users {
				for trial := range c.Trials {
					job.Units = append(job.Units, Unit{id, cs.ID, class, user, trial})
				}
			}
		}
		if len(job.Units) == 0 {
			continue
		}
		if jobs = append(jobs, job); c.Limit > 0 && len(jobs) == c.Limit {
			break
		}
	}
	return jobs
}

// less orders units as plans do, given the order of the users.
func less(order map[string]int, a, b Unit) int {
	for _, pair := range [][2]string{{a.Dataset, b.Dataset}, {a.Case, b.Case}, {a.Class, b.Class}} {
		if pair[0] != pair[1] {
			if pair[0] < pair[1] {
				return -1
			}
			return 1
		}
	}
	if d := order[a.User] - order[b.User]; d != 0 {
		return d
	}
	return a.Trial - b.Trial
}
