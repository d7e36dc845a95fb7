package format

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// tiffLayout says which axis the pages of a stack run along: c channels, z
// slices and t times in an order such as "CZT", the first fastest.
type tiffLayout struct {
	c, z, t int
	order   string
	spacing [3]float64 // mm
}

func (l tiffLayout) planes() int { return l.c * l.z * l.t }

// place is the slice and the volume that page k belongs to.
func (l tiffLayout) place(k int) (z, ct int) {
	var at [3]int
	for _, axis := range l.order {
		n, i := l.z, 0
		switch axis {
		case 'C':
			n, i = l.c, 1
		case 'T':
			n, i = l.t, 2
		}
		at[i], k = k%n, k/n
	}
	return at[0], at[2]*l.c + at[1]
}

func isImageJ(d *tiffIFD) bool { return strings.HasPrefix(d.text(tagDescription), "ImageJ=") }

// isAperio tells a slide of an Aperio scanner (.svs).
func isAperio(d *tiffIFD) bool { return strings.HasPrefix(d.text(tagDescription), "Aperio") }

// layout reads what the first page says of the stack of n pages: the
// description of ImageJ or OME, else the resolution. What is not said is one
// channel, one time and 1 mm.
func (p *tiffPage) layout(n int) (tiffLayout, []string) {
	l := tiffLayout{c: 1, z: n, t: 1, order: "CZT", spacing: [3]float64{1, 1, 1}}
	text := p.ifd.text(tagDescription)
	var said [3]bool
	var warnings []string
	var c, z, t int
	order := "CZT"
	switch {
	case isImageJ(p.ifd):
		said = p.imageJ(text, &l.spacing)
		keys := imageJKeys(text)
		number := func(key string) int { v, _ := strconv.Atoi(keys[key]); return max(1, v) }
		c, z, t = number("channels"), number("slices"), number("frames")
		if images := number("images"); c*z*t == 1 && images > 1 {
			z = images
		}
		_, _, chunks := p.grid()
		if planes := c * z * t; n == 1 && chunks == 1 && p.compression == tiffNone && planes > 1 && planes <= maxTIFFPages &&
			number("images") == planes {
			n = planes
		}
	case strings.Contains(text, "<OME"):
		c, z, t, order, said = ome(text, p.samples, &l.spacing)
	default:
		said = p.resolution(&l.spacing)
	}
	if c > 0 && z > 0 && t > 0 && max(c, z, t) <= maxTIFFPages && c*z*t == n {
		l.c, l.z, l.t, l.order = c, z, t, order
	} else {
		l.z = n
		if c*z*t > 1 {
			warnings = append(warnings, fmt.Sprintf("the TIFF speaks of %d channels, %d slices and %d times but has %d pages: all are taken as slices", c, z, t, n))
		}
	}
	if l.c > 1 {
		warnings = append(warnings, "channels are volumes along the fourth axis")
	}
	for i, axis := range []string{"x", "y", "z"} {
		if !said[i] && (i < 2 || n > 1) {
			warnings = append(warnings, "no spacing along "+axis+" is stated: 1 mm is assumed")
		}
	}
	return l, warnings
}

// imageJKeys splits the lines "key=value".
func imageJKeys(text string) map[string]string {
	keys := map[string]string{}
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok && len(keys) < 1000 {
			keys[k] = v
		}
	}
	return keys
}

// millimetres are the units of length that are met.
var millimetres = map[string]float64{
	"mm": 1, "millimeter": 1, "millimetre": 1, "cm": 10, "centimeter": 10, "m": 1000, "meter": 1000,
	"micron": 1e-3, "microns": 1e-3, "um": 1e-3, "µm": 1e-3, "μm": 1e-3, `\u00B5m`: 1e-3, "micrometer": 1e-3, "nm": 1e-6, "inch": 25.4, "in": 25.4,
}

// imageJ reads the spacing; its resolution is in pixels for one "unit".
func (p *tiffPage) imageJ(text string, spacing *[3]float64) (said [3]bool) {
	keys := imageJKeys(text)
	unit, ok := millimetres[keys["unit"]]
	if !ok {
		return said
	}
	for i, tag := range []uint16{tagXResolution, tagYResolution} {
		if r := p.ifd.rational(tag); r > 0 {
			spacing[i], said[i] = unit/r, true
		}
	}
	if v, err := strconv.ParseFloat(keys["spacing"], 64); err == nil && v > 0 && v < 1e9 {
		spacing[2], said[2] = v*unit, true
	}
	return said
}

// maxPrint is the finest resolution, in dots an inch, that is a printer's and
// says nothing of the object: programs write 72 to 2400 without being asked.
const maxPrint = 2400

// resolution reads the spacing from the tags of the TIFF standard.
func (p *tiffPage) resolution(spacing *[3]float64) (said [3]bool) {
	unit, err := p.ifd.uint(tagResolutionUnit, 2)
	if err != nil {
		return said
	}
	for i, tag := range []uint16{tagXResolution, tagYResolution} {
		switch r := p.ifd.rational(tag); {
		case unit == 3 && r > 0:
			spacing[i], said[i] = 10/r, true
		case unit == 2 && r > maxPrint:
			spacing[i], said[i] = 25.4/r, true
		}
	}
	return said
}

var omeAttribute = regexp.MustCompile(`\b(SizeC|SizeZ|SizeT|DimensionOrder|PhysicalSize[XYZ](?:Unit)?)="([^"]*)"`)

// ome reads the first Pixels element of OME-XML; samples of a pixel count as
// channels there.
func ome(text string, samples int, spacing *[3]float64) (c, z, t int, order string, said [3]bool) {
	at := strings.Index(text, "<Pixels")
	if at < 0 {
		return 0, 0, 0, "CZT", said
	}
	text, _, _ = strings.Cut(text[at:], ">")
	keys := map[string]string{}
	for _, m := range omeAttribute.FindAllStringSubmatch(text, 100) {
		keys[m[1]] = m[2]
	}
	number := func(key string) int { v, _ := strconv.Atoi(keys[key]); return max(1, v) }
	c, z, t = number("SizeC"), number("SizeZ"), number("SizeT")
	if c%samples == 0 {
		c /= samples
	}
	order = strings.TrimPrefix(keys["DimensionOrder"], "XY")
	if len(order) != 3 || !strings.Contains(order, "C") || !strings.Contains(order, "Z") || !strings.Contains(order, "T") {
		order = "ZCT"
	}
	for i, axis := range []string{"X", "Y", "Z"} {
		unit, ok := 1e-3, true // micrometres unless said
		if name := keys["PhysicalSize"+axis+"Unit"]; name != "" {
			unit, ok = millimetres[name]
		}
		if v, err := strconv.ParseFloat(keys["PhysicalSize"+axis], 64); ok && err == nil && v > 0 && v < 1e9 {
			spacing[i], said[i] = v*unit, true
		}
	}
	return c, z, t, order, said
}
