package session

import (
	"fmt"
	"sort"
	"strings"
)

// presets set a Config to what a system does; EVAL section 1 says where each
// comes from.
var presets = map[string]func(c *Config){
	// OmniMedSeg's own protocol: every robot click and scribble, ten steps.
	"paper": func(c *Config) {
		c.Users = nil
		for _, component := range []string{"largest", "random"} {
			for _, style := range []string{"center", "boundary", "random"} {
				c.Users = append(c.Users, "click:"+component+":"+style)
			}
			for _, style := range []string{"centerline", "boundary", "random"} {
				c.Users = append(c.Users, "scribble:"+component+":"+style)
			}
		}
		c.Steps = 10
	},
	// CVPR 2025 interactive 3-D segmentation challenge: a box, then five clicks
	// at the center of the largest error; AUC over the clicks only.
	"cvpr25": func(c *Config) {
		c.Users, c.Start, c.Steps = []string{"click:largest:center"}, "box:all:perfect", 5
		c.Metrics = []string{"dice", "nsd_cvpr25@2"}
		first := 1
		c.AUCFrom, c.NoC = &first, nil
	},
	// autoPET IV: a prediction without clicks, then one foreground and one
	// background click a step, drawn from the truth and not from errors.
	"autopet4": func(c *Config) {
		c.Users = []string{"click:random:center?tie=first@gt + click:random:center?tie=first@(I > pct(99.75)) & !L"}
		c.Start, c.Steps = "empty", 10
		c.Metrics = []string{"dice", "fpv", "fnv"}
		c.NoC = nil
	},
	// RITM, f-BRS: the deepest of false negatives and false positives, no pixel
	// twice, up to 20 clicks until IoU reaches 0.9.
	"ritm": func(c *Config) {
		c.Users, c.Eligibility, c.Steps, c.NoRepeat = []string{"click:edtmax:first"}, "error-split", 20, true
		c.Metrics, c.Stop = []string{"iou", "dice"}, &Stop{"iou", 0.9}
		c.NoCMetric, c.NoC = "iou", []float64{0.8, 0.85, 0.9}
	},
}

// Presets lists the preset names.
func Presets() []string {
	var names []string
	for n := range presets {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Apply sets c to a preset, on top of what is there.
func (c *Config) Apply(preset string) error {
	set, ok := presets[preset]
	if !ok {
		return fmt.Errorf("%w: unknown preset %q (known: %s)", ErrConfig, preset, strings.Join(Presets(), ", "))
	}
	set(c)
	c.Preset = preset
	return nil
}
