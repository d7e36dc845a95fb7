package recipe

import (
	"context"
	"fmt"
	"strconv"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/format"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

// maxSlices bounds the numbers of a stack's slices.
const maxSlices = 1<<15 - 1 // NIfTI-1's dim

// sliceHeader turns a slice's header into that of a stack of n.
func (s *source) sliceHeader(h convertcore.Header, n int) (convertcore.Header, error) {
	if h.Dims[2]*h.Dims[3] != 1 || n < 1 || n > maxSlices {
		return h, mismatch("a stack of %d slices of %v", n, h.Dims)
	}
	w, ht := h.Dims[0], h.Dims[1]
	h.Dims = [4]int{w, ht, n, 1}
	switch s.Stack.Axis {
	case "y":
		h.Dims = [4]int{w, n, ht, 1}
	case "x":
		h.Dims = [4]int{n, w, ht, 1}
	}
	spacing := [3]float64{1, 1, 1}
	copy(spacing[:], s.Stack.Spacing)
	h.Affine = geom.FromSpacing(spacing)
	return geom.VolumeHeader(h)
}

func (s *source) stackHeader(ctx context.Context) (convertcore.Header, error) {
	h, err := headerRaw(ctx, s.raw, s.Format, s.paths[:1])
	if err != nil {
		return h, err
	}
	return s.sliceHeader(h, len(s.paths))
}

// stack decodes the slices into one volume.
func (s *source) stack(ctx context.Context) (convertcore.Image, error) {
	at := make([]int, len(s.paths))
	for i := range at {
		at[i] = i
	}
	return s.stackAt(ctx, at, len(at))
}

// stackAt puts slice i at index at[i] of n; the others are 0.
func (s *source) stackAt(ctx context.Context, at []int, n int) (convertcore.Image, error) {
	var h, first convertcore.Header
	var out []byte
	for i := range s.paths {
		im, err := decodeRaw(ctx, s.raw, s.Format, s.paths[i:i+1])
		if err != nil {
			return nil, err
		}
		data, sh := im.Payload(), im.Header()
		if r, ok := im.(*convertcore.Raster); ok && s.label && r.Indices() != nil {
			data, sh = r.Indices(), convertcore.RasterHeader(sh.Dims[0], sh.Dims[1], 1, 8)
		}
		if i == 0 {
			first = sh
			if h, err = s.sliceHeader(sh, n); err != nil {
				return nil, err
			}
			// Every slice is one of the files, or one that the image has.
			out = make([]byte, h.PayloadSize())
		}
		if sh.Dims != first.Dims || sh.Bits != first.Bits || sh.Channels != first.Channels || sh.Float != first.Float || sh.Signed != first.Signed {
			return nil, mismatch("slice %s is %v, %s is %v", s.paths[i], sh.Dims, s.paths[0], first.Dims)
		}
		s.put(out, h, data, sh, at[i])
	}
	return geom.NewVolume(h, 1, 0, out)
}

// put copies a slice, whose 16-bit samples are big-endian in a Raster.
func (s *source) put(out []byte, h convertcore.Header, data []byte, sh convertcore.Header, k int) {
	size := h.Channels * h.Elem()
	w, ht := sh.Dims[0], sh.Dims[1]
	swap := sh.Form == convertcore.PNG && h.Elem() == 2
	for y := range ht {
		for x := range w {
			i := (k*ht+y)*w + x
			switch s.Stack.Axis {
			case "y":
				i = (y*h.Dims[1]+k)*w + x
			case "x":
				i = (y*w+x)*h.Dims[0] + k
			}
			d := out[i*size : (i+1)*size]
			copy(d, data[(y*w+x)*size:])
			if swap {
				for b := 0; b < size; b += 2 {
					d[b], d[b+1] = d[b+1], d[b]
				}
			}
		}
	}
}

// numbers returns the index of each slice in its stack, from the placeholder
// that numbers them.
func (s *source) numbers(text func(path string) (string, bool), n int) ([]int, error) {
	at := make([]int, len(s.bare))
	seen := map[int]string{}
	for i, path := range s.bare {
		t, _ := text(path)
		k, err := strconv.Atoi(t)
		if k -= s.Stack.First; err != nil || k < 0 || k >= n {
			return nil, mismatch("slice %q of %d: %s", t, n, path)
		}
		if other, ok := seen[k]; ok {
			return nil, fmt.Errorf("%w: %q and %q", ErrAmbiguous, other, path)
		}
		at[i], seen[k] = k, path
	}
	return at, nil
}

// imageOrder returns the index in the image's volume of each file of its DICOM
// series, in the natural order of their names. There are as many label files.
func (g *group) imageOrder(ctx context.Context) ([]int, error) {
	slices, err := format.DICOMSlices(ctx, g.raw, g.image.Raw)
	if err != nil {
		return nil, err
	}
	index := map[string]int{}
	for i := range slices {
		index[slices[i].Path] = i
	}
	n := len(g.image.Raw)
	if len(slices) != n || len(index) != n || g.grid.Dims[2] != n || len(g.paths) != n {
		return nil, mismatch("%d slices of labels, a volume of %v of %d files", len(g.paths), g.grid.Dims, n)
	}
	at := make([]int, n)
	for i, path := range g.image.Raw {
		at[i] = index[path]
	}
	return at, nil
}
