package format

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

// lattice is how far in voxels a frame's pixels may lie from the voxels of the
// image that it is drawn onto: as geom.SameGrid.
const lattice = 1e-3

// Draw sets dst[i] to 1 where voxel i of grid belongs to a segment that pick
// accepts. It returns how many segments that were, and what a user should know
// of how they were laid. A pixel of a FRACTIONAL segmentation belongs from
// fraction (0 to 1) of the maximum on, and with fraction 0 above 0. Frames whose
// pixels are not voxels of grid are convertcore.ErrMismatch; turned, mirrored and
// cropped ones are none, and along the normal the nearest slice counts. It is
// not safe for many goroutines.
func (s *SEG) Draw(ctx context.Context, dst []byte, grid convertcore.Header, fraction float64, pick func(Segment) bool) (int, []string, error) {
	inv, err := inverseOf(grid, len(dst))
	if err != nil {
		return 0, nil, err
	}
	picked := map[int]bool{}
	for _, g := range s.segments {
		if pick(g) {
			picked[g.Number] = true
		}
	}
	off := snapped{what: "frames"}
	for i, f := range s.frames {
		if err := ctx.Err(); err != nil {
			return 0, nil, err
		}
		wanted := len(picked) > 0 && (picked[f.segment] || s.Type == "LABELMAP")
		if !wanted && i > 0 { // the first has to fit for a segment without frames too
			continue
		}
		place, err := f.locate(inv, grid, s.pixels.Rows, s.pixels.Cols)
		if err != nil {
			return 0, nil, fmt.Errorf("frame %d: %w", i+1, err)
		}
		if !wanted {
			continue
		}
		off.add(place.beside)
		if err := s.drawFrame(dst, i, place, s.selected(fraction, picked)); err != nil {
			return 0, nil, fmt.Errorf("frame %d: %w", i+1, err)
		}
	}
	repeat(dst, grid)
	return len(picked), off.warnings(), nil
}

// snapped counts what was laid on the nearest slice.
type snapped struct {
	what string
	n    int
	far  float64 // slices, at most
}

// add takes the distance of one from its slice; below a hundredth it is the
// rounding of positions.
func (s *snapped) add(off float64) {
	if off > 0.01 {
		s.n, s.far = s.n+1, math.Max(s.far, off)
	}
}

func (s *snapped) warnings() []string {
	if s.n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d %s lie up to %.2g slices from the nearest slice of the image, where they were drawn", s.n, s.what, s.far)}
}

// inverseOf maps mm (RAS+) to voxels of grid.
func inverseOf(grid convertcore.Header, n int) (geom.Affine, error) {
	inv, ok := geom.Inverse(grid.Affine)
	if !ok {
		return inv, fmt.Errorf("%w: the image has no place in the patient", convertcore.ErrMismatch)
	}
	if int64(n) != grid.Pixels() {
		return inv, fmt.Errorf("%w: selection of %d voxels over an image of %d", convertcore.ErrMismatch, n, grid.Pixels())
	}
	return inv, nil
}

// repeat copies the first volume to those of the other times.
func repeat(dst []byte, grid convertcore.Header) {
	for n := grid.Dims[0] * grid.Dims[1] * grid.Dims[2]; n < len(dst); n *= 2 {
		copy(dst[n:], dst[:n])
	}
}

// selected tells the values that belong, for values of more than one bit.
func (s *SEG) selected(fraction float64, picked map[int]bool) func(int) bool {
	switch s.Type {
	case "LABELMAP":
		return func(v int) bool { return picked[v] }
	case "FRACTIONAL":
		return func(v int) bool { return v > 0 && float64(v) >= fraction*float64(s.max) }
	}
	return func(v int) bool { return v != 0 }
}

// frameGrid is where a frame lies in a volume: the voxel of its first pixel and
// the steps to the next in its row and in its column.
type frameGrid struct {
	start, alongRow, alongColumn int
	beside                       float64 // slices from its own place
}

