package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/omnimedseg/omnimedfs/eval/data"
	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/metric"
	"github.com/omnimedseg/omnimedfs/eval/model"
	"github.com/omnimedseg/omnimedfs/eval/robot"
)

// Scorer computes metrics that are not built in, by name.
type Scorer interface {
	Score(ctx context.Context, pred, truth *mask.Mask) (map[string]float64, error)
}

// runner is what the units of one goroutine share.
type runner struct {
	c       *Config
	model   model.Model
	scorer  Scorer
	metrics []metric.Metric // the built-in ones
	extra   []string        // those of the scorer
	work    metric.Work
}

// unit is one unit while it runs.
type unit struct {
	*runner
	u     Unit
	actor actor
	truth *mask.Mask
	ref   *metric.Reference
	image func() (*data.Image, error)
	mc    model.Case

	pred    *mask.Mask
	prompts []robot.Prompt // all so far
	taken   []mask.Point
	records []Record
	timings []Timing
}

// run does all steps. Its error ends the whole run; what goes wrong in the
// model is recorded.
func (x *unit) run(ctx context.Context) error {
	x.pred = x.truth.Like()
	if x.c.Mode == NonIterative {
		return x.budgets(ctx)
	}
	sess, err := x.open(ctx)
	if err != nil {
		return x.fail(err, x.c.steps())
	}
	defer sess.Close()
	steps := x.c.steps()
	for i, k := range steps {
		if err := x.step(ctx, sess, k); err != nil {
			return x.fail(err, steps[i:])
		}
		if x.reached() {
			x.carry(steps[i+1:], StatusStopped)
			return nil
		}
	}
	return nil
}

func (x *unit) open(ctx context.Context) (model.Session, error) {
	c := x.mc
	c.Key = robot.Key{Seed: x.c.Seed, Dataset: x.u.Dataset, Case: x.u.Case, Class: x.u.Class, Trial: x.u.Trial}
	return x.model.Open(ctx, &c)
}

// step prompts on what is wrong with the prediction and takes the next one.
func (x *unit) step(ctx context.Context, sess model.Session, k int) error {
	began := time.Now()
	parts := x.actor.parts
	if k == 0 {
		parts = x.actor.start
	}
	drawn, err := x.draw(parts, k, 0)
	if err != nil {
		return err
	}
	t := Timing{Unit: x.u, Step: k, Simulate: ms(began)}
	x.prompts = append(x.prompts, drawn...)
	if len(drawn) == 0 && !promptless(parts) {
		if len(x.records) > 0 {
			x.repeat(k, StatusIdle)
			return nil
		}
		return x.score(ctx, k, StatusIdle, nil, t)
	}
	return x.ask(ctx, sess, k, drawn, t)
}

// promptless tells whether the model is to be asked without prompts.
func promptless(parts []part) bool {
	for _, p := range parts {
		if p.user != nil {
			return false
		}
	}
	return true
}

// ask takes a prediction and scores it.
func (x *unit) ask(ctx context.Context, sess model.Session, k int, drawn []robot.Prompt, t Timing) error {
	st := &model.Step{Index: k, New: drawn, All: x.prompts}
	if len(x.records) > 0 {
		st.Previous = x.pred
	}
	began := time.Now()
	res, err := sess.Step(ctx, st)
	t.Wall, t.Model, t.Peak = ms(began), res.ModelMS, res.Peak
	if err != nil {
		return &failedStep{err, drawn, t}
	}
	x.pred = res.Mask
	return x.score(ctx, k, StatusOK, drawn, t)
}

// failedStep carries what was drawn to the record of the failure.
type failedStep struct {
	error
	drawn []robot.Prompt
	t     Timing
}

func (f *failedStep) Unwrap() error { return f.error }

