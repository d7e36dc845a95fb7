package report

import (
	"image"
	"image/color"
	"math"

	"github.com/omnimedseg/omnimedfs/eval/data"
	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/robot"
)

// Colors of an overlay: told apart also by people who see red and green alike.
var (
	truthColor = color.RGBA{0, 200, 120, 255}
	predColor  = color.RGBA{255, 80, 200, 255}
	frontColor = color.RGBA{255, 220, 0, 255} // prompts on foreground
	backColor  = color.RGBA{60, 150, 255, 255}
	shapeColor = color.RGBA{255, 150, 30, 255} // boxes and polygons
)

// View is what an overlay shows; all but Truth may be left out.
type View struct {
	Image   *data.Image
	Truth   *mask.Mask
	Pred    *mask.Mask
	Prompts []robot.Prompt
	Side    int    // about how many pixels the longer side has; 0 for overlaySide
	Caption string // what Sheet writes below
}

// plane is a slice of the view: which axes of a Point are rows and columns.
type plane struct {
	axis, index int // the axis that is cut; 0 and 0 in 2-D
	row, col    int
}

func (p plane) at(r, c int) mask.Point {
	var q mask.Point
	q[p.axis], q[p.row], q[p.col] = p.index, r, c
	return q
}

// overlaySide is the usual size of an overlay; the marks are sized for it.
const overlaySide = 640

// Overlay draws the truth's contour (green), the prediction's (magenta) and
// the prompts on the image, or on the truth in gray where there is none. Of a
// volume it shows the slice of the last prompt, or the largest of the truth.
// Voxels are drawn in their true proportions, a scribble's as they are.
func Overlay(v View) image.Image { return overlay(v, v.plane()) }

func overlay(v View, p plane) *image.RGBA {
	if v.Side <= 0 {
		v.Side = overlaySide
	}
	shape, spacing := v.Truth.Shape(), paddedSpacing(v.Truth)
	height := float64(shape[p.row]) * spacing[p.row]
	width := float64(shape[p.col]) * spacing[p.col]
	scale := float64(v.Side) / math.Max(height, width)
	c := &canvas{view: v, plane: p,
		sy: clampScale(spacing[p.row]*scale, shape[p.row]), sx: clampScale(spacing[p.col]*scale, shape[p.col])}
	c.dst = image.NewRGBA(image.Rect(0, 0, max(1, int(float64(shape[p.col])*c.sx)), max(1, int(float64(shape[p.row])*c.sy))))
	c.background()
	c.contour(v.Truth, truthColor)
	if v.Pred != nil {
		c.contour(v.Pred, predColor)
	}
	for i := range v.Prompts {
		c.prompt(&v.Prompts[i])
	}
	return c.dst
}

// clampScale keeps absurd spacings from making absurd pictures.
func clampScale(s float64, n int) float64 { return math.Min(math.Max(s, 16/float64(n)), 64) }

func paddedSpacing(m *mask.Mask) [3]float64 {
	s := [3]float64{1, 1, 1}
	copy(s[3-m.NDim():], m.Spacing())
	return s
}

// plane picks the slice along the coarsest axis (the last of several).
func (v *View) plane() plane {
	if v.Truth.NDim() == 2 {
		return plane{0, 0, 1, 2}
	}
	axis := 0
	for a, s := range v.Truth.Spacing() {
		if s >= v.Truth.Spacing()[axis] {
			axis = a
		}
	}
	p := plane{axis: axis, row: 0, col: 2}
	switch axis {
	case 0:
		p.row = 1
	case 2:
		p.col = 1
	}
	if n := len(v.Prompts); n > 0 && len(v.Prompts[n-1].Points) > 0 {
		pts := v.Prompts[n-1].Points
		p.index = pts[len(pts)/2][axis]
		if b := v.Prompts[n-1].Box; b != nil {
			p.index = (b.Min[axis] + b.MaxInclusive[axis]) / 2
		}
		return p
	}
	counts := v.Truth.SliceCounts(axis)
	for i, n := range counts {
		if n > counts[p.index] {
			p.index = i
		}
	}
	return p
}

// canvas is an overlay being drawn. sy and sx are pixels a voxel.
type canvas struct {
	view   View
	plane  plane
	sy, sx float64
	dst    *image.RGBA
}

// source returns the voxel under a pixel.
func (c *canvas) source(y, x int) mask.Point {
	return c.plane.at(int(float64(y)/c.sy), int(float64(x)/c.sx))
}

// background draws the image, stretched between its 1st and 99th percentile.
func (c *canvas) background() {
	lo, hi := 0.0, 1.0
	value := func(p mask.Point) float64 {
		if c.view.Truth.At(p) {
			return 0.35
		}
		return 0.08
	}
	if im := c.view.Image; im != nil {
		lo, hi = im.Percentile(1), im.Percentile(99)
		value = im.At
	}
	b := c.dst.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			g := uint8(255 * math.Min(math.Max((value(c.source(y, x))-lo)/math.Max(hi-lo, 1e-9), 0), 1))
			c.dst.SetRGBA(x, y, color.RGBA{g, g, g, 255})
		}
	}
}

