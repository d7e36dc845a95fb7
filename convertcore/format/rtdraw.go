package format

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

// planar is how far in voxels the points of a contour may lie from its plane,
// and contours of one plane from one another: writers round to 0.01 mm.
const planar = 0.1

// Draw sets dst[i] to 1 where the centre of voxel i of grid lies inside a ROI
// that pick accepts. It returns how many ROIs those were, and what a user should
// know of how they were drawn. A centre is inside where it is within an odd
// number of the contours of its plane, so that inner contours and keyholes are
// holes; on an edge it counts on the left and the front side (LPS+), for every
// orientation of grid. A plane is drawn on the nearest slice. Contours that are
// oblique to the slices or lie beyond them are convertcore.ErrMismatch; what is
// beyond a slice's border is cut off.
func (s *RTStruct) Draw(ctx context.Context, dst []byte, grid convertcore.Header, pick func(ROI) bool) (int, []string, error) {
	inv, err := inverseOf(grid, len(dst))
	if err != nil {
		return 0, nil, err
	}
	picked, warnings := 0, []string(nil)
	for _, r := range s.rois {
		if !pick(r) {
			continue
		}
		picked++
		notes, err := r.draw(ctx, dst, grid, inv)
		if err != nil {
			return 0, nil, fmt.Errorf("ROI %d %q: %w", r.Number, r.Name, err)
		}
		for _, n := range slices.Concat(r.skipped, notes) {
			warnings = append(warnings, fmt.Sprintf("ROI %d %q: %s", r.Number, r.Name, n))
		}
	}
	repeat(dst, grid)
	return picked, warnings, nil
}

// plane is the contours of a ROI that lie in one plane.
type plane struct {
	at       float64 // voxel along the normal
	contours [][][2]float64
}

func (r *ROI) draw(ctx context.Context, dst []byte, grid convertcore.Header, inv geom.Affine) (notes []string, err error) {
	voxels := make([][][3]float64, len(r.contours))
	for i, c := range r.contours {
		voxels[i] = make([][3]float64, len(c)/3)
		for k := range voxels[i] {
			p := geom.Apply(inv, lpsToRAS([3]float64(c[3*k:])))
			if far := math.Abs(p[0]) + math.Abs(p[1]) + math.Abs(p[2]); !(far < 1e9) {
				return nil, fmt.Errorf("%w: a contour lies at voxel %.3g", convertcore.ErrMismatch, p)
			}
			voxels[i][k] = p
		}
	}
	normal, err := sliceAxis(voxels)
	if err != nil {
		return nil, err
	}
	v := viewOf(grid, normal)
	off := snapped{what: "planes"}
	planes, repeated := v.planes(voxels)
	cut, overlapping := 0, 0
	for _, p := range planes {
		slice := math.Round(p.at)
		if !(slice >= 0 && slice < float64(grid.Dims[normal])) {
			return nil, fmt.Errorf("%w: a contour lies on slice %.1f of %d", convertcore.ErrMismatch, p.at, grid.Dims[normal])
		}
		off.add(math.Abs(p.at - slice))
		cut += v.beyond(p.contours)
		n, err := v.overlaps(ctx, p.contours)
		if err != nil {
			return nil, err
		}
		overlapping += n
		if err := v.fill(ctx, dst[int(slice)*v.stride[2]:], p.contours); err != nil {
			return nil, err
		}
	}
	if repeated > 0 {
		notes = append(notes, fmt.Sprintf("%d contours left out: copies of others", repeated))
	}
	if overlapping > 0 {
		notes = append(notes, fmt.Sprintf("%d pairs of contours overlap in part: what two share is left out (even-odd rule)", overlapping))
	}
	if cut > 0 {
		notes = append(notes, fmt.Sprintf("%d contours reach beyond the image and are cut off at its border", cut))
	}
	return append(notes, off.warnings()...), nil
}

