package model

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

func init() {
	Register("oracle", simple("oracle", func(c *Case) (Session, error) { return fixed{c.Truth}, nil }))
	Register("empty", simple("empty", func(c *Case) (Session, error) {
		m, err := c.Empty()
		return fixed{m}, err
	}))
	Register("noisy-oracle", simple("noisy-oracle", newNoisy))
}

// dummy is a model without state of its own.
type dummy struct {
	name string
	open func(c *Case) (Session, error)
}

func simple(name string, open func(c *Case) (Session, error)) func(string) (Model, error) {
	return func(option string) (Model, error) {
		if option != "" {
			return nil, fmt.Errorf("model %s takes no option, has %q", name, option)
		}
		return dummy{name, open}, nil
	}
}

func (d dummy) Name() string { return d.name }
func (d dummy) Close() error { return nil }

func (d dummy) Open(_ context.Context, c *Case) (Session, error) { return d.open(c) }

// fixed answers every step with the same mask.
type fixed struct{ m *mask.Mask }

func (f fixed) Step(context.Context, *Step) (Result, error) { return Result{Mask: f.m.Clone()}, nil }
func (f fixed) Close() error                                { return nil }

// noisyBalls is how many errors a noisy oracle begins with.
const noisyBalls = 12

// noisy is the truth with balls wrongly added or cut out on its border. Every
// prompt mends the ball nearest to it, so that curves rise as a good model's
// do.
type noisy struct {
	truth *mask.Mask
	balls []ball
}

type ball struct {
	at mask.Point
	r  float64
	on bool
}

func newNoisy(c *Case) (Session, error) {
	k := c.Key
	k.User = "noisy-oracle"
	n := &noisy{truth: c.Truth}
	var border mask.Mask
	border.Border(c.Truth)
	count := border.Count()
	rng := k.Rand()
	for i := 0; i < noisyBalls && count > 0; i++ {
		n.balls = append(n.balls, drawBall(&border, count, rng))
	}
	return n, nil
}

func drawBall(border *mask.Mask, count int, rng *rand.Rand) ball {
	at, _ := border.Nth(rng.IntN(count))
	return ball{at, 1 + 6*rng.Float64(), rng.IntN(2) == 1}
}

func (n *noisy) Step(_ context.Context, s *Step) (Result, error) {
	for _, p := range s.New {
		if len(n.balls) == 0 || len(p.Points) == 0 {
			break
		}
		at, err := n.truth.PointOf(p.Points[len(p.Points)/2])
		if err != nil {
			return Result{}, err
		}
		n.mend(at)
	}
	m := n.truth.Clone()
	for _, b := range n.balls {
		m.FillBall(b.at, b.r, b.on)
	}
	return Result{Mask: m}, nil
}

// mend drops the ball nearest to p.
func (n *noisy) mend(p mask.Point) {
	best, at := -1, 0
	for i, b := range n.balls {
		d := 0
		for a := range p {
			d += (p[a] - b.at[a]) * (p[a] - b.at[a])
		}
		if best < 0 || d < best {
			best, at = d, i
		}
	}
	n.balls = append(n.balls[:at:at], n.balls[at+1:]...)
}

func (n *noisy) Close() error { return nil }
