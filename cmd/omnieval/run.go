package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/omnimedseg/omnimedfs/eval/metric"
	"github.com/omnimedseg/omnimedfs/eval/session"
)

func init() {
	register("run", command{about: "let robot users interact with a model over cases, and record", setup: setupRun})
}

// runFlags are the flags of run. Those of the configuration are applied on top
// of the preset only where they were given.
type runFlags struct {
	set *pflag.FlagSet
	modelFlags
	execFlags

	data, out, shard, preset                   string
	datasets, classes, cases, users, metrics   []string
	split, eligibility, start, stop, nocMetric string
	steps, trials, limit, aucFrom              int
	budgets                                    []int
	noc                                        []float64
	minSep                                     float64
	seed                                       uint64
	nonIterative, noRepeat                     bool
}

func setupRun(f *pflag.FlagSet) func(context.Context, *streams, []string) error {
	d := session.Default()
	r := &runFlags{set: f}
	f.StringVar(&r.data, "data", "", "root of the standard tree: a mount, an export, any folder of that shape")
	f.StringVar(&r.out, "out", "", "folder of the run; made if missing, resumed if it holds this run")
	f.StringSliceVar(&r.datasets, "datasets", nil, "dataset ids (default all)")
	f.StringVar(&r.split, "split", "", "the authors' split: train, val, test (default all cases)")
	f.StringSliceVar(&r.classes, "classes", nil, "classes (default all)")
	f.StringSliceVar(&r.cases, "cases", nil, "case ids (default all)")
	f.IntVar(&r.limit, "limit", 0, "at most so many cases a dataset, the first in order")
	f.StringVar(&r.preset, "preset", "", "protocol of "+strings.Join(session.Presets(), ", ")+"; other flags change it")
	f.StringArrayVar(&r.users, "users", d.Users, "robot users, user@mask, or \"a + b\" for several prompts a step")
	f.StringVar(&r.eligibility, "eligibility", d.Eligibility, "where users point unless they say: a mask's name or an expression")
	f.StringVar(&r.start, "start", "", "step 0: \"empty\" (a prediction without prompts) or a user (default none)")
	f.IntVar(&r.steps, "steps", d.Steps, "interactions")
	f.BoolVar(&r.nonIterative, "non-iterative", false, "all interactions at once on an empty prediction")
	f.IntSliceVar(&r.budgets, "budgets", nil, "non-iterative: a prediction for each of these numbers (default --steps)")
	f.Float64Var(&r.minSep, "min-sep", 0, "non-iterative: voxels between clicks")
	f.BoolVar(&r.noRepeat, "no-repeat", false, "never click a voxel twice")
	f.IntVar(&r.trials, "trials", d.Trials, "repetitions with other random numbers")
	f.Uint64Var(&r.seed, "seed", d.Seed, "seed of all random numbers")
	f.StringSliceVar(&r.metrics, "metrics", d.Metrics, "metrics (omnieval metrics --list)")
	f.StringVar(&r.stop, "stop", "", "stop a case when a metric is reached, as in iou=0.9")
	f.IntVar(&r.aucFrom, "auc-from", 0, "first step that counts for the AUC (default the first there is)")
	f.StringVar(&r.nocMetric, "noc-metric", d.NoCMetric, "metric of the number of clicks")
	f.Float64SliceVar(&r.noc, "noc", d.NoC, "values that the number of clicks counts to")
	f.StringVar(&r.shard, "shard", "", "i/n (from 1), or auto: SLURM array, or Kubernetes indexed job with auto/n")
	r.modelFlags.define(f)
	r.execFlags.define(f)
	return r.run
}

func (r *runFlags) run(ctx context.Context, s *streams, args []string) error {
	if len(args) > 0 {
		return usagef("takes no arguments, has %q", args)
	}
	if r.data == "" || r.out == "" {
		return usagef("--data and --out are needed")
	}
	c, err := r.config()
	if err != nil {
		return err
	}
	shard, err := session.ParseShard(r.shard, s.env)
	if err != nil {
		return err
	}
	return start(ctx, s, c, &r.modelFlags, &r.execFlags, session.Options{Data: r.data, Dir: r.out, Shard: shard})
}

// config is the default, then the preset, then the flags that were given.
func (r *runFlags) config() (*session.Config, error) {
	c := session.Default()
	if r.preset != "" {
		if err := c.Apply(r.preset); err != nil {
			return nil, err
		}
	}
	c.Datasets, c.Split, c.Classes, c.Cases, c.Limit = r.datasets, r.split, r.classes, r.cases, r.limit
	for name, apply := range map[string]func(){
		"users":         func() { c.Users = splitUsers(r.users) },
		"eligibility":   func() { c.Eligibility = r.eligibility },
		"start":         func() { c.Start = r.start },
		"steps":         func() { c.Steps = r.steps },
		"non-iterative": func() { c.Mode = map[bool]string{true: session.NonIterative, false: session.Iterative}[r.nonIterative] },
		"budgets":       func() { c.Budgets = r.budgets },
		"min-sep":       func() { c.MinSep = r.minSep },
		"no-repeat":     func() { c.NoRepeat = r.noRepeat },
		"trials":        func() { c.Trials = r.trials },
		"seed":          func() { c.Seed = r.seed },
		"metrics":       func() { c.Metrics = r.metrics },
		"auc-from":      func() { c.AUCFrom = &r.aucFrom },
		"noc-metric":    func() { c.NoCMetric = r.nocMetric },
		"noc":           func() { c.NoC = r.noc },
	} {
		if r.set.Changed(name) {
			apply()
		}
	}
	c.Model = r.modelFlags.spec()
	if r.stop != "" {
		stop, err := parseStop(r.stop)
		if err != nil {
			return nil, err
		}
		c.Stop = stop
	}
	canonical(&c)
	if !r.set.Changed("noc-metric") && !r.set.Changed("noc") && !has(c.Metrics, c.NoCMetric) {
		c.NoC = nil // metrics were chosen without the one that is counted
	}
	return &c, c.Check()
}

// canonical spells metric names as they are recorded; unknown ones are left to
// the metric worker.
func canonical(c *session.Config) {
	spell := func(name string) string {
		if m, err := metric.Open(name); err == nil {
			return m.Name()
		}
		return name
	}
	names := make([]string, 0, len(c.Metrics))
	for _, n := range c.Metrics {
		if n = spell(strings.TrimSpace(n)); !has(names, n) {
			names = append(names, n)
		}
	}
	c.Metrics, c.NoCMetric = names, spell(c.NoCMetric)
	if c.Stop != nil {
		c.Stop.Metric = spell(c.Stop.Metric)
	}
}

// splitUsers splits lists at the commas that are not inside parentheses, as
// expressions have commas too.
func splitUsers(lists []string) []string {
	var out []string
	for _, list := range lists {
		depth, from := 0, 0
		for i, c := range list + "," {
			switch {
			case c == '(':
				depth++
			case c == ')':
				depth--
			case c == ',' && (depth <= 0 || i == len(list)):
				if u := strings.TrimSpace(list[from:i]); u != "" {
					out = append(out, u)
				}
				from = i + 1
			}
		}
	}
	return out
}

func has(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

func parseStop(text string) (*session.Stop, error) {
	name, value, ok := strings.Cut(text, "=")
	v, err := strconv.ParseFloat(value, 64)
	if !ok || err != nil {
		return nil, usagef("--stop %q: want METRIC=VALUE", text)
	}
	return &session.Stop{Metric: name, At: v}, nil
}
