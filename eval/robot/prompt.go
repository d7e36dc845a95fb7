package robot

import (
	"errors"
	"fmt"
)

// Kinds of prompts.
const (
	Click    = "click"
	Scribble = "scribble"
	Box      = "box"
	Polygon  = "polygon"
)

// Point is an array index, one number an axis, in array-axis order.
type Point = []int

// Prompt is one interaction, in the form that goes to a model and into the
// records.
type Prompt struct {
	Kind string `json:"kind"`
	User string `json:"user"`
	// Points are the clicked point, the scribble's pixels in raster order, the
	// polygon's vertices in order around it, or the two corners of a box (both
	// inside it).
	Points []Point `json:"points"`
	// Labels says for each point of a click or scribble whether it marks
	// foreground (1) or background (0). Empty for boxes and polygons, which
	// always mark foreground.
	Labels []int `json:"labels,omitempty"`
	Box    *Span `json:"box,omitempty"`
}

// Span is a box in array indices: half-open [Min, Max), and for readers who
// count the other way its last indices.
type Span struct {
	Min          Point `json:"min"`
	Max          Point `json:"max"`
	MaxInclusive Point `json:"max_inclusive"`
}

// Check tells whether p could have been drawn on an array of this shape. It
// guards what is read back from records and from other programs.
func (p *Prompt) Check(shape []int) error {
	switch p.Kind {
	case Click, Scribble, Box, Polygon:
	default:
		return fmt.Errorf("unknown kind of prompt %q", p.Kind)
	}
	for _, pt := range p.Points {
		if len(pt) != len(shape) {
			return fmt.Errorf("%s: point %v on a %d-D array", p.Kind, pt, len(shape))
		}
		for a, v := range pt {
			if v < 0 || v >= shape[a] {
				return fmt.Errorf("%s: point %v outside shape %v", p.Kind, pt, shape)
			}
		}
	}
	if (p.Kind == Click || p.Kind == Scribble) && len(p.Labels) != len(p.Points) {
		return fmt.Errorf("%s: %d labels for %d points", p.Kind, len(p.Labels), len(p.Points))
	}
	if p.Kind == Box && p.Box == nil {
		return errors.New("box: no box")
	}
	return nil
}
