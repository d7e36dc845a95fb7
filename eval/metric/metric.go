// Package metric compares a predicted mask with the true one. A metric is one
// file that registers itself by name; those that measure distances share one
// extraction of borders and one search a direction, and everything that
// depends on the truth alone is computed once and kept (Reference).
//
// Conventions for empty masks (EVAL.md, section 2): overlap metrics are 1
// where both masks are empty and 0 where one is; distances are 0 and
// undefined. Undefined is NaN here and null in JSON, and comes with a Status
// and the image diagonal as a penalty to aggregate with.
package metric

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// Metric is a number that says how well pred agrees with truth. Compute
// returns NaN where it is undefined; both masks have the same axes, distances
// are in mm by truth's spacing.
type Metric interface {
	Name() string
	HigherIsBetter() bool
	Compute(pred, truth *mask.Mask) float64
}

// PairMetric is implemented by a Metric that takes what it needs (counts,
// borders, distances …) from a Pair, where it is computed once for all.
type PairMetric interface {
	Metric
	ComputePair(p *Pair) float64
}

// ErrUnknown marks a name that no metric has.
var ErrUnknown = errors.New("unknown metric")

// Maker makes the metric of a name; arg is what follows an @ in the name
// ("2" in nsd@2), "" without one.
type Maker func(arg string) (Metric, error)

var registry struct {
	sync.RWMutex
	makers map[string]Maker
}

// Register makes a metric known by name (without an @). Call it from init; a
// name taken twice is a mistake of the program and panics.
func Register(name string, make_ Maker) {
	registry.Lock()
	defer registry.Unlock()
	if registry.makers == nil {
		registry.makers = map[string]Maker{}
	}
	if _, taken := registry.makers[name]; taken {
		panic("metric: " + name + " is registered twice")
	}
	registry.makers[name] = make_
}

// Names lists the registered names, sorted.
func Names() []string {
	registry.RLock()
	defer registry.RUnlock()
	names := make([]string, 0, len(registry.makers))
	for name := range registry.makers {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Open returns the metric of a name such as "dice" or "nsd@2". ErrUnknown
// where there is none.
func Open(name string) (Metric, error) {
	base, arg, _ := strings.Cut(name, "@")
	registry.RLock()
	make_, ok := registry.makers[base]
	registry.RUnlock()
	if !ok {
		return nil, fmt.Errorf("%w: %q, have %s", ErrUnknown, name, strings.Join(Names(), " "))
	}
	m, err := make_(arg)
	if err != nil {
		return nil, fmt.Errorf("metric %s: %w", name, err)
	}
	return m, nil
}

// Parse opens the metrics of a list separated by commas, each name once, in
// order.
func Parse(list string) ([]Metric, error) {
	var out []Metric
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		m, err := Open(name)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(out, func(o Metric) bool { return o.Name() == m.Name() }) {
			out = append(out, m)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: the list %q is empty", ErrUnknown, list)
	}
	return out, nil
}

// shared is a metric that is a function of a Pair.
type shared struct {
	name   string
	higher bool
	of     func(p *Pair) float64
}

func (s shared) Name() string                { return s.name }
func (s shared) HigherIsBetter() bool        { return s.higher }
func (s shared) ComputePair(p *Pair) float64 { return s.of(p) }

// Compute makes a Pair of its own; many metrics are cheaper together, through
// Reference.Compute.
func (s shared) Compute(pred, truth *mask.Mask) float64 {
	p, err := NewReference(truth).Pair(new(Work), pred)
	if err != nil {
		return nan
	}
	return s.of(p)
}

// define registers a metric without arguments.
func define(name string, higher bool, of func(p *Pair) float64) {
	Register(name, func(arg string) (Metric, error) {
		if arg != "" {
			return nil, fmt.Errorf("takes no argument, got %q", arg)
		}
		return shared{name, higher, of}, nil
	})
}
