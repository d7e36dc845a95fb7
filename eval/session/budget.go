package session

import (
	"context"

	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/robot"
)

// budgets runs a non-iterative unit: for every budget all interactions at once
// on an empty prediction, and one prediction in a session of its own.
func (x *unit) budgets(ctx context.Context) error {
	steps := x.c.steps()
	all, err := x.drawMany(steps[len(steps)-1])
	if err != nil {
		return x.fail(err, steps)
	}
	for i, k := range steps {
		if err := x.budget(ctx, k, all[:min(k, len(all))]); err != nil {
			if err := x.fail(err, steps[i:i+1]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *unit) budget(ctx context.Context, k int, draws [][]robot.Prompt) error {
	x.prompts = nil
	for _, d := range draws {
		x.prompts = append(x.prompts, d...)
	}
	t := Timing{Unit: x.u, Step: k}
	x.pred = x.truth.Like()
	if len(x.prompts) == 0 && !promptless(x.actor.parts) {
		return x.score(ctx, k, StatusIdle, nil, t)
	}
	sess, err := x.open(ctx)
	if err != nil {
		return err
	}
	defer sess.Close()
	return x.ask(ctx, sess, k, x.prompts, t)
}

// drawMany draws n interactions from one region. A larger budget begins with
// the interactions of a smaller one. Clicks nearer to an earlier one than
// MinSep are not drawn.
func (x *unit) drawMany(n int) ([][]robot.Prompt, error) {
	var all [][]robot.Prompt
	for i := range n {
		d, err := x.draw(x.actor.parts, 1, i)
		if err != nil {
			return nil, err
		}
		if len(d) == 0 {
			break
		}
		all = append(all, d)
		if x.c.MinSep > 0 {
			for _, p := range d {
				x.clear(p)
			}
		}
	}
	return all, nil
}

// clear takes the voxels within MinSep of a click.
func (x *unit) clear(p robot.Prompt) {
	if p.Kind != robot.Click {
		return
	}
	for _, c := range p.Points {
		at, err := x.truth.PointOf(c)
		if err != nil {
			continue
		}
		ball := x.truth.Like()
		ball.FillBall(at, x.c.MinSep, true)
		var near []mask.Point
		for q := range ball.All() {
			near = append(near, q)
		}
		x.taken = append(x.taken, near...)
	}
}
