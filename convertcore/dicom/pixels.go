package dicom

import (
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// pixelPlace is where the pixels are in the (inflated) file.
type pixelPlace struct {
	tag    Tag
	offset int64 // of the value; of the first item where they are encapsulated
	length int64 // -1 where they are encapsulated
	big    bool
	word   bool // stored as words of 16 bits
}

// Pixels describes an image's pixels (PS3.3, C.7.6.3).
type Pixels struct {
	Rows, Cols, Frames int
	Samples            int // a pixel: 1 or 3
	Allocated          int // bits a sample: 1, 8, 16, 32 or 64
	Stored, High       int // of them used, and the highest
	Signed, Float      bool
	Planar             bool   // colour by plane in place of by pixel
	Photometric        string // as stored: "MONOCHROME2", "RGB", …
	Palette            *Palette
}

// Bits is the number of bits of a decoded sample: 8, 16, 32 or 64.
func (p *Pixels) Bits() int { return max(8, p.Allocated) }

// FrameSize is the number of bytes of a decoded frame.
func (p *Pixels) FrameSize() int64 {
	return int64(p.Rows) * int64(p.Cols) * int64(p.Samples) * int64(p.Bits()/8)
}

// HasPixels reports whether the file has pixels at all.
func (d *Dataset) HasPixels() bool { return d.pixels != nil }

// PixelSpan is where the pixels are: the offset of the value (of the first item
// where they are encapsulated) and its length in bytes, -1 where encapsulated.
func (d *Dataset) PixelSpan() (off, length int64, ok bool) {
	if d.pixels == nil {
		return 0, 0, false
	}
	return d.pixels.offset, d.pixels.length, true
}

// Pixels returns the description of the file's pixels, checked.
func (d *Dataset) Pixels() (*Pixels, error) {
	if d.pixels == nil {
		return nil, malformed("DICOM without pixels (%s)", d.String(SOPClassUID))
	}
	p := &Pixels{Samples: 1, Frames: 1, Photometric: strings.ToUpper(d.String(PhotometricInterp))}
	n := func(t Tag, to *int) (err error) {
		if v, e := d.Ints(t); e != nil {
			err = e
		} else if len(v) > 0 {
			*to = v[0]
		}
		return err
	}
	var repr, planar int
	p.High = -1
	for _, f := range []struct {
		tag Tag
		to  *int
	}{{Rows, &p.Rows}, {Columns, &p.Cols}, {SamplesPerPixel, &p.Samples}, {BitsAllocated, &p.Allocated}, {BitsStored, &p.Stored},
		{HighBit, &p.High}, {PixelRepresentation, &repr}, {PlanarConfiguration, &planar}, {NumberOfFrames, &p.Frames}} {
		if err := n(f.tag, f.to); err != nil {
			return nil, err
		}
	}
	p.Signed, p.Planar = repr == 1, planar == 1
	if err := p.normalize(d.pixels.tag); err != nil {
		return nil, err
	}
	if ours := d.pixels.length >= 0 || !codecs[d.Syntax].rgb; ours && strings.HasPrefix(p.Photometric, "YBR_FULL") && p.Allocated != 8 {
		return nil, unsupported("%s of %d bits", p.Photometric, p.Allocated)
	}
	if p.Photometric == "PALETTE COLOR" {
		var err error
		if p.Palette, err = d.palette(); err != nil {
			return nil, err
		}
	}
	return p, d.checkLength(p)
}

// normalize fills what may be missing and checks the rest.
func (p *Pixels) normalize(t Tag) error {
	switch t {
	case FloatPixelData:
		p.Float, p.Allocated, p.Stored, p.High, p.Signed = true, 32, 32, 31, false
	case DoubleFloatPixelData:
		p.Float, p.Allocated, p.Stored, p.High, p.Signed = true, 64, 64, 63, false
	}
	if p.Frames == 0 {
		p.Frames = 1
	}
	if p.Stored == 0 {
		p.Stored = p.Allocated
	}
	if p.High < p.Stored-1 || p.High >= p.Allocated {
		p.High = p.Stored - 1
	}
	switch {
	case p.Rows < 1 || p.Cols < 1 || p.Rows > 1<<16 || p.Cols > 1<<16 || p.Frames < 1:
		return malformed("%d×%d pixels, %d frames", p.Cols, p.Rows, p.Frames)
	case p.Stored > p.Allocated || p.Stored < 1:
		return malformed("%d bits stored of %d", p.Stored, p.Allocated)
	case p.Allocated != 1 && p.Allocated != 8 && p.Allocated != 16 && p.Allocated != 32 && p.Allocated != 64:
		return unsupported("%d bits allocated for a sample", p.Allocated)
	case p.Samples != 1 && p.Samples != 3 || p.Samples == 3 && p.Allocated == 1:
		return unsupported("%d samples a pixel", p.Samples)
	}
	if p.FrameSize() > convertcore.MaxPayload/int64(p.Frames) {
		return malformed("%d frames of %d×%d pixels are beyond %d bytes", p.Frames, p.Cols, p.Rows, int64(convertcore.MaxPayload))
	}
	return p.checkColor()
}

// checkColor compares the number of samples with what they mean.
func (p *Pixels) checkColor() error {
	want := 1
	switch p.Photometric {
	case "", "MONOCHROME1", "MONOCHROME2", "PALETTE COLOR":
		if p.Photometric == "" && p.Samples == 3 {
			p.Photometric, want = "RGB", 3
		}
	case "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT":
		want = 3
	default:
		return unsupported("photometric interpretation %.32q", p.Photometric)
	}
	if p.Samples != want {
		return malformed("%s of %d samples a pixel", p.Photometric, p.Samples)
	}
	return nil
}

// subsampled reports whether native pixels share their chroma in pairs. Some
// writers name it so and store them whole.
func (d *Dataset) subsampled(p *Pixels) bool {
	return p.Photometric == "YBR_FULL_422" && d.pixels.length >= 0 && d.pixels.length < p.FrameSize()*int64(p.Frames)
}

// frameBits is the number of bits of a frame as it is stored natively.
func (d *Dataset) frameBits(p *Pixels) int64 {
	n := int64(p.Rows) * int64(p.Cols) * int64(p.Samples) * int64(p.Allocated)
	if d.subsampled(p) {
		n = n / 3 * 2
	}
	return n
}

// checkLength compares native pixels with the bytes that there are.
func (d *Dataset) checkLength(p *Pixels) error {
	if d.pixels.length < 0 {
		return nil
	}
	if need := (d.frameBits(p)*int64(p.Frames) + 7) / 8; need > d.pixels.length {
		return malformed("%d frames of %d×%d pixels need %d bytes, of which there are %d", p.Frames, p.Cols, p.Rows, need, d.pixels.length)
	}
	if d.subsampled(p) && p.Cols%2 == 1 {
		return malformed("YBR_FULL_422 of %d columns", p.Cols)
	}
	return nil
}
