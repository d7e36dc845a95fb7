// Package model is the model under test as the evaluation sees it: something
// that opens a case, takes prompts step by step and answers with masks.
//
// Built-in dummies (oracle, empty, noisy-oracle, region-grow) test an
// evaluation without a network. A real model runs as a worker of its own, in
// any language, over the line protocol of wire.go; scripts/omnieval_worker.py
// is a ready host for Python. Precomputed masks are read from a folder, and
// entries of the CVPR 2025 challenge are called through their npz files.
package model

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/omnimedseg/omnimedfs/eval/data"
	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/robot"
)

// Case is one (image, class) to be segmented.
type Case struct {
	Dataset, Case, Class string
	Dims                 []int // array order
	Spacing              []float64
	Affine               [][]float64
	Paths                []string // the image's files, one a channel
	// Load decodes the first image file, once for all that share the case.
	Load func() (*data.Image, error)
	// Truth is for the built-in dummies alone; no worker ever sees it.
	Truth *mask.Mask
	// Key seeds what a dummy draws.
	Key robot.Key
}

// Empty returns an empty mask of the case.
func (c *Case) Empty() (*mask.Mask, error) { return mask.New(c.Dims, c.Spacing) }

// Step is one interaction.
type Step struct {
	Index    int            // 0 is the prediction before any correction
	New      []robot.Prompt // drawn in this step
	All      []robot.Prompt // drawn so far, New included, for models without state
	Previous *mask.Mask     // the last prediction; nil before the first
}

// Result is a prediction and what it cost.
type Result struct {
	Mask    *mask.Mask
	ModelMS float64 // as the worker measured it; 0 where it did not say
	Peak    int64   // bytes of peak memory as the worker reports it; 0 unknown
}

// Model is under test. It is safe for many goroutines.
type Model interface {
	Name() string
	// Open begins work on a case. Errors that are Failures concern this case
	// alone; any other error ends the run.
	Open(ctx context.Context, c *Case) (Session, error)
	Close() error
}

// Session is a model's work on one case.
type Session interface {
	Step(ctx context.Context, s *Step) (Result, error)
	Close() error
}

// Forgetter is implemented by models that keep images: Forget is called when
// no session of the case will be opened any more.
type Forgetter interface{ Forget(dataset, caseID string) }

// Statuses of a failed step, as they are recorded.
const (
	StatusTimeout   = "timeout"    // no answer in time
	StatusCrash     = "crash"      // the worker ended or closed its channel
	StatusBadResult = "bad-result" // an answer that is no mask of the case
	StatusError     = "error"      // the model says that it could not
	StatusMissing   = "missing"    // no precomputed mask
)

// Failure is a model's failure on one case. The evaluation records it with an
// empty mask and goes on.
type Failure struct {
	Status string
	Err    error
}

func (f *Failure) Error() string { return f.Status + ": " + f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

func failure(status, format string, args ...any) error {
	return &Failure{status, fmt.Errorf(format, args...)}
}

// ErrUnknown marks a name that no built-in model has.
var ErrUnknown = errors.New("unknown model")

var builtin = map[string]func(option string) (Model, error){}

// Register adds a built-in model under a name; what follows "name:" is its
// option. A duplicate panics, as it is a mistake in the program.
func Register(name string, open func(option string) (Model, error)) {
	if _, ok := builtin[name]; ok {
		panic("model: registered twice: " + name)
	}
	builtin[name] = open
}

// Names lists the built-in models.
func Names() []string {
	var names []string
	for n := range builtin {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Open returns the built-in model "name" or "name:option".
func Open(spec string) (Model, error) {
	name, option, _ := strings.Cut(spec, ":")
	open, ok := builtin[name]
	if !ok {
		return nil, fmt.Errorf("%w %q (built in: %s)", ErrUnknown, name, strings.Join(Names(), ", "))
	}
	return open(option)
}
