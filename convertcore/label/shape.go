package label

import (
	"math"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// Point is a position in pixels: x to the right, y downwards, and the pixel
// (0,0) has its centre at (0,0).
type Point struct{ X, Y float64 }

// maxPoints bounds the vertices of one file.
const maxPoints = 1 << 24

// Canvas is a binary image that shapes are drawn on.
type Canvas struct {
	W, H int
	Pix  []byte
}

// newCanvas is the canvas of a 2-D grid.
func newCanvas(dst []byte, grid convertcore.Header) (*Canvas, error) {
	if int64(len(dst)) != grid.Pixels() || grid.Dims[2]*grid.Dims[3] != 1 {
		return nil, unsupported("shapes on a grid of %v", grid.Dims)
	}
	return &Canvas{grid.Dims[0], grid.Dims[1], dst}, nil
}

// Polygon sets the pixels whose centre lies inside closed rings taken together
// by the even-odd rule: a ring in another is a hole. A centre on an edge
// belongs to the shape where the shape lies to its right, or below a level
// edge (half-open), so that neighbours neither overlap nor leave a gap.
func (c *Canvas) Polygon(rings ...[]Point) {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, r := range rings {
		for _, p := range r {
			if math.IsNaN(p.X+p.Y) || math.IsInf(p.X, 0) || math.IsInf(p.Y, 0) {
				return
			}
			lo, hi = math.Min(lo, p.Y), math.Max(hi, p.Y)
		}
	}
	if !(lo <= hi) {
		return
	}
	first, last := int(math.Max(0, math.Ceil(lo))), int(math.Min(float64(c.H-1), math.Floor(hi)))
	if first > last {
		return
	}
	// Each crossing turns the parity of the pixels to its right round.
	turns := make([]byte, (last-first+1)*(c.W+1))
	for _, r := range rings {
		for i, a := range r {
			b := r[(i+1)%len(r)]
			if a.Y > b.Y {
				a, b = b, a
			}
			// The rows y with a.Y <= y < b.Y.
			from, to := int(math.Max(float64(first), math.Ceil(a.Y))), int(math.Min(float64(last), math.Ceil(b.Y)-1))
			for y := from; y <= to; y++ {
				x := math.Ceil(a.X + (float64(y)-a.Y)*(b.X-a.X)/(b.Y-a.Y))
				turns[(y-first)*(c.W+1)+int(math.Max(0, math.Min(float64(c.W), x)))] ^= 1
			}
		}
	}
	for y := first; y <= last; y++ {
		in := byte(0)
		for x := range c.W {
			in ^= turns[(y-first)*(c.W+1)+x]
			c.Pix[y*c.W+x] |= in
		}
	}
}

// Ellipse sets the pixels whose centre lies in or on an ellipse with the given
// half axes, the first of which is turned by angle (radians) from x to y.
func (c *Canvas) Ellipse(center Point, rx, ry, angle float64) {
	if !(rx > 0 && ry > 0) || math.IsInf(rx+ry, 0) || math.IsNaN(angle+center.X+center.Y) || math.IsInf(angle+center.X+center.Y, 0) {
		return
	}
	sin, cos := math.Sincos(angle)
	far := math.Max(rx, ry)
	y0, y1 := math.Max(0, math.Ceil(center.Y-far)), math.Min(float64(c.H-1), center.Y+far)
	x0, x1 := math.Max(0, math.Ceil(center.X-far)), math.Min(float64(c.W-1), center.X+far)
	for y := int(y0); y <= int(y1) && y1 >= 0; y++ {
		for x := int(x0); x <= int(x1) && x1 >= 0; x++ {
			dx, dy := float64(x)-center.X, float64(y)-center.Y
			u, v := (dx*cos+dy*sin)/rx, (dy*cos-dx*sin)/ry
			if u*u+v*v <= 1 {
				c.Pix[y*c.W+x] = 1
			}
		}
	}
}

// shape is what a file says of one object: rings, or an ellipse.
type shape struct {
	class  string
	rings  [][]Point
	rx, ry float64 // an ellipse around rings[0][0] where above 0
	angle  float64
	rle    *rle
}

// draw sets a shape's pixels.
func (s *shape) draw(c *Canvas, o *placing) error {
	if s.rle != nil {
		return s.rle.draw(c)
	}
	rings := make([][]Point, len(s.rings))
	for i, r := range s.rings {
		rings[i] = make([]Point, len(r))
		for k, p := range r {
			rings[i][k] = o.pixel(p, c)
		}
	}
	if s.rx > 0 {
		c.Ellipse(rings[0][0], s.rx*o.scale, s.ry*o.scale, s.angle)
		return nil
	}
	c.Polygon(rings...)
	return nil
}

// placing turns a file's coordinates into pixels.
type placing struct {
	scale  float64 // pixels a unit
	offset float64 // subtracted from the scaled coordinates: 0.5 where (0,0) is the corner of the first pixel
	yUp    bool    // y counts upwards from the lower edge
	swap   bool    // y stands before x
}

func (o *placing) pixel(p Point, c *Canvas) Point {
	if o.swap {
		p.X, p.Y = p.Y, p.X
	}
	p.X, p.Y = p.X*o.scale-o.offset, p.Y*o.scale-o.offset
	if o.yUp {
		p.Y = float64(c.H-1) - p.Y
	}
	return p
}
