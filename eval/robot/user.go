package robot

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"sort"
	"strconv"
	"strings"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// ErrDims marks a user that cannot draw in that number of dimensions.
var ErrDims = errors.New("user does not draw in this number of dimensions")

// Scene is what a user looks at.
type Scene struct {
	// Region is the eligible region M. Components never join across its masks.
	Region []*mask.Mask
	// Truth is L: it tells foreground from background at a point, and boxes
	// over the whole class are drawn around it.
	Truth *mask.Mask
	// Taken are points that are not to be offered again; nil allows repeats.
	Taken []mask.Point
}

// Of returns the scene of a perfect annotator on an empty prediction, M = L.
func Of(truth *mask.Mask) *Scene { return &Scene{Region: []*mask.Mask{truth}, Truth: truth} }

// Empty tells whether there is nowhere to point.
func (s *Scene) Empty() bool {
	for _, m := range s.Region {
		if !m.Empty() {
			return false
		}
	}
	return true
}

// union returns the region as one mask.
func (s *Scene) union() *mask.Mask {
	if len(s.Region) == 1 {
		return s.Region[0]
	}
	u := s.Truth.Like()
	for _, m := range s.Region {
		_ = u.Or(u, m) // the grids agree: all were made from Truth's
	}
	return u
}

// User draws prompts. It is immutable and safe for many goroutines.
type User interface {
	// Name is the full name, options included, as Parse takes it.
	Name() string
	// Prompt draws one interaction; false where the region leaves nothing to
	// point at. Equal scenes and streams give equal prompts. ErrDims where the
	// kind does not exist in the scene's dimensions.
	Prompt(s *Scene, rng *rand.Rand) (Prompt, bool, error)
}

// entry is one registered "kind:component:style".
type entry struct {
	about   string
	options []string // the options that it takes
	make    func(o *Options) (User, error)
}

var users = map[string]entry{}

// Register adds a user under "kind:component:style" with one line of
// description and the options that it takes. A duplicate panics, as it is a
// mistake in the program.
func Register(name, about string, options []string, open func(o *Options) (User, error)) {
	if _, ok := users[name]; ok {
		panic("robot: user registered twice: " + name)
	}
	users[name] = entry{about, options, open}
}

// aliases are short or common other names.
var aliases = map[string]string{
	"box:perfect": "box:all:perfect", "box:careful": "box:all:careful", "box:sloppy": "box:all:sloppy",
	"polygon":                 "polygon:largest:even",
	"scribble:largest:line":   "scribble:largest:random",
	"scribble:random:line":    "scribble:random:random",
	"scribble:largest:center": "scribble:largest:centerline", "scribble:random:center": "scribble:random:centerline",
	"scribble:largest:contour": "scribble:largest:boundary", "scribble:random:contour": "scribble:random:boundary",
}

// Names lists the registered users, sorted.
func Names() []string {
	names := make([]string, 0, len(users))
	for n := range users {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// About returns the one line of a registered user and its options.
func About(name string) (string, []string) { return users[name].about, users[name].options }

// Parse returns the user of a name "kind:component:style?option=value&…".
func Parse(name string) (User, error) {
	base, query, _ := strings.Cut(name, "?")
	full := base
	if a, ok := aliases[base]; ok {
		full = a
	}
	u, ok := users[full]
	if !ok {
		return nil, fmt.Errorf("unknown user %q (omnieval users lists them)", base)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("user %s: options: %w", base, err)
	}
	parts := strings.SplitN(full, ":", 3)
	o := &Options{Kind: parts[0], Component: parts[1], Style: parts[2], values: values, known: u.options}
	o.Name = full
	if len(values) > 0 {
		o.Name += "?" + values.Encode() // sorted by key
	}
	made, err := u.make(o)
	if err == nil {
		err = o.finish()
	}
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", name, err)
	}
	return made, nil
}

// Options are what stands after the "?" of a user's name. Reads remember the
// first bad value; Parse reports it.
type Options struct {
	Name                   string
	Kind, Component, Style string
	values                 url.Values
	known                  []string
	err                    error
}

func (o *Options) finish() error {
	if o.err != nil {
		return o.err
	}
	for k := range o.values {
		if !contains(o.known, k) {
			return fmt.Errorf("no option %q (it takes %s)", k, strings.Join(o.known, ", "))
		}
	}
	return nil
}

// Choice returns the option's value, which must be one of allowed; the first
// is the default.
func (o *Options) Choice(key string, allowed ...string) string {
	v := o.values.Get(key)
	if v == "" {
		return allowed[0]
	}
	if !contains(allowed, v) && o.err == nil {
		o.err = fmt.Errorf("option %s=%s, want one of %s", key, v, strings.Join(allowed, ", "))
	}
	return v
}

// Float returns the option's number within [low, high].
func (o *Options) Float(key string, def, low, high float64) float64 {
	text := o.values.Get(key)
	if text == "" {
		return def
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= low && v <= high) {
		if o.err == nil {
			o.err = fmt.Errorf("option %s=%s, want a number in %g..%g", key, text, low, high)
		}
		return def
	}
	return v
}

// Int returns the option's integer within [low, high].
func (o *Options) Int(key string, def, low, high int) int {
	v := o.Float(key, float64(def), float64(low), float64(high))
	if v != float64(int(v)) && o.err == nil {
		o.err = fmt.Errorf("option %s=%v, want an integer", key, v)
	}
	return int(v)
}
