package format

import (
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

// nrrdAxes is what a header says of each axis, the fastest first.
type nrrdAxes struct {
	size    []int64
	kind    []string // lower case; "" unknown
	domain  []bool   // in space
	dirs    [][]float64
	spacing []float64 // NaN unknown
	space   int       // dimensions of the space; 0 where there is none
}

// spaceDims are the dimensions of the spaces, time not counted.
func spaceDims(fields map[string]string) (int, error) {
	if s := fields["spacedimension"]; s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 4 {
			return 0, malformed("NRRD space dimension %q", s)
		}
		return n, nil
	}
	space := strings.ToLower(fields["space"])
	switch {
	case space == "":
		return 0, nil
	case strings.HasSuffix(space, "-time") || len(space) == 4:
		return 4, nil
	}
	return 3, nil
}

func parseNRRDAxes(fields map[string]string) (*nrrdAxes, error) {
	dim, err := strconv.Atoi(fields["dimension"])
	if err != nil || dim < 1 || dim > 16 {
		return nil, malformed("NRRD of %q dimensions", fields["dimension"])
	}
	sizes := strings.Fields(fields["sizes"])
	if len(sizes) != dim {
		return nil, malformed("NRRD sizes %q for %d dimensions", fields["sizes"], dim)
	}
	x := &nrrdAxes{size: make([]int64, dim), kind: make([]string, dim), domain: make([]bool, dim), dirs: make([][]float64, dim), spacing: make([]float64, dim)}
	for i, s := range sizes {
		n, err := strconv.ParseInt(s, 10, 32)
		if err != nil || n < 1 {
			return nil, malformed("NRRD size %q", s)
		}
		x.size[i], x.spacing[i] = n, math.NaN()
	}
	if x.space, err = spaceDims(fields); err != nil {
		return nil, err
	}
	if s := fields["kinds"]; s != "" {
		kinds := strings.Fields(strings.ToLower(s))
		if len(kinds) != dim {
			return nil, malformed("NRRD kinds %q for %d dimensions", s, dim)
		}
		copy(x.kind, kinds)
	}
	if s := fields["spacings"]; s != "" {
		v, err := numbers(s, dim)
		if err != nil || len(v) != dim {
			return nil, malformed("NRRD spacings %q for %d dimensions", s, dim)
		}
		copy(x.spacing, v)
	}
	if err := x.setDirections(fields["spacedirections"]); err != nil {
		return nil, err
	}
	x.setDomains()
	return x, nil
}

// setDirections parses "(1,0,0) none (0,0,1)": a vector of the space, or none,
// for each axis.
func (x *nrrdAxes) setDirections(s string) error {
	if s == "" {
		return nil
	}
	i := 0
	for ; i < len(x.size) && s != ""; i++ {
		s = strings.TrimSpace(s)
		if rest, ok := strings.CutPrefix(strings.ToLower(s), "none"); ok {
			s = rest
			continue
		}
		vector, rest, ok := strings.Cut(s, ")")
		v, err := nrrdVector(vector + ")")
		if !ok || err != nil || len(v) != x.space {
			return malformed("NRRD space direction %.60q", s)
		}
		x.dirs[i], s = v, rest
	}
	if i != len(x.size) || strings.TrimSpace(s) != "" {
		return malformed("NRRD space directions for %d dimensions", len(x.size))
	}
	return nil
}

// nrrdVector parses "(1,0,0)".
func nrrdVector(s string) ([]float64, error) {
	s = strings.TrimSpace(s)
	if len(s) < 2 || s[0] != '(' || s[len(s)-1] != ')' {
		return nil, malformed("NRRD vector %.60q", s)
	}
	return numbers(strings.ReplaceAll(s[1:len(s)-1], ",", " "), 4)
}

// setDomains tells the axes that are in space: those with a direction, and
// where no axis has one those whose kind does not deny it. Of more than three
// such axes without kinds the last is time.
func (x *nrrdAxes) setDomains() {
	directed := false
	for i := range x.size {
		directed = directed || x.dirs[i] != nil
	}
	n := 0
	for i := range x.size {
		if directed {
			x.domain[i] = x.dirs[i] != nil && x.kind[i] != "time"
		} else {
			k := x.kind[i]
			x.domain[i] = k == "domain" || k == "space" || (k == "" || k == "none" || k == "???") && n < 3
		}
		if x.domain[i] {
			n++
		}
	}
}

