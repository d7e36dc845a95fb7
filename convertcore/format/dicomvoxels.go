package format

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/dicom"
)

// maxDICOMRatio bounds the ratio of voxels to compressed bytes above eager: a
// constant plane of JPEG 2000 comes near it.
const maxDICOMRatio = 20000

// read decodes all planes, some at once.
func (p *dicomPlan) read(ctx context.Context, raw convertcore.Raw) ([]byte, error) {
	var shared *dicomFile // the only file of many frames
	if len(p.planes) > 1 && p.planes[0].path == p.planes[1].path {
		f, err := openDICOM(ctx, raw, p.planes[0].path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		shared = f
	}
	if err := p.probe(ctx, raw, shared); err != nil {
		return nil, err
	}
	voxels := make([]byte, p.header.PayloadSize())
	size := len(voxels) / len(p.planes)
	var scratch sync.Pool
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for k, s := range p.planes {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			f := shared
			if f == nil {
				var err error
				if f, err = openDICOM(ctx, raw, s.path); err != nil {
					return fmt.Errorf("%s: %w", s.path, err)
				}
				defer f.Close()
			}
			buf, _ := scratch.Get().(*[]byte)
			if buf == nil {
				buf = new([]byte)
			}
			pix, err := f.frames.DecodeInto(*buf, s.frame)
			if err != nil {
				return fmt.Errorf("%s: frame %d: %w", s.path, s.frame, err)
			}
			*buf = pix
			if err := p.put(voxels[k*size:][:size], s, pix); err != nil {
				return fmt.Errorf("%s: %w", s.path, err)
			}
			scratch.Put(buf)
			return nil
		})
	}
	return voxels, g.Wait()
}

// probe decodes a plane of a large volume before memory is taken for all, and
// compares with the bytes that there are.
func (p *dicomPlan) probe(ctx context.Context, raw convertcore.Raw, f *dicomFile) error {
	if p.header.PayloadSize() <= eager {
		return nil
	}
	last := p.planes[len(p.planes)-1]
	if f == nil {
		var err error
		if f, err = openDICOM(ctx, raw, last.path); err != nil {
			return fmt.Errorf("%s: %w", last.path, err)
		}
		defer f.Close()
		if p.header.PayloadSize()/maxDICOMRatio > f.Size()*int64(len(p.planes)) {
			return malformed("%d bytes of voxels in files of %d bytes", p.header.PayloadSize(), f.Size())
		}
	} else if p.header.PayloadSize()/maxDICOMRatio > f.Size() {
		return malformed("%d bytes of voxels in a file of %d bytes", p.header.PayloadSize(), f.Size())
	}
	_, err := f.frames.Decode(last.frame)
	return err
}

// put writes a plane's rows from the bottom, rescaled where planes differ.
func (p *dicomPlan) put(dst []byte, s *dicomSlice, pix []byte) error {
	if s.pix.Palette != nil {
		pix = s.pix.Palette.Expand(pix, s.pix.Bits(), s.pix.Signed)
	}
	rows, stride := s.pix.Rows, p.header.RowSize()
	from := len(pix) / rows
	if len(dst) != rows*stride || !p.rescale && from != stride || p.rescale && from != p.header.Dims[0]*s.pix.Bits()/8 {
		return malformed("plane of %d bytes where the header says %d", len(pix), len(dst))
	}
	for y := range rows {
		row, out := pix[y*from:][:from], dst[(rows-1-y)*stride:][:stride]
		if p.rescale {
			rescale(out, row, &s.pix, float32(s.slope), float32(s.inter))
		} else {
			copy(out, row)
		}
	}
	return nil
}

// rescale writes values as float32: as dcm2niix, in single precision.
func rescale(dst, src []byte, px *dicom.Pixels, slope, inter float32) {
	size := px.Bits() / 8
	le := binary.LittleEndian
	for i := 0; i*4 < len(dst); i++ {
		var v float32
		switch b := src[i*size:]; {
		case px.Float && size == 8:
			v = float32(math.Float64frombits(le.Uint64(b)))
		case px.Float:
			v = math.Float32frombits(le.Uint32(b))
		case size == 1 && px.Signed:
			v = float32(int8(b[0]))
		case size == 1:
			v = float32(b[0])
		case size == 2 && px.Signed:
			v = float32(int16(le.Uint16(b)))
		case size == 2:
			v = float32(le.Uint16(b))
		case size == 4 && px.Signed:
			v = float32(int32(le.Uint32(b)))
		case size == 4:
			v = float32(le.Uint32(b))
		case px.Signed:
			v = float32(int64(le.Uint64(b)))
		default:
			v = float32(le.Uint64(b))
		}
		le.PutUint32(dst[4*i:], math.Float32bits(float32(v*slope)+inter))
	}
}
