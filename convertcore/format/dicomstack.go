package format

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

// mismatch is an ErrMismatch with its reason.
func mismatch(reason string, args ...any) error {
	return fmt.Errorf("%w: %s", convertcore.ErrMismatch, fmt.Sprintf(reason, args...))
}

// checkSame compares what all planes of one image have in common, and drops
// files that are copies of another.
func (p *dicomPlan) checkSame() error {
	a := p.planes[0]
	kept := p.planes[:0:0]
	seen := map[string]string{}
	for _, b := range p.planes {
		if first, ok := seen[b.uid]; ok && b.uid != "" && b.frame == 0 {
			p.warn("%s is a copy of %s (one SOP instance): left out", b.path, first)
			continue
		}
		if b.frame == 0 {
			seen[b.uid] = b.path
		}
		kept = append(kept, b)
		x, y := a.pix, b.pix
		switch {
		case a.series != b.series:
			return mismatch("%s and %s are of different series", a.path, b.path)
		case x.Rows != y.Rows || x.Cols != y.Cols:
			return mismatch("%s has %d×%d pixels, %s %d×%d", a.path, x.Cols, x.Rows, b.path, y.Cols, y.Rows)
		case x.Photometric != y.Photometric || x.Allocated != y.Allocated || x.Signed != y.Signed || x.Float != y.Float || (x.Stored < 16) != (y.Stored < 16):
			return mismatch("%s and %s have pixels of different kinds", a.path, b.path)
		case x.Palette != nil && x.Palette.Bits != y.Palette.Bits:
			return mismatch("%s and %s have palettes of %d and %d bits", a.path, b.path, x.Palette.Bits, y.Palette.Bits)
		case a.placed != b.placed:
			return mismatch("of %s and %s one has no position", a.path, b.path)
		case a.placed && (a.row.sub(b.row).norm() > 1e-3 || a.col.sub(b.col).norm() > 1e-3):
			return mismatch("%s and %s (frame %d) are oriented differently: localizers, or several stacks", a.path, b.path, b.frame)
		case math.Abs(a.spacing[0]-b.spacing[0]) > 1e-4*a.spacing[0] || math.Abs(a.spacing[1]-b.spacing[1]) > 1e-4*a.spacing[1]:
			return mismatch("%s and %s have pixels of different size", a.path, b.path)
		}
	}
	p.planes = kept
	return nil
}

// stack sorts placed planes along their normal and makes the affine.
func (p *dicomPlan) stack() error {
	a := p.planes[0]
	normal := a.row.cross(a.col)
	at := func(s *dicomSlice) float64 { return s.pos.dot(normal) }
	slices.SortStableFunc(p.planes, func(x, y *dicomSlice) int { return cmp.Compare(at(x), at(y)) })
	span := at(p.planes[len(p.planes)-1]) - at(p.planes[0])
	same := max(1e-3, 1e-3*span/float64(len(p.planes))) // positions are written to a µm or so
	groups := [][]*dicomSlice{}
	for i, s := range p.planes {
		if i == 0 || at(s)-at(p.planes[i-1]) > same {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], s)
	}
	times, err := p.order(groups)
	if err != nil {
		return err
	}
	n := len(groups)
	first, last := groups[0][0], groups[n-1][0]
	step := normal.scale(cmp.Or(a.depth, 1))
	if n > 1 {
		if err := p.checkEven(groups, at); err != nil {
			return err
		}
		step = normal.scale(span / float64(n-1))
		if step, err = p.shear(groups, step, last.pos.sub(first.pos).scale(1/float64(n-1))); err != nil {
			return err
		}
	}
	p.volume(first, first.pos, step, n, times)
	return nil
}

// volume sets dimensions and affine: rows from the bottom, RAS.
func (p *dicomPlan) volume(s *dicomSlice, origin, step vec3, z, t int) {
	x, y := s.row.scale(s.spacing[1]), s.col.scale(s.spacing[0])
	origin = origin.add(y.scale(float64(s.pix.Rows - 1)))
	y = y.scale(-1)
	p.header.Form = convertcore.NIfTI
	p.header.Dims = [4]int{s.pix.Cols, s.pix.Rows, z, t}
	p.header.Affine = geom.Affine{3: {0, 0, 0, 1}}
	for i := range 3 {
		sign := -1.0
		if i == 2 {
			sign = 1
		}
		p.header.Affine[i] = [4]float64{sign * x[i], sign * y[i], sign * step[i], sign * origin[i]}
	}
}