// contour draws the pixels inside m that are near pixels outside it.
func (c *canvas) contour(m *mask.Mask, col color.RGBA) {
	b, w := c.dst.Bounds(), c.mark(2)
	in := func(y, x int) bool {
		return y >= 0 && x >= 0 && y < b.Dy() && x < b.Dx() && m.At(c.source(y, x))
	}
	for y := range b.Dy() {
		for x := range b.Dx() {
			if in(y, x) && !(in(y-w, x) && in(y+w, x) && in(y, x-w) && in(y, x+w)) {
				c.dst.SetRGBA(x, y, col)
			}
		}
	}
}

// center is the pixel in the middle of a point, and whether the point lies in
// the slice shown.
func (c *canvas) center(pt robot.Point) (y, x int, ok bool) {
	m := c.view.Truth
	p, err := m.PointOf(pt)
	if err != nil {
		return 0, 0, false
	}
	y, x = int((float64(p[c.plane.row])+0.5)*c.sy), int((float64(p[c.plane.col])+0.5)*c.sx)
	return y, x, p[c.plane.axis] == c.plane.index
}

func (c *canvas) prompt(p *robot.Prompt) {
	switch {
	case p.Kind == robot.Box && p.Box != nil:
		c.box(p.Box)
	case p.Kind == robot.Polygon:
		for i := range p.Points {
			c.line(p.Points[i], p.Points[(i+1)%len(p.Points)])
		}
		for _, pt := range p.Points {
			if y, x, ok := c.center(pt); ok {
				c.disk(y, x, c.mark(4), shapeColor)
			}
		}
	default:
		for i, pt := range p.Points {
			y, x, ok := c.center(pt)
			if !ok {
				continue
			}
			col := backColor
			if i < len(p.Labels) && p.Labels[i] == 1 {
				col = frontColor
			}
			if p.Kind == robot.Scribble {
				c.voxel(y, x, col)
				continue
			}
			radius := c.mark(7)
			c.disk(y, x, radius+c.mark(2), color.RGBA{0, 0, 0, 255})
			c.disk(y, x, radius, col)
		}
	}
}

// mark is a size in pixels of an ordinary overlay in this one.
func (c *canvas) mark(n int) int { return max(1, (n*c.view.Side+overlaySide/2)/overlaySide) }

// voxel fills the pixels of the voxel that has the pixel (y, x).
func (c *canvas) voxel(y, x int, col color.RGBA) {
	p := c.source(y, x)
	for y0 := y; y0 >= 0 && c.source(y0, x) == p; y0-- {
		c.span(p, y0, x, col)
	}
	for y1 := y + 1; y1 < c.dst.Bounds().Dy() && c.source(y1, x) == p; y1++ {
		c.span(p, y1, x, col)
	}
}

// span is voxel in the row of pixels y.
func (c *canvas) span(p mask.Point, y, x int, col color.RGBA) {
	for x0 := x; x0 >= 0 && c.source(y, x0) == p; x0-- {
		c.dst.SetRGBA(x0, y, col)
	}
	for x1 := x + 1; x1 < c.dst.Bounds().Dx() && c.source(y, x1) == p; x1++ {
		c.dst.SetRGBA(x1, y, col)
	}
}

func (c *canvas) disk(y, x, r int, col color.RGBA) {
	for dy := -r; dy <= r; dy++ {
		for dx := -r; dx <= r; dx++ {
			if dy*dy+dx*dx <= r*r && image.Pt(x+dx, y+dy).In(c.dst.Bounds()) {
				c.dst.SetRGBA(x+dx, y+dy, col)
			}
		}
	}
}

func (c *canvas) line(a, b robot.Point) {
	y0, x0, _ := c.center(a)
	y1, x1, _ := c.center(b)
	mask.Line(mask.Point{0, y0, x0}, mask.Point{0, y1, x1}, func(p mask.Point) { c.disk(p[1], p[2], c.mark(2)-1, shapeColor) })
}

// box draws the outline of the box around its voxels.
func (c *canvas) box(b *robot.Span) {
	first := 3 - c.view.Truth.NDim()
	edge := func(p robot.Point, axis int, scale float64) int { return int(float64(p[axis-first]) * scale) }
	y0, y1 := edge(b.Min, c.plane.row, c.sy), edge(b.Max, c.plane.row, c.sy)-1
	x0, x1 := edge(b.Min, c.plane.col, c.sx), edge(b.Max, c.plane.col, c.sx)-1
	for _, side := range [][4]int{{y0, x0, y0, x1}, {y1, x0, y1, x1}, {y0, x0, y1, x0}, {y0, x1, y1, x1}} {
		mask.Line(mask.Point{0, side[0], side[1]}, mask.Point{0, side[2], side[3]}, func(p mask.Point) {
			c.disk(p[1], p[2], c.mark(2)-1, shapeColor)
		})
	}
}
