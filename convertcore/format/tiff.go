package format

import (
	"bytes"
	"context"
	"fmt"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

// TIFF and BigTIFF of both byte orders. One page of unsigned samples of up to
// 16 bits becomes a raster; several pages of one shape, and samples that no PNG
// holds (signed, 32 and 64 bits, floats), become a volume, its z the page.
// Samples of 1, 2 and 4 bits are brought to 0..255 as Pillow does, of 10 to 14
// bits are kept as numbers of 16, and halves of floats are widened. Where white
// is zero, unsigned samples are turned over. A palette is expanded with its
// indices kept; of a stack the indices alone are. Reduced-resolution copies and
// masks of transparency are passed over. The orientation tag is not applied.
func init() {
	Register(convertcore.Format{
		Name: "tiff",
		Match: func(path string, head []byte) bool {
			if len(head) == 0 {
				return hasExt(path, ".tif", ".tiff", ".btf", ".tf8", ".svs")
			}
			for _, magic := range []string{"II*\x00", "MM\x00*", "II+\x00", "MM\x00+"} {
				if bytes.HasPrefix(head, []byte(magic)) {
					return true
				}
			}
			return false
		},
		Header: tiffHeader,
		Decode: tiffDecode,
	})
}

func tiffHeader(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Header, error) {
	b, err := openOne(ctx, raw, paths)
	if err != nil {
		return convertcore.Header{}, err
	}
	defer b.Close()
	f, err := openTIFF(b)
	if err != nil {
		return convertcore.Header{}, err
	}
	s, err := f.stack(ctx)
	if err != nil {
		return convertcore.Header{}, err
	}
	return s.header, nil
}

func tiffDecode(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Image, error) {
	b, err := openOne(ctx, raw, paths)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	f, err := openTIFF(b)
	if err != nil {
		return nil, err
	}
	s, err := f.stack(ctx)
	if err != nil {
		return nil, err
	}
	return s.decode(ctx)
}

// pages walks the directories and returns the images at full resolution.
func (f *tiffFile) pages(ctx context.Context) (pages []*tiffPage, err error) {
	seen := map[int64]bool{}
	var first *tiffIFD
	for off := f.first; off != 0; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if seen[off] || len(seen) == maxTIFFPages {
			return nil, malformed("TIFF directories in a loop, or more than %d", maxTIFFPages)
		}
		seen[off] = true
		d, err := f.readIFD(off)
		if err != nil {
			return nil, err
		}
		if off = d.next; first == nil {
			first = d
		}
		const reduced, transparency = 1, 4
		if kind, err := d.uint(tagSubfileType, 0); err != nil {
			return nil, err
		} else if kind&(reduced|transparency) != 0 {
			continue
		}
		p, err := d.page()
		if err != nil {
			return nil, err
		}
		if pages = append(pages, p); len(pages) == 1 && isAperio(d) {
			break // thumbnail and lower levels follow without being called so
		}
	}
	if first == nil {
		return nil, malformed("TIFF without images")
	}
	if len(pages) == 0 {
		p, err := first.page()
		return []*tiffPage{p}, err
	}
	return pages, nil
}

// tiffStack is the image that a file's pages make.
type tiffStack struct {
	tiffShape
	pages    []*tiffPage
	layout   tiffLayout
	header   convertcore.Header
	warnings []string
}

// stack reads all but the data.
func (f *tiffFile) stack(ctx context.Context) (*tiffStack, error) {
	pages, err := f.pages(ctx)
	if err != nil {
		return nil, err
	}
	first := pages[0]
	for i, p := range pages {
		if p.tiffShape != first.tiffShape {
			return nil, unsupported("TIFF pages of different shapes: page 1 has %d×%d pixels, page %d has %d×%d or other samples",
				first.w, first.h, i+1, p.w, p.h)
		}
	}
	s := &tiffStack{tiffShape: first.tiffShape, pages: pages}
	s.layout, s.warnings = first.layout(len(pages))
	s.addContiguous()
	if s.header, err = s.tiffShape.header(s.layout); err != nil {
		return nil, err
	}
	if s.header.Form == convertcore.PNG {
		s.warnings = nil // they are of spacing and axes
	}
	s.warn()
	var need, have float64 = 0, float64(f.b.Size())
	for _, p := range s.pages {
		need += float64(p.rowBytes(p.w)) * float64(p.h) * float64(p.chunks()) / tiffRatios[p.compression]
	}
	if need > have {
		return nil, malformed("TIFF of %d pages of %d×%d pixels in %d bytes", len(s.pages), s.w, s.h, f.b.Size())
	}
	return s, nil
}

// addContiguous adds the pages of a stack of ImageJ for which there is one
// directory, the first: the samples of the others follow without a gap.
func (s *tiffStack) addContiguous() {
	first := s.pages[0]
	if _, _, chunks := first.grid(); len(s.pages) > 1 || chunks != 1 || first.compression != tiffNone || !isImageJ(first.ifd) {
		return
	}
	for i := 1; i < s.layout.planes(); i++ {
		p := *first
		p.shift = int64(i) * first.rowBytes(first.w) * int64(first.h)
		s.pages = append(s.pages, &p)
	}
}