// draw lets every part prompt. skip tells draws of one step apart.
func (x *unit) draw(parts []part, k, skip int) ([]robot.Prompt, error) {
	var out []robot.Prompt
	for i, p := range parts {
		if p.user == nil {
			continue
		}
		var im robot.Intensity
		if p.where.NeedsImage() {
			loaded, err := x.image()
			if err != nil {
				return nil, err
			}
			im = loaded
		}
		region, err := p.where.Region(im, x.truth, x.pred)
		if err != nil {
			return nil, err
		}
		key := robot.Key{Seed: x.c.Seed, Dataset: x.u.Dataset, Case: x.u.Case, Class: x.u.Class,
			User: fmt.Sprintf("%s#%d.%d", x.u.User, i, skip), Trial: x.u.Trial, Step: k}
		prompt, ok, err := p.user.Prompt(&robot.Scene{Region: region, Truth: x.truth, Taken: x.taken}, key.Rand())
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		out = append(out, prompt)
		if x.c.NoRepeat {
			x.take(prompt)
		}
	}
	return out, nil
}

func (x *unit) take(p robot.Prompt) {
	if p.Kind != robot.Click {
		return
	}
	for _, c := range p.Points {
		if at, err := x.truth.PointOf(c); err == nil {
			x.taken = append(x.taken, at)
		}
	}
}

// keepVoxels is the size up to which the metrics' scratch memory is kept from
// step to step. That of a larger mask, several bytes a voxel, costs less to make
// again than it takes from what comes between.
const keepVoxels = 1 << 25

// score records a step.
func (x *unit) score(ctx context.Context, k int, status string, drawn []robot.Prompt, t Timing) error {
	began := time.Now()
	res, err := x.ref.Compute(&x.work, x.pred, x.metrics)
	if err != nil {
		return &failedStep{&model.Failure{Status: model.StatusBadResult, Err: err}, drawn, t}
	}
	if x.truth.Voxels() > keepVoxels {
		x.work = metric.Work{} // users and model need the memory now
	}
	values := res.Named(x.metrics)
	if len(x.extra) > 0 {
		scored, err := x.scorer.Score(ctx, x.pred, x.truth)
		var f *model.Failure
		if err != nil && !errors.As(err, &f) {
			return err
		}
		for _, name := range x.extra {
			values[name] = nil
			if v, ok := scored[name]; ok {
				values[name] = &v
			}
		}
	}
	t.Metric = ms(began)
	x.records = append(x.records, Record{Unit: x.u, Step: k, Status: status, Prompts: drawn, Metrics: values,
		MetricStatus: string(res.Status), Penalty: res.Penalty, Shape: x.truth.Dims(), Spacing: x.truth.Spacing()})
	x.timings = append(x.timings, t)
	return nil
}

// repeat records a step with the values of the one before.
func (x *unit) repeat(k int, status string) {
	last := x.records[len(x.records)-1]
	last.Step, last.Status, last.Error, last.Prompts = k, status, "", nil
	x.records = append(x.records, last)
	x.timings = append(x.timings, Timing{Unit: x.u, Step: k})
}

func (x *unit) carry(steps []int, status string) {
	for _, k := range steps {
		x.repeat(k, status)
	}
}

// reached tells whether the goal of an early stop is met.
func (x *unit) reached() bool {
	if x.c.Stop == nil {
		return false
	}
	v := x.records[len(x.records)-1].Metrics[x.c.Stop.Metric]
	return v != nil && *v >= x.c.Stop.At
}

// fail records a model's failure: an empty mask from here to the end of the
// unit. Other errors are returned.
func (x *unit) fail(err error, steps []int) error {
	var f *model.Failure
	if !errors.As(err, &f) {
		return fmt.Errorf("%s: %w", x.u, err)
	}
	var at *failedStep
	var drawn []robot.Prompt
	t := Timing{Unit: x.u, Step: steps[0]}
	if errors.As(err, &at) {
		drawn, t = at.drawn, at.t
	}
	x.pred = x.truth.Like()
	if err := x.score(context.Background(), steps[0], f.Status, drawn, t); err != nil {
		return fmt.Errorf("%s: %w", x.u, err)
	}
	x.records[len(x.records)-1].Error = f.Err.Error()
	x.carry(steps[1:], f.Status)
	return nil
}

func ms(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1000 }