// place is the affine to RAS+ mm.
func (x *nrrdAxes) place(fields map[string]string) (geom.Affine, string, error) {
	a := geom.FromSpacing([3]float64{1, 1, 1})
	spatial := 0
	for i := range x.size {
		if !x.domain[i] || spatial == 3 {
			continue
		}
		switch {
		case x.dirs[i] != nil:
			for j := range 3 {
				a[j][spatial] = 0
				if j < len(x.dirs[i]) {
					a[j][spatial] = x.dirs[i][j]
				}
			}
		case !math.IsNaN(x.spacing[i]):
			a[spatial][spatial] = x.spacing[i]
		}
		spatial++
	}
	if spatial == 2 && x.space >= 3 {
		setNormal(&a)
	}
	if s := fields["spaceorigin"]; s != "" {
		v, err := nrrdVector(s)
		if err != nil || len(v) != x.space {
			return a, "", malformed("NRRD space origin %.60q", s)
		}
		for i := range min(3, len(v)) {
			a[i][3] = v[i]
		}
	} else if x.space == 0 {
		x.originFromMins(&a, fields)
	}
	a, warning := fromSpace(fields["space"], a)
	return a, warning, nil
}

// setNormal makes the third axis of a plane in space stand on it, 1 mm long.
func setNormal(a *geom.Affine) {
	n := [3]float64{}
	for i := range n {
		j, k := (i+1)%3, (i+2)%3
		n[i] = a[j][0]*a[k][1] - a[k][0]*a[j][1]
	}
	if l := math.Sqrt(n[0]*n[0] + n[1]*n[1] + n[2]*n[2]); l > 0 {
		for i := range n {
			a[i][2] = n[i] / l
		}
	}
}

// originFromMins is the place of the first sample by "axis mins", where all
// axes in space have one: half a spacing further where samples are cells, as
// they are unless "centers" says node (nrrdOriginCalculate in teem).
func (x *nrrdAxes) originFromMins(a *geom.Affine, fields map[string]string) {
	mins, err := numbers(fields["axismins"], len(x.size))
	if err != nil || len(mins) != len(x.size) {
		return
	}
	centers := strings.Fields(strings.ToLower(fields["centers"]))
	var origin [3]float64
	n := 0
	for i := range x.size {
		if !x.domain[i] || n == 3 {
			continue
		}
		if math.IsNaN(mins[i]) || math.IsNaN(x.spacing[i]) {
			return
		}
		origin[n] = mins[i]
		if i >= len(centers) || centers[i] != "node" {
			origin[n] += x.spacing[i] / 2
		}
		n++
	}
	for i := range n {
		a[i][3] = origin[i]
	}
}

// findData finds the files of the samples. at is the end of the header at from.
func (n *nrrd) findData(fields map[string]string, list []string, from string, at int64) (err error) {
	d := &n.data
	if s := fields["lineskip"]; s != "" {
		if d.lines, err = strconv.Atoi(s); err != nil || d.lines < 0 || d.lines > 1<<20 {
			return malformed("NRRD line skip %q", s)
		}
	}
	if s := fields["byteskip"]; s != "" {
		if d.skip, err = strconv.ParseInt(s, 10, 64); err != nil || d.skip < -1 || d.skip < 0 && d.code != encRaw {
			return malformed("NRRD byte skip %q", s)
		}
	}
	file, detached := fields["datafile"]
	words := strings.Fields(file)
	switch {
	case !detached:
		d.names, d.at = []string{path.Clean(from)}, at
		return nil
	case strings.HasPrefix(file, "LIST"):
	case len(words) >= 4 && strings.Contains(words[0], "%"):
		var v [3]int
		for i := range v {
			if v[i], err = strconv.Atoi(words[i+1]); err != nil {
				return malformed("NRRD data files %q", file)
			}
		}
		if list, err = numbered(words[0], v[0], v[1], v[2]); err != nil {
			return err
		}
	default:
		list = []string{file}
	}
	return d.setNames(from, list)
}