// warn adds what a reader should know of the pixels.
func (s *tiffStack) warn() {
	p := s.pages[0]
	if p.orientation != 1 {
		s.warnings = append(s.warnings, fmt.Sprintf("orientation %d of the TIFF is not applied", p.orientation))
	}
	if s.photometric == tiffPalette && s.header.Form == convertcore.NIfTI {
		s.warnings = append(s.warnings, "voxels are palette indices; the palette is dropped")
	}
	if s.photometric == tiffWhiteIsZero && s.format != tiffUint {
		s.warnings = append(s.warnings, "white is zero in the TIFF; its signed samples are kept as stored")
	}
	if len(p.extra) > 0 && s.header.Form == convertcore.PNG {
		switch p.extra[0] {
		case 0:
			s.warnings = append(s.warnings, "the last sample is served as alpha; the TIFF does not say what it is")
		case 1:
			s.warnings = append(s.warnings, "colours are multiplied by alpha in the TIFF and kept as stored")
		}
	}
}

// chunks is 1, or the number of planes of a page that hold a sample each.
func (p *tiffPage) chunks() int {
	if p.planar {
		return p.samples
	}
	return 1
}

// header is what pages of this shape are served with.
func (s tiffShape) header(l tiffLayout) (convertcore.Header, error) {
	if l.planes() == 1 && s.flat() {
		channels := s.samples
		if s.photometric == tiffPalette {
			channels = 3
		}
		h := convertcore.RasterHeader(s.w, s.h, channels, 8*s.elem())
		return h, h.Check()
	}
	h := convertcore.Header{
		Dims: [4]int{s.w, s.h, l.z, l.c * l.t}, Channels: 1, Bits: 8 * s.elem(),
		Float: s.format == tiffFloat, Signed: s.format == tiffInt, Affine: geom.FromSpacing(l.spacing),
	}
	if s.together() {
		h.Channels = s.samples
	} else {
		h.Dims[3] *= s.samples
	}
	return geom.VolumeHeader(h)
}

// together tells whether NIfTI has voxels of this shape; else each sample is a
// volume along the fourth axis.
func (s tiffShape) together() bool {
	return s.samples == 1 || s.format == tiffUint && s.bits <= 8 && (s.samples == 3 || s.samples == 4)
}

// decode reads the data of all pages.
func (s *tiffStack) decode(ctx context.Context) (convertcore.Image, error) {
	h := s.header
	size := h.PayloadSize()
	if s.photometric == tiffPalette {
		size = h.Pixels() // indices
	}
	buf := make([]byte, size)
	plane := s.w * s.h * s.elem()
	for k, p := range s.pages {
		t := tiffTarget{buf: buf, elem: s.elem(), step: s.elem(), next: plane * s.layout.z, big: h.Form == convertcore.PNG}
		if h.Form == convertcore.PNG || s.together() {
			t.step, t.next = s.samples*s.elem(), s.elem()
		}
		z, ct := s.layout.place(k)
		if s.together() {
			t.base = (ct*s.layout.z + z) * plane * s.samples
		} else if h.Form == convertcore.NIfTI {
			t.base = (ct*s.samples*s.layout.z + z) * plane
		}
		if err := p.read(ctx, &t); err != nil {
			return nil, fmt.Errorf("page %d: %w", k+1, err)
		}
	}
	return s.image(buf)
}

func (s *tiffStack) image(buf []byte) (convertcore.Image, error) {
	if s.header.Form == convertcore.NIfTI {
		v, err := geom.NewVolume(s.header, 1, 0, buf)
		if err != nil {
			return nil, err
		}
		return v.Warn(s.warnings...), nil
	}
	pix, indices := buf, []byte(nil)
	if s.photometric == tiffPalette {
		table, err := s.pages[0].palette()
		if err != nil {
			return nil, err
		}
		pix, indices = expandRGB(table, buf), buf
	}
	r, err := convertcore.NewRaster(s.w, s.h, s.header.Channels, s.header.Bits, pix)
	if err == nil && indices != nil {
		r, err = r.WithIndices(indices)
	}
	if err != nil {
		return nil, err
	}
	return r.Warn(s.warnings...), nil
}

// palette reads the colours: 16 bits each, of which the high ones count. Some
// writers use the low ones; libtiff too tells them by that.
func (p *tiffPage) palette() (table [256][3]byte, err error) {
	v, err := p.ifd.uints(tagColorMap)
	if err != nil {
		return table, err
	}
	n := 1 << p.bits
	if len(v) < 3*n {
		return table, malformed("TIFF palette of %d values for %d bits", len(v), p.bits)
	}
	shift := 0
	for _, x := range v[:3*n] {
		if x > 255 {
			shift = 8
		}
	}
	for i := range n {
		for c := range 3 {
			table[i][c] = byte(v[c*n+i] >> shift)
		}
	}
	return table, nil
}

// expandRGB turns palette indices into RGB.
func expandRGB(table [256][3]byte, indices []byte) []byte {
	out := make([]byte, 3*len(indices))
	for i, v := range indices {
		*(*[3]byte)(out[3*i:]) = table[v]
	}
	return out
}
