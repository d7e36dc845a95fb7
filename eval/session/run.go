package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/omnimedseg/omnimedfs/eval/data"
	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/metric"
	"github.com/omnimedseg/omnimedfs/eval/model"
)

// Options say how a run is done; none of them changes its records.
type Options struct {
	Data     string // root of the standard tree
	Dir      string // the run's folder
	Shard    Shard
	Inflight int // cases at a time
	NoFinals bool
	// Scorer computes the metrics that are not built in; nil allows none.
	Scorer Scorer
	// Progress is told after every unit how many of the shard are done, and
	// how many steps failed in this one.
	Progress func(done, total, failed int)
}

// Outcome is how a run ended.
type Outcome struct{ Units, Resumed, FailedSteps int }

// Run runs the configuration into opt.Dir, which is new, or holds the same run
// cut short: then only what is missing is done. On a cancelled context what is
// finished stays recorded.
func Run(ctx context.Context, c *Config, m model.Model, opt Options) (*Outcome, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	builtin, extra, err := splitMetrics(c.Metrics, opt.Scorer != nil)
	if err != nil {
		return nil, err
	}
	tree, err := data.Open(opt.Data)
	if err != nil {
		return nil, err
	}
	plan, err := MakePlan(ctx, tree, c, opt.Shard)
	if err != nil {
		return nil, err
	}
	if err := prepare(c, m, plan, &opt); err != nil {
		return nil, err
	}
	out, done, err := openOutput(opt.Dir, plan, c)
	if err != nil {
		return nil, err
	}
	r := &run{c: c, model: m, opt: &opt, plan: plan, metrics: builtin, extra: extra, out: out, outcome: Outcome{Units: plan.Units, Resumed: done}}
	err = r.do(ctx, done)
	return &r.outcome, errors.Join(err, out.close())
}

// splitMetrics opens the built-in metrics; names that are not built in are the
// scorer's.
func splitMetrics(names []string, scorer bool) (builtin []metric.Metric, extra []string, err error) {
	for _, n := range names {
		m, err := metric.Open(n)
		switch {
		case err == nil:
			builtin = append(builtin, m)
		case scorer && errors.Is(err, metric.ErrUnknown):
			extra = append(extra, n)
		default:
			return nil, nil, err
		}
	}
	return builtin, extra, nil
}

// prepare makes the folder, or checks that it holds this very run.
func prepare(c *Config, m model.Model, plan *Plan, opt *Options) error {
	info := &Info{Format: formatVersion, Config: *c, ConfigHash: c.Hash(), PlanHash: plan.Hash, Data: opt.Data,
		Model: m.Name(), Shard: opt.Shard.String(), Units: plan.Units, TotalUnits: plan.Total}
	if err := os.MkdirAll(opt.Dir, 0o755); err != nil {
		return err
	}
	have, err := ReadInfo(opt.Dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return info.write(opt.Dir)
	case err != nil:
		return err
	case have.ConfigHash != info.ConfigHash:
		return fmt.Errorf("%w %s: holds a run of another configuration", ErrStore, opt.Dir)
	case have.PlanHash != info.PlanHash || have.Shard != info.Shard:
		return fmt.Errorf("%w %s: holds a run over other cases or another shard", ErrStore, opt.Dir)
	}
	return nil
}

// run is a run while it is done.
type run struct {
	c       *Config
	model   model.Model
	opt     *Options
	plan    *Plan
	metrics []metric.Metric
	extra   []string
	out     *output
	outcome Outcome
	done    int
}

// block is one finished unit as bytes, at its place in the plan.
type block struct {
	at                     int
	steps, timings, finals []byte
	failed                 int
}

