package session

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/eval/robot"
)

// Modes of a run.
const (
	Iterative    = "iterative"     // prompt, predict, prompt on what is wrong, …
	NonIterative = "non-iterative" // all prompts of a budget at once, one prediction
)

// ErrConfig marks a configuration that cannot be run.
var ErrConfig = errors.New("configuration")

// Config is what a run computes. Two runs with equal Configs over the same
// data give the same records; its Hash guards resume and merge.
type Config struct {
	Preset      string   `json:"preset,omitempty"`
	Datasets    []string `json:"datasets"`            // empty: all
	Split       string   `json:"split,omitempty"`     // "" or "all": every case
	Classes     []string `json:"classes,omitempty"`   // empty: all
	Cases       []string `json:"cases,omitempty"`     // empty: all
	Limit       int      `json:"limit,omitempty"`     // cases a dataset, the first in order; 0: all
	Users       []string `json:"users"`               // "user@eligibility", several a step joined by " + "
	Eligibility string   `json:"eligibility"`         // of users that name none
	Start       string   `json:"start,omitempty"`     // step 0: "empty" or a user; "": none
	Mode        string   `json:"mode"`                // Iterative or NonIterative
	Steps       int      `json:"steps"`               // the budget of interactions
	Budgets     []int    `json:"budgets,omitempty"`   // NonIterative: a prediction for each; empty: Steps
	MinSep      float64  `json:"min_sep,omitempty"`   // NonIterative: voxels between clicks
	NoRepeat    bool     `json:"no_repeat,omitempty"` // do not click a voxel twice
	Trials      int      `json:"trials"`
	Seed        uint64   `json:"seed"`
	Metrics     []string `json:"metrics"`
	Stop        *Stop    `json:"stop,omitempty"`
	Model       string   `json:"model"` // as given: a built-in or the worker's command
	// How curves are summed up.
	AUCFrom   *int      `json:"auc_from,omitempty"` // first step of the AUC; nil: the first there is
	NoCMetric string    `json:"noc_metric"`
	NoC       []float64 `json:"noc"`
}

// Stop ends the interactions of a case when a metric reaches a value; the last
// values are carried forward to the budget.
type Stop struct {
	Metric string  `json:"metric"`
	At     float64 `json:"at"`
}

// Default is the configuration before presets and flags.
func Default() Config {
	return Config{
		Users: []string{"click:largest:center"}, Eligibility: "error", Mode: Iterative, Steps: 10, Trials: 1,
		Metrics: []string{"dice", "iou", "nsd@1", "nsd@2", "hd95"}, NoCMetric: "dice", NoC: []float64{0.8, 0.85, 0.9},
	}
}

// Hash identifies the configuration.
func (c *Config) Hash() string {
	text, err := json.Marshal(c)
	if err != nil {
		return "" // no field of a Config can fail to marshal once Check has passed
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// limits keep what one unit allocates and records within reason.
const (
	maxSteps  = 1000
	maxTrials = 10000
)

// Check tells what is wrong with the configuration, ErrConfig.
func (c *Config) Check() error {
	switch {
	case c.Mode != Iterative && c.Mode != NonIterative:
		return fmt.Errorf("%w: mode %q, want %s or %s", ErrConfig, c.Mode, Iterative, NonIterative)
	case c.Steps < 0 || c.Steps > maxSteps || c.Steps == 0 && c.Start == "":
		return fmt.Errorf("%w: %d steps, want 1 to %d", ErrConfig, c.Steps, maxSteps)
	case c.Trials < 1 || c.Trials > maxTrials:
		return fmt.Errorf("%w: %d trials, want 1 to %d", ErrConfig, c.Trials, maxTrials)
	case len(c.Users) == 0 || len(c.Metrics) == 0:
		return fmt.Errorf("%w: no users or no metrics", ErrConfig)
	case c.Mode == NonIterative && (c.Start != "" || c.Stop != nil):
		return fmt.Errorf("%w: a non-iterative run has neither step 0 nor early stop", ErrConfig)
	case !slices.Contains(c.Metrics, c.NoCMetric) && len(c.NoC) > 0:
		return fmt.Errorf("%w: NoC of %q, which is not among the metrics", ErrConfig, c.NoCMetric)
	case c.Stop != nil && !slices.Contains(c.Metrics, c.Stop.Metric):
		return fmt.Errorf("%w: stop at %q, which is not among the metrics", ErrConfig, c.Stop.Metric)
	}
	for _, b := range c.Budgets {
		if b < 1 || b > c.Steps {
			return fmt.Errorf("%w: budget of %d interactions, want 1 to %d", ErrConfig, b, c.Steps)
		}
	}
	if !slices.IsSorted(c.Budgets) {
		return fmt.Errorf("%w: budgets %v are not in rising order", ErrConfig, c.Budgets)
	}
	_, err := c.actors()
	return err
}

// steps are the step numbers that every unit records.
func (c *Config) steps() []int {
	if c.Mode == NonIterative {
		if len(c.Budgets) > 0 {
			return c.Budgets
		}
		return []int{c.Steps}
	}
	var s []int
	for i := range c.Steps + 1 {
		if i > 0 || c.Start != "" {
			s = append(s, i)
		}
	}
	return s
}

// actor is who prompts in a unit: usually one user, "a + b" is two a step.
type actor struct {
	name  string // as in Config.Users
	parts []part
	start []part // step 0; nil with Start "empty"
}

type part struct {
	user  robot.User // nil: no prompt ("none")
	where robot.Eligibility
}

// actors parses the users of the configuration, in order, each named once.
func (c *Config) actors() ([]actor, error) {
	var out []actor
	seen := make(map[string]bool)
	for _, name := range c.Users {
		if seen[name] {
			return nil, fmt.Errorf("%w: user %q twice", ErrConfig, name)
		}
		seen[name] = true
		a := actor{name: name}
		var err error
		if a.parts, err = parseActor(name, c.Eligibility); err != nil {
			return nil, err
		}
		if c.Start != "" && c.Start != "empty" {
			if a.start, err = parseActor(c.Start, c.Eligibility); err != nil {
				return nil, err
			}
		}
		out = append(out, a)
	}
	return out, nil
}

// parseActor parses "user@eligibility + user@eligibility". The user "none"
// never prompts: for models that need no prompts.
func parseActor(text, eligibility string) ([]part, error) {
	var parts []part
	for _, item := range strings.Split(text, " + ") {
		name, where, given := strings.Cut(strings.TrimSpace(item), "@")
		if !given {
			where = eligibility
		}
		e, err := robot.ParseEligibility(strings.TrimSpace(where))
		if err != nil {
			return nil, fmt.Errorf("%w: user %q: %w", ErrConfig, text, err)
		}
		if name == "none" {
			parts = append(parts, part{nil, e})
			continue
		}
		u, err := robot.Parse(name)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrConfig, err)
		}
		parts = append(parts, part{u, e})
	}
	return parts, nil
}