// beyond counts the contours of which a point lies outside of all pixels.
func (v view) beyond(contours [][][2]float64) (n int) {
	for _, c := range contours {
		if slices.ContainsFunc(c, func(p [2]float64) bool {
			return !(p[0] >= -0.5 && p[0] <= float64(v.size[0])-0.5 && p[1] >= -0.5 && p[1] <= float64(v.size[1])-0.5)
		}) {
			n++
		}
	}
	return n
}

// sliceAxis returns the voxel axis that is the same over each contour: the
// third where it can be.
func sliceAxis(contours [][][3]float64) (int, error) {
	least := math.Inf(1)
	for _, axis := range []int{2, 1, 0} {
		far := 0.0
		for _, c := range contours {
			lo, hi := math.Inf(1), math.Inf(-1)
			for _, p := range c {
				lo, hi = math.Min(lo, p[axis]), math.Max(hi, p[axis])
			}
			far = math.Max(far, (hi-lo)/2)
		}
		if far <= planar {
			return axis, nil
		}
		least = math.Min(least, far)
	}
	return 0, fmt.Errorf("%w: contours are oblique to the slices, by %.3g voxels at least", convertcore.ErrMismatch, least)
}

// view is a stack of slices as seen along LPS+: x and y run the way the
// patient's axes do, whatever way the voxels run, so that a centre on an edge
// falls to the same side in every orientation of the grid.
type view struct {
	axis   [3]int // voxel axes of x, y and the normal
	size   [3]int
	stride [3]int
	mirror [3]bool
}

func viewOf(grid convertcore.Header, normal int) view {
	code := geom.Orientation(grid.Affine)
	stride := [3]int{1, grid.Dims[0], grid.Dims[0] * grid.Dims[1]}
	world := func(axis int) int { return map[byte]int{'L': 0, 'R': 0, 'A': 1, 'P': 1, 'I': 2, 'S': 2}[code[axis]] }
	axes := []int{(normal + 1) % 3, (normal + 2) % 3}
	slices.SortFunc(axes, func(a, b int) int { return world(a) - world(b) })
	v := view{axis: [3]int{axes[0], axes[1], normal}}
	for i, a := range v.axis {
		v.size[i], v.stride[i] = grid.Dims[a], stride[a]
		v.mirror[i] = code[a] == 'R' || code[a] == 'A' || code[a] == 'I'
	}
	return v
}

// grain is the fraction of a voxel that coordinates are rounded to, so that a
// point that was drawn at a voxel's centre is there after its way through an
// affine and decimals.
const grain = 1 << 16

// planes sorts contours by plane and projects them. A contour that repeats
// another one of its plane is dropped, as it would undo it, and counted.
func (v view) planes(contours [][][3]float64) (out []plane, repeated int) {
	slices.SortStableFunc(contours, func(a, b [][3]float64) int { return cmpFloat(a[0][v.axis[2]], b[0][v.axis[2]]) })
	seen := map[[32]byte]bool{}
	for _, c := range contours {
		at := c[0][v.axis[2]]
		points := make([][2]float64, len(c))
		for i, p := range c {
			for k := range 2 {
				x := p[v.axis[k]]
				if v.mirror[k] {
					x = float64(v.size[k]-1) - x
				}
				points[i][k] = math.Round(x*grain) / grain
			}
		}
		if n := len(out); n == 0 || at-out[n-1].at > planar {
			out = append(out, plane{at: at})
			clear(seen)
		}
		if key := digest(points); seen[key] {
			repeated++
		} else {
			seen[key] = true
			last := &out[len(out)-1]
			last.contours = append(last.contours, points)
		}
	}
	return out, repeated
}

// digest tells contours apart.
func digest(points [][2]float64) [32]byte {
	b := make([]byte, 0, 16*len(points))
	for _, p := range points {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(p[0]))
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(p[1]))
	}
	return sha256.Sum256(b)
}

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
