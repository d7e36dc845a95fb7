package miniature

import (
	"math"
	"path"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
)

// Picture is an image, a volume or a label map.
type Picture struct {
	W, H, D int
	C       int       // samples of a pixel: 1 or 3
	Bits    int       // 8 or 16 of integers without sign; 0: what the numbers need
	Float   bool      // stored as 32-bit floats
	Px      []float64 // samples of a pixel together, then x, y, z
	Spacing [3]float64
	Origin  [3]float64 // RAS, of voxel (0,0,0)
	Near    float64    // how far samples may be off, where the format is lossy
	// Turned are the axes along which the image is served the other way round:
	// rows of DICOM go from the top, those of NIfTI from the bottom.
	Turned []string
}

func newPicture(w, h, d, c int) *Picture {
	return &Picture{W: w, H: h, D: d, C: c, Px: make([]float64, w*h*d*c)}
}

func (p *Picture) pixels() int { return p.W * p.H * p.D }

// like returns an empty picture on the same grid.
func (p *Picture) like(c int) *Picture {
	q := newPicture(p.W, p.H, p.D, c)
	q.Spacing, q.Origin = p.Spacing, p.Origin
	return q
}

// flipped returns the picture turned round along axes.
func (p *Picture) flipped(axes []string) *Picture {
	if len(axes) == 0 {
		return p
	}
	q := *p
	q.Px = make([]float64, len(p.Px))
	turn := func(axis string, i, n int) int {
		for _, a := range axes {
			if a == axis {
				return n - 1 - i
			}
		}
		return i
	}
	for z := range p.D {
		for y := range p.H {
			for x := range p.W {
				to := (turn("z", z, p.D)*p.H+turn("y", y, p.H))*p.W + turn("x", x, p.W)
				from := (z*p.H+y)*p.W + x
				copy(q.Px[to*p.C:(to+1)*p.C], p.Px[from*p.C:(from+1)*p.C])
			}
		}
	}
	return &q
}

// ext is the format of a raw path by its name, in lower case.
func ext(name string) string {
	low := strings.ToLower(name)
	if strings.HasSuffix(low, ".nii.gz") {
		return ".nii.gz"
	}
	return path.Ext(low)
}

func isJPEG(name string) bool { return ext(name) == ".jpg" || ext(name) == ".jpeg" }

// isPicture tells the formats that hold unsigned samples of 8 or 16 bits.
func isPicture(name string) bool {
	switch ext(name) {
	case ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".svs":
		return true
	}
	return false
}

// mostOf is the greatest sample that a format holds; 0: more than is needed.
func mostOf(name string) float64 {
	switch ext(name) {
	case ".tif", ".tiff":
		return math.MaxUint32
	case ".jpg", ".jpeg", ".bmp", ".gif":
		return 255
	}
	if isPicture(name) {
		return 65535
	}
	return 0
}

// shape chooses the size of a case's images.
func (b *builder) shape() *Picture {
	w, h := 40, 24
	for i := range b.r.Classes {
		c := &b.r.Classes[i]
		if len(c.Label) > 0 && isJPEG(c.Label[0]) {
			w = max(w, 8*(len(b.r.Classes)+2))
		}
	}
	w = max(w, len(b.r.Classes)+4)
	if b.r.Case.Index != nil {
		w, h = max(10, len(b.r.Classes)+2), 7
	}
	p := newPicture(w, h, 1, 1)
	if b.r.Dim == 3 {
		p = newPicture(max(12, len(b.r.Classes)+3), 9, 6, 1)
	}
	p.Spacing = [3]float64{0.5 + float64(b.rng.IntN(8))/8, 0.75, 2.5}
	p.Origin = [3]float64{-20.5, float64(b.rng.IntN(40)), 7.25}
	return p
}

// image makes a random image for a raw path on the grid of like.
func (b *builder) image(like *Picture, name string, rd *recipe.Reading) *Picture {
	c := 1
	if isPicture(name) && b.rng.IntN(2) == 0 || isJPEG(name) {
		c = 3
	}
	if (ext(name) == ".npy" || ext(name) == ".npz") && b.r.Dim == 2 && b.r.Case.Float2D == "" {
		c = []int{1, 3}[b.rng.IntN(2)]
	}
	if strings.Contains(rd.Array, "0:3") {
		c = 3
	}
	if len(b.pieces[name]) > 0 { // the file is there already, with other parts
		c = b.pieces[name][0].pic.C
	}
	w, h := cropSize(rd.Crop, like)
	p := newPicture(w, h, like.D, c)
	p.Spacing, p.Origin = like.Spacing, like.Origin
	if e := ext(name); e == ".npy" || e == ".npz" || e == ".mat" || isPicture(name) {
		p.Spacing, p.Origin = [3]float64{1, 1, 1}, [3]float64{} // arrays and pictures have no place
	}
	p.Bits = 8
	switch {
	case isPicture(name), b.r.Dim == 2 && b.r.Case.Float2D != "nifti" && b.r.Case.Float2D != "png16":
	case b.rng.IntN(3) == 0:
		p.Bits = 0
		p.Float = true
	default:
		p.Bits = 0
	}
	base := b.rng.Float64() * 50
	for i := range p.Px {
		switch {
		case isJPEG(name): // colors that differ by a constant: chroma is flat
			if i%p.C == 0 {
				p.Px[i] = math.Round(60 + base + 40*math.Sin(float64(i)/31) + float64(b.rng.IntN(9)))
			} else {
				p.Px[i] = p.Px[i-i%p.C] + float64(10*(i%p.C))
			}
			p.Near = 4
		case p.Bits == 8:
			p.Px[i] = float64(b.rng.IntN(256))
		case p.Float:
			p.Px[i] = float64(float32(b.rng.NormFloat64()))
		default:
			p.Px[i] = float64(b.rng.IntN(3000) - 1000)
		}
	}
	return p
}

// cropSize is the size of what is cut out of a file: the far edges in pixels, or
// like's own size.
func cropSize(crop []float64, like *Picture) (w, h int) {
	w, h = like.W, like.H
	if crop == nil || fractions(crop) {
		return w, h
	}
	if crop[2] > 0 {
		w = int(crop[2] - crop[0])
	} else if crop[0] > 0 {
		w = int(crop[0]) // as wide as what lies before
	}
	if crop[3] > 0 {
		h = int(crop[3] - crop[1])
	} else if crop[1] > 0 {
		h = int(crop[1])
	}
	return w, h
}

func fractions(crop []float64) bool {
	for _, v := range crop {
		if v > 1 {
			return false
		}
	}
	return true
}
