package view

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
	"github.com/omnimedseg/omnimedfs/fs/dataset"
)

// cut is the slice of a volume that a preview shows, and how it lies.
type cut struct {
	axis, index int
	code        string // geom.Orientation where left and right mean something, else ""
	spacing     [3]float64
}

// chooseCut takes the axis along which the voxels are longest (slices as they
// were acquired), else the one from feet to head, and of it the slice with the
// most foreground, the middle one where there is none.
func chooseCut(ctx context.Context, modality string, img *dataset.Pixels, masks []*classMask) (cut, error) {
	h := img.Header
	c := cut{axis: 2, spacing: [3]float64{1, 1, 1}}
	if h.Form == convertcore.PNG {
		return c, nil
	}
	for i, s := range geom.Spacing(h.Affine) {
		if s > 0 {
			c.spacing[i] = s
		}
	}
	if modality == "ct" || modality == "mri" {
		c.code = geom.Orientation(h.Affine)
	}
	if at := strings.IndexAny(c.code, "SI"); at >= 0 {
		c.axis = at
	}
	for i, s := range c.spacing {
		if h.Dims[i] > 1 && s > 1.5*c.spacing[(i+1)%3] && s > 1.5*c.spacing[(i+2)%3] {
			c.axis = i
		}
	}
	for i := range 3 { // a volume of one slice
		if h.Dims[i] == 1 {
			c.axis = i
		}
	}
	counts := make([]int, h.Dims[c.axis])
	for _, m := range masks {
		if m.pixels.Header.Dims[:3][0] != h.Dims[0] || m.pixels.Header.Dims[1] != h.Dims[1] || m.pixels.Header.Dims[2] != h.Dims[2] {
			continue
		}
		if err := countSlices(ctx, m.pixels, c.axis, counts); err != nil {
			return c, err
		}
	}
	c.index = len(counts) / 2
	for i, n := range counts {
		if n > counts[c.index] {
			c.index = i
		}
	}
	return c, nil
}

// countSlices adds to counts the non-zero voxels of each slice across axis, one
// plane in memory at a time.
func countSlices(ctx context.Context, p *dataset.Pixels, axis int, counts []int) error {
	h := p.Header
	plane := make([]byte, h.Dims[0]*h.Dims[1])
	for z := range h.Dims[2] {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := readAll(p, plane, int64(z)*int64(len(plane))); err != nil {
			return err
		}
		at := [3]int{0, 0, z}
		for i, v := range plane {
			if v != 0 {
				at[0], at[1] = i%h.Dims[0], i/h.Dims[0]
				counts[at[axis]]++
			}
		}
	}
	return nil
}

func readAll(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// slice reads the cut out of a volume, as a volume of one slice. Of a series it
// is the first volume.
func (c cut) slice(p *dataset.Pixels) (*convertcore.Volume, error) {
	h := p.Header
	size := h.Channels * h.Elem()
	one := h
	one.Dims[c.axis], one.Dims[3] = 1, 1
	row := h.Dims[0] * size
	var out []byte
	switch c.axis {
	case 2:
		out = make([]byte, row*h.Dims[1])
		if err := readAll(p, out, int64(c.index)*int64(len(out))); err != nil {
			return nil, err
		}
	case 1:
		for z := range h.Dims[2] {
			line := make([]byte, row)
			if err := readAll(p, line, int64(row)*int64(z*h.Dims[1]+c.index)); err != nil {
				return nil, err
			}
			out = append(out, line...)
		}
	case 0:
		plane := make([]byte, row*h.Dims[1])
		for z := range h.Dims[2] {
			if err := readAll(p, plane, int64(z)*int64(len(plane))); err != nil {
				return nil, err
			}
			for y := range h.Dims[1] {
				at := y*row + c.index*size
				out = append(out, plane[at:at+size]...)
			}
		}
	}
	return convertcore.NewVolume(one, p.Lead, out)
}

// text says which slice it is, counted from 1.
func (c cut) text(h convertcore.Header) string {
	if h.Form == convertcore.PNG {
		return ""
	}
	name := "xyz"[c.axis : c.axis+1]
	if c.code != "" {
		name = map[byte]string{'R': "sagittal", 'L': "sagittal", 'A': "coronal", 'P': "coronal", 'S': "axial", 'I': "axial"}[c.code[c.axis]]
	}
	return fmt.Sprintf("  %s %d/%d", name, c.index+1, h.Dims[c.axis])
}

// pose says how the two axes of a cut are laid on the screen: x to the right
// and y down, each an axis of the volume, turned round or not, with the letters
// of the four edges where they mean something.
type pose struct {
	x, y         int // axes of the volume
	flipX, flipY bool
	left, right  string
	top, bottom  string
}

var opposite = map[byte]byte{'R': 'L', 'L': 'R', 'A': 'P', 'P': 'A', 'S': 'I', 'I': 'S'}

// pose lays a cut out as radiologists do: head or front up, the patient's right
// on the left, in sagittal cuts the face to the left. Without orientation, as
// the data are stored.
func (c cut) pose() pose {
	x, y := (c.axis+1)%3, (c.axis+2)%3
	if x > y {
		x, y = y, x
	}
	p := pose{x: x, y: y}
	if c.code == "" {
		return p
	}
	// The axis from feet to head is upright; where it is cut across, the one from back to front.
	if strings.IndexByte("SI", c.code[x]) >= 0 || strings.IndexByte("SI", c.code[y]) < 0 && strings.IndexByte("AP", c.code[x]) >= 0 {
		p.x, p.y = y, x
	}
	toRight, toBottom := c.code[p.x], c.code[p.y] // where the index grows
	p.flipX = toRight == 'R' || toRight == 'A'
	p.flipY = toBottom == 'S' || toBottom == 'A'
	if p.flipX {
		toRight = opposite[toRight]
	}
	if p.flipY {
		toBottom = opposite[toBottom]
	}
	p.right, p.left = string(toRight), string(opposite[toRight])
	p.bottom, p.top = string(toBottom), string(opposite[toBottom])
	return p
}