// locate finds a frame's pixels among the voxels of grid. The pixel of column c
// and row r lies at position + c·spacing[1]·orientation[:3] +
// r·spacing[0]·orientation[3:] mm in LPS+ (PS3.3, equation C.7.6.2.1-1).
func (f *segFrame) locate(inv geom.Affine, grid convertcore.Header, rows, cols int) (frameGrid, error) {
	var corner [4][3]float64 // voxels of first, end of row, end of column, last
	for i := range corner {
		c, r := float64((cols-1)*(i&1)), float64((rows-1)*(i>>1))
		var p [3]float64
		for k := range p {
			p[k] = f.position[k] + c*f.spacing[1]*f.orientation[k] + r*f.spacing[0]*f.orientation[3+k]
		}
		corner[i] = geom.Apply(inv, lpsToRAS(p))
	}
	normal, err := f.normal(inv, cols, rows)
	if err != nil {
		return frameGrid{}, err
	}
	stride := [3]int{1, grid.Dims[0], grid.Dims[0] * grid.Dims[1]}
	at := [4]int{}
	for k := range 3 {
		for i, v := range corner {
			off := math.Abs(v[k] - math.Round(v[k]))
			if k == normal {
				off = math.Abs(v[k] - corner[0][k])
			}
			if !(off <= lattice) {
				return frameGrid{}, fmt.Errorf("%w: its pixels lie %.3g voxels beside those of the image (spacing, origin or orientation)", convertcore.ErrMismatch, off)
			}
			n := math.Round(corner[i][k])
			if k == normal {
				n = math.Round(corner[0][k])
			}
			if !(n >= 0 && n < float64(grid.Dims[k])) {
				return frameGrid{}, fmt.Errorf("%w: it reaches voxel %g of %d along axis %s", convertcore.ErrMismatch, n, grid.Dims[k], "xyz"[k:k+1])
			}
			at[i] += int(n) * stride[k]
		}
	}
	g := frameGrid{start: at[0], beside: math.Abs(corner[0][normal] - math.Round(corner[0][normal]))}
	if cols > 1 {
		g.alongRow = (at[1] - at[0]) / (cols - 1)
	}
	if rows > 1 {
		g.alongColumn = (at[2] - at[0]) / (rows - 1)
	}
	return g, nil
}

// normal returns the voxel axis that the frame's pixels do not run along. One
// step along a row or column has to be one voxel along another axis each, so
// exactly that the last pixel is still where it belongs.
func (f *segFrame) normal(inv geom.Affine, cols, rows int) (int, error) {
	normal := 3 // 0 + 1 + 2
	for i, n := range [2]int{cols, rows} {
		axis := -1
		for k := range 3 {
			step := 0.0
			for j, sign := range [3]float64{-1, -1, 1} {
				step += inv[k][j] * sign * f.orientation[3*i+j] * f.spacing[1-i]
			}
			far := lattice / float64(max(1, n-1))
			if math.Abs(math.Abs(step)-1) <= far {
				axis = k
			} else if !(math.Abs(step) <= far) {
				return 0, fmt.Errorf("%w: a step from pixel to pixel is %.6g voxels along axis %s", convertcore.ErrMismatch, step, "xyz"[k:k+1])
			}
		}
		if axis < 0 {
			return 0, fmt.Errorf("%w: pixels lie on one another", convertcore.ErrMismatch)
		}
		normal -= axis
		if i == 1 && (normal < 0 || normal > 2 || normal == axis) {
			return 0, fmt.Errorf("%w: rows and columns run along one axis", convertcore.ErrMismatch)
		}
	}
	return normal, nil
}

func lpsToRAS(p [3]float64) [3]float64 { return [3]float64{-p[0], -p[1], p[2]} }

// drawFrame sets the voxels of the selected pixels of frame i.
func (s *SEG) drawFrame(dst []byte, i int, place frameGrid, selected func(int) bool) error {
	pix, err := s.pixels.DecodeInto(s.buf, i)
	if err != nil {
		return err
	}
	s.buf = pix
	rows, cols := s.pixels.Rows, s.pixels.Cols
	if s.pixels.Bits() == 16 {
		for p := range rows * cols {
			if selected(int(binary.LittleEndian.Uint16(pix[2*p:]))) {
				dst[place.start+p/cols*place.alongColumn+p%cols*place.alongRow] = 1
			}
		}
		return nil
	}
	var table [256]byte
	for v := range table {
		if selected(v) {
			table[v] = 1
		}
	}
	for r := range rows {
		at := place.start + r*place.alongColumn
		for row := pix[r*cols:][:cols]; len(row) > 0; {
			if len(row) >= 8 && table[0] == 0 && binary.LittleEndian.Uint64(row) == 0 { // most of a mask
				row, at = row[8:], at+8*place.alongRow
				continue
			}
			dst[at] |= table[row[0]]
			row, at = row[1:], at+place.alongRow
		}
	}
	return nil
}
