package recipe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/format"
)

// Reading says how the raw files of one image or label become one grid, where
// that is more than "decode the file". The steps are taken in the order of the
// fields.
type Reading struct {
	Format string `toml:"format"` // of package format, where neither name nor content tells
	// Array is what of the file is meant, after "#": "images[{index}]",
	// "/group/data", "cjdata/image". Placeholders are those of the pattern, of
	// case.index, and {case}.
	Array  string `toml:"array"`
	Series bool   `toml:"series"` // all files of a case are one image (or label), in natural order
	Stack  *Stack `toml:"stack"`  // of a series: each file is one 2-D slice
	EXIF   string `toml:"exif"`   // "apply": turn a JPEG as its orientation tag says
	Plane  *int   `toml:"plane"`  // this volume of a 4-D image, from 0
	// Component is one sample of each pixel: "r", "g", "b" or "a".
	Component string `toml:"component"`
	// Crop is x0, y0, x1, y1: fractions where none is above 1, else pixels, of
	// which x1 or y1 may be 0 for the far edge. The far edges are not included.
	Crop []float64 `toml:"crop"`
}

// Stack says how 2-D slices become a volume.
type Stack struct {
	Axis    string    `toml:"axis"`    // the axis that the slices follow one another on: "z" (or ""), "y" or "x"
	Spacing []float64 `toml:"spacing"` // mm along x, y, z; none: 1, and a label takes its image's grid
	// Number is the placeholder of the pattern that numbers the slices; ""
	// takes them in natural order. A label may lack slices then, where absent
	// is "empty".
	Number string `toml:"number"`
	First  int    `toml:"first"` // number of the slice at index 0
	// Order "image" puts the k-th file of a label where geometry puts the k-th
	// file of the image's DICOM series, both in natural order. Rows of a DICOM
	// volume run from the bottom: slices drawn on its pictures want flip = ["y"].
	Order string `toml:"order"`
}

// Index makes a case of every entry of arrays that hold many images.
type Index struct {
	Parts  []string `toml:"parts"`  // texts of {part}, where each split has its array
	Counts []int    `toml:"counts"` // entries, one number a part; none: read from the array's header
}

// The values of CaseRule.Float2D.
const (
	asNIfTI = "nifti" // 2-D images are served as NIfTI as they are
	asPNG16 = "png16" // scaled so that the least value is 0 and the greatest 65535
	asPNG   = "png"   // integers of 0 to 65535 as they are; three planes of 8 bits are RGB
)

var components = []string{"r", "g", "b", "a"}

// check returns what is wrong with a reading.
func (r *Reading) check() (problems []Problem) {
	fail := func(where, text string, args ...any) {
		problems = append(problems, Problem{where, fmt.Sprintf(text, args...)})
	}
	if r.Format != "" {
		if _, ok := formatNamed(r.Format); !ok {
			fail("format", "there is no format %q", r.Format)
		}
	}
	if r.EXIF != "" && r.EXIF != "apply" {
		fail("exif", "%q is not \"apply\"", r.EXIF)
	}
	if r.Plane != nil && *r.Plane < 0 {
		fail("plane", "%d is negative", *r.Plane)
	}
	if r.Component != "" && !slices.Contains(components, r.Component) {
		fail("component", "%q is not r, g, b or a", r.Component)
	}
	if r.Crop != nil {
		if err := checkCrop(r.Crop); err != nil {
			fail("crop", "%v", err)
		}
	}
	if s := r.Stack; s != nil {
		if !r.Series {
			fail("stack", "is for series = true")
		}
		if s.Axis != "" && s.Axis != "x" && s.Axis != "y" && s.Axis != "z" {
			fail("stack.axis", "%q is not x, y or z", s.Axis)
		}
		if s.Spacing != nil && (len(s.Spacing) != 3 || slices.ContainsFunc(s.Spacing, func(v float64) bool { return !(v > 0 && v < 1e6) })) {
			fail("stack.spacing", "%v is not three lengths in mm", s.Spacing)
		}
		if s.First != 0 && s.Number == "" {
			fail("stack.first", "is for slices with a number")
		}
		if s.Order != "" && (s.Order != "image" || s.Number != "" || s.Axis != "" || s.Spacing != nil) {
			fail("stack.order", "%q is not \"image\", or stands beside number, axis or spacing", s.Order)
		}
	}
	if _, err := parseFragment(r.Array); err != nil {
		fail("array", "%v", err)
	}
	return problems
}

func checkCrop(c []float64) error {
	if len(c) != 4 {
		return fmt.Errorf("%v is not x0, y0, x1, y1", c)
	}
	for i, v := range c {
		if !(v >= 0 && v < 1<<31) {
			return fmt.Errorf("%v is not x0, y0, x1, y1", c)
		}
		if i >= 2 && v != 0 && v <= c[i-2] {
			return fmt.Errorf("%v is empty", c)
		}
	}
	if !fractions(c) && slices.ContainsFunc(c, func(v float64) bool { return v != float64(int64(v)) }) {
		return fmt.Errorf("%v is neither fractions nor whole pixels", c)
	}
	return nil
}

func fractions(c []float64) bool {
	return !slices.ContainsFunc(c, func(v float64) bool { return v > 1 })
}

func formatNamed(name string) (f convertcore.Format, ok bool) {
	all := format.All()
	i := slices.IndexFunc(all, func(f convertcore.Format) bool { return f.Name == name })
	if i < 0 {
		return f, false
	}
	return all[i], true
}

// fragment is a text with placeholders.
type fragment struct{ texts, names []string }

func parseFragment(src string) (f fragment, err error) {
	for rest := src; ; {
		text, after, found := strings.Cut(rest, "{")
		if strings.ContainsAny(text, "}#") {
			return f, fmt.Errorf("%q: } without { or a #", src)
		}
		f.texts = append(f.texts, text)
		if !found {
			return f, nil
		}
		name, tail, ok := strings.Cut(after, "}")
		if !ok || !isName(name) {
			return f, fmt.Errorf("%q: %q is no placeholder", src, "{"+after)
		}
		f.names, rest = append(f.names, name), tail
	}
}

// fill puts texts in the place of the placeholders.
func (f fragment) fill(text func(name string) (string, bool)) (string, error) {
	var b strings.Builder
	for i, name := range f.names {
		v, ok := text(name)
		if !ok {
			return "", fmt.Errorf("{%s} has no text", name)
		}
		b.WriteString(f.texts[i])
		b.WriteString(v)
	}
	b.WriteString(f.texts[len(f.texts)-1])
	return b.String(), nil
}