// do runs the jobs from unit done on. Cases run side by side; their units are
// written in the order of the plan.
func (r *run) do(ctx context.Context, done int) error {
	r.done = done
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	workers := max(1, r.opt.Inflight)
	blocks := make(chan *block)
	jobs := make(chan start)
	// A case may run ahead of the oldest unfinished one by this many cases, so
	// that what waits to be written stays bounded.
	ahead := make(chan struct{}, 4*workers)

	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(jobs)
		at := 0
		for i := range r.plan.Jobs {
			first := at
			at += len(r.plan.Jobs[i].Units)
			if at <= done {
				continue
			}
			select {
			case ahead <- struct{}{}:
			case <-ctx.Done():
				return
			}
			select {
			case jobs <- start{&r.plan.Jobs[i], first, max(0, done-first)}:
			case <-ctx.Done():
				return
			}
		}
	})
	for range workers {
		wg.Go(func() {
			w := runner{c: r.c, model: r.model, scorer: r.opt.Scorer, metrics: r.metrics, extra: r.extra}
			for j := range jobs {
				if err := r.job(ctx, &w, j, blocks); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	go func() {
		wg.Wait()
		close(blocks)
	}()
	ends := r.jobEnds()
	return r.collect(ctx, cancel, blocks, func(at int) {
		if ends[at] {
			<-ahead
		}
	})
}

// start is a job, the place of its first unit in the plan, and how many of its
// units are done.
type start struct {
	job         *Job
	first, skip int
}

// jobEnds marks the units that are the last of their jobs.
func (r *run) jobEnds() map[int]bool {
	ends := make(map[int]bool, len(r.plan.Jobs))
	at := 0
	for i := range r.plan.Jobs {
		at += len(r.plan.Jobs[i].Units)
		ends[at-1] = true
	}
	return ends
}

// collect writes blocks in the order of the plan.
func (r *run) collect(ctx context.Context, cancel context.CancelCauseFunc, blocks <-chan *block, written func(at int)) error {
	waiting := make(map[int]*block)
	for b := range blocks {
		waiting[b.at] = b
		for next := waiting[r.done]; next != nil; next = waiting[r.done] {
			delete(waiting, r.done)
			if err := r.out.write(next); err != nil {
				cancel(err)
				break
			}
			written(r.done)
			r.done++
			r.outcome.FailedSteps += next.failed
			if r.opt.Progress != nil {
				r.opt.Progress(r.done, r.plan.Units, next.failed)
			}
		}
	}
	if r.done < r.plan.Units {
		return context.Cause(ctx)
	}
	return nil
}

// job runs the units of one case.
func (r *run) job(ctx context.Context, w *runner, s start, blocks chan<- *block) error {
	image := sync.OnceValues(func() (*data.Image, error) { return loadImage(ctx, &s.job.Case) })
	actors, err := r.c.actors()
	if err != nil {
		return err
	}
	var ref *metric.Reference
	var truth *mask.Mask
	var affine [][]float64
	class := ""
	for i, u := range s.job.Units {
		if i < s.skip {
			continue
		}
		if ref == nil || u.Class != class {
			class = u.Class
			if truth, affine, err = loadTruth(ctx, s.job.Case.Labels[class]); err != nil {
				return fmt.Errorf("%s: %w", u, err)
			}
			ref = metric.NewReference(truth)
		}
		x := &unit{runner: w, u: u, truth: truth, ref: ref, image: image}
		x.actor = actors[slices.Index(r.c.Users, u.User)]
		x.mc = model.Case{Dataset: u.Dataset, Case: u.Case, Class: u.Class, Dims: truth.Dims(), Spacing: truth.Spacing(),
			Affine: affine, Paths: s.job.Case.Images, Load: image, Truth: truth}
		if err := x.run(ctx); err != nil {
			return err
		}
		b, err := x.block(s.first+i, r.opt.NoFinals)
		if err != nil {
			return err
		}
		select {
		case blocks <- b:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if f, ok := r.model.(model.Forgetter); ok {
		f.Forget(s.job.Dataset, s.job.Case.ID)
	}
	return nil
}

// block turns a finished unit to bytes.
func (x *unit) block(at int, noFinals bool) (*block, error) {
	b := &block{at: at}
	var err error
	for i := range x.records {
		if b.steps, err = appendLine(b.steps, &x.records[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", x.u, err)
		}
		if b.timings, err = appendLine(b.timings, &x.timings[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", x.u, err)
		}
		if x.records[i].Failed() {
			b.failed++
		}
	}
	if !noFinals {
		b.finals, err = appendFinal(nil, x.u, x.pred)
	}
	return b, err
}

// Reading is tried again, as a mount may be waiting for the network.
const (
	readTries = 3
	readPause = time.Second
)

func loadTruth(ctx context.Context, path string) (*mask.Mask, [][]float64, error) {
	im, err := again(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	m, err := im.Mask(nil)
	return m, im.Affine, err
}

func loadImage(ctx context.Context, c *data.Case) (*data.Image, error) {
	if len(c.Images) == 0 {
		return nil, fmt.Errorf("case %s has labels but no image", c.ID)
	}
	return again(ctx, c.Images[0])
}

func again(ctx context.Context, path string) (im *data.Image, err error) {
	for try := range readTries {
		if im, err = data.Read(ctx, path); err == nil || errors.Is(err, os.ErrNotExist) {
			return im, err
		}
		if try < readTries-1 {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(readPause):
			}
		}
	}
	return nil, err
}