// order makes volumes of planes that share positions, one a time, and leaves
// the planes z fastest. Which plane is of which time must be told by one
// attribute at all positions alike.
func (p *dicomPlan) order(groups [][]*dicomSlice) (times int, err error) {
	times = len(groups[0])
	for _, g := range groups {
		if len(g) != times {
			return 0, malformed("%d slices at the position of %s, %d at that of %s: duplicates, or missing slices", times, groups[0][0].path, len(g), g[0].path)
		}
	}
	if times > 1 {
		key := -1
		for k := range timeTags {
			if p.tellsApart(groups, k) {
				key = k
				break
			}
		}
		if key < 0 {
			return 0, malformed("%d slices at each position, as %s and %s, and nothing that tells their times", times, groups[0][0].path, groups[0][1].path)
		}
		p.warn("%d slices at each position: volumes in the order of %v", times, timeTags[key])
	}
	out := make([]*dicomSlice, 0, len(p.planes))
	for t := range times {
		for _, g := range groups {
			out = append(out, g[t])
		}
	}
	p.planes = out
	return times, nil
}

// tellsApart sorts each group by attribute k and reports whether its values
// differ within a group and are the same in all.
func (p *dicomPlan) tellsApart(groups [][]*dicomSlice, k int) bool {
	for _, g := range groups {
		slices.SortStableFunc(g, func(x, y *dicomSlice) int { return cmp.Compare(x.times[k], y.times[k]) })
		for i, s := range g {
			if math.IsNaN(s.times[k]) || i > 0 && s.times[k] == g[i-1].times[k] || s.times[k] != groups[0][i].times[k] {
				return false
			}
		}
	}
	return true
}

// checkEven refuses stacks with a slice missing or slices that are no grid.
func (p *dicomPlan) checkEven(groups [][]*dicomSlice, at func(*dicomSlice) float64) error {
	n := len(groups)
	steps := make([]float64, n-1)
	for i := range steps {
		steps[i] = at(groups[i+1][0]) - at(groups[i][0])
	}
	sorted := slices.Sorted(slices.Values(steps))
	typical := sorted[(n-1)/2]
	if n == 3 { // of two steps the smaller
		typical = sorted[0]
	}
	mean := (at(groups[n-1][0]) - at(groups[0][0])) / float64(n-1)
	worst := 0.0
	for i, d := range steps {
		a, b := groups[i][0].path, groups[i+1][0].path
		if d > 1.5*typical {
			return malformed("slices are missing between %s and %s: %.4g mm apart where others are %.4g mm", a, b, d, typical)
		}
		off := math.Abs(at(groups[i+1][0])-at(groups[0][0])-mean*float64(i+1)) / mean
		if off > 0.25 {
			return malformed("slices are spaced unevenly: %s lies %.2g slices from its place", b, off)
		}
		worst = max(worst, off)
	}
	if worst > 0.02 {
		p.warn("slices lie up to %.2g of their spacing (%.4g mm) from an even grid", worst, mean)
	}
	return nil
}

// shear returns the step between slices: straight along the normal, or oblique
// where each slice is moved by as much (a tilted gantry).
func (p *dicomPlan) shear(groups [][]*dicomSlice, straight, step vec3) (vec3, error) {
	first := groups[0][0]
	pixel := min(first.spacing[0], first.spacing[1])
	if step.sub(straight).norm()*float64(len(groups)-1) < 0.1*pixel {
		step = straight
	} else {
		p.warn("slices are moved sideways by %.4g mm each (tilted gantry): the shear is kept in the sform", step.sub(straight).norm())
	}
	normal := straight.scale(1 / straight.norm())
	for i, g := range groups {
		for _, s := range g {
			off := s.pos.sub(first.pos.add(step.scale(float64(i))))
			if off = off.sub(normal.scale(off.dot(normal))); off.norm() > 0.5*pixel {
				return step, malformed("%s lies %.4g mm beside its place in the stack", s.path, off.norm())
			}
		}
	}
	return step, nil
}

// pile makes a volume of planes without positions: frames in their order, files
// by instance number, centred as dcm2niix does.
func (p *dicomPlan) pile() error {
	s := p.planes[0]
	if len(p.planes) > 1 {
		if s.path != p.planes[1].path {
			slices.SortStableFunc(p.planes, func(x, y *dicomSlice) int { return cmp.Compare(x.order, y.order) })
			for i, q := range p.planes {
				if math.IsNaN(q.order) || i > 0 && q.order == p.planes[i-1].order {
					return malformed("%s has neither a position nor an instance number of its own", q.path)
				}
			}
			s = p.planes[0]
		}
		p.warn("planes without position in the patient: in their order, %.4g mm apart", cmp.Or(s.depth, 1))
	}
	flat := *s
	flat.row, flat.col = vec3{1, 0, 0}, vec3{0, 1, 0}
	n := len(p.planes)
	step := vec3{0, 0, cmp.Or(s.depth, 1)}
	origin := vec3{-float64(s.pix.Cols-1) / 2 * s.spacing[1], -float64(s.pix.Rows-1) / 2 * s.spacing[0], -float64(n-1) / 2 * step[2]}
	p.volume(&flat, origin, step, n, 1)
	return nil
}
