package hdf5

import (
	"context"
	"slices"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// unproven is how many bytes of elements are believed that the file does not
// store: they hold the fill value.
const unproven = 16 << 20

// plausible is the ratio of decompression up to which a file is believed before
// it was read.
const plausible = 16

// maxInflate is the largest ratio of a DEFLATE stream: 258 bytes for two bits.
const maxInflate = 1032

// Read returns the box of elements that begins at start and has count of them
// along each axis, the last axis fastest, as the file stores them. Only the
// chunks that it touches are read.
func (d *Dataset) Read(ctx context.Context, start, count []int64) ([]byte, error) {
	if len(start) != len(d.Shape) || len(count) != len(d.Shape) {
		return nil, malformed("a box of %d axes in an HDF5 dataset of %v", len(count), d.Shape)
	}
	n := int64(d.Type.Size)
	for i := range count {
		if start[i] < 0 || count[i] < 1 || count[i] > d.Shape[i] || start[i] > d.Shape[i]-count[i] {
			return nil, malformed("a box of %v at %v in an HDF5 dataset of %v", count, start, d.Shape)
		}
		if n > convertcore.MaxPayload/count[i] {
			return nil, malformed("a box of %v in an HDF5 dataset", count)
		}
		n *= count[i]
	}
	switch {
	case d.layout.class == 2:
		return d.readChunks(ctx, start, count, n)
	case d.layout.class == 0:
		out := make([]byte, n)
		d.copyBox(out, start, count, d.layout.data, make([]int64, len(start)), d.Shape)
		return out, nil
	case d.f.undefined(d.layout.addr):
		return d.filled(n)
	}
	out := make([]byte, n) // checkLayout: the file has as many
	w := contiguous{d: d, ctx: ctx, start: start, count: count}
	return out, w.read(out, 0, 0)
}

// filled is n bytes of the fill value.
func (d *Dataset) filled(n int64) ([]byte, error) {
	if n > unproven {
		return nil, malformed("HDF5 dataset of %d bytes, of which none is stored", n)
	}
	out := make([]byte, n)
	d.paint(out)
	return out, nil
}

func (d *Dataset) paint(b []byte) {
	if d.fill == nil || len(b) < len(d.fill) {
		return
	}
	for n := copy(b, d.fill); n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}

// contiguous reads a box of a dataset that lies in one piece.
type contiguous struct {
	d            *Dataset
	ctx          context.Context
	start, count []int64
}

// oneRead is how much is read at one time to spare many small reads.
const oneRead = 4 << 20

// read fills out with the part of the box whose first axes have been chosen;
// base is the element where it begins.
func (w *contiguous) read(out []byte, axis int, base int64) error {
	d, size := w.d, int64(w.d.Type.Size)
	first, last, stride := base, base, int64(1)
	for i := len(d.Shape) - 1; i >= axis; i-- {
		first += w.start[i] * stride
		last += (w.start[i] + w.count[i] - 1) * stride
		stride *= d.Shape[i]
	}
	whole := (last - first + 1) * size
	off, err := d.f.span(d.layout.addr, 0)
	if err != nil {
		return err
	}
	off += first * size
	switch {
	case whole == int64(len(out)):
		for len(out) > 0 {
			if err := w.ctx.Err(); err != nil {
				return err
			}
			n := min(len(out), oneRead)
			if err := readFull(d.f.blob, out[:n], off); err != nil {
				return err
			}
			out, off = out[n:], off+int64(n)
		}
		return nil
	case whole <= oneRead:
		if err := w.ctx.Err(); err != nil {
			return err
		}
		src := make([]byte, whole)
		if err := readFull(d.f.blob, src, off); err != nil {
			return err
		}
		strides := make([]int64, len(d.Shape)-axis)
		for i, s := len(d.Shape)-1, size; i >= axis; i-- {
			strides[i-axis] = s
			s *= d.Shape[i]
		}
		copyAxes(out, src, w.count[axis:], packed(w.count[axis:], size), strides, size)
		return nil
	}
	part := int64(len(out)) / w.count[axis]
	stride /= d.Shape[axis]
	for k := range w.count[axis] {
		if err := w.read(out[k*part:(k+1)*part], axis+1, base+(w.start[axis]+k)*stride); err != nil {
			return err
		}
	}
	return nil
}

// packed are the strides of a box whose elements lie together.
func packed(count []int64, size int64) []int64 {
	out := make([]int64, len(count))
	for i := len(count) - 1; i >= 0; i-- {
		out[i] = size
		size *= count[i]
	}
	return out
}

// copyAxes copies count elements along each axis.
func copyAxes(dst, src []byte, count, to, from []int64, size int64) {
	if len(count) == 0 {
		copy(dst[:size], src[:size])
		return
	}
	if len(count) == 1 && to[0] == size && from[0] == size {
		copy(dst[:count[0]*size], src)
		return
	}
	if len(count) == 1 {
		for k := range count[0] {
			copy(dst[k*to[0]:k*to[0]+size], src[k*from[0]:])
		}
		return
	}
	for k := range count[0] {
		copyAxes(dst[k*to[0]:], src[k*from[0]:], count[1:], to[1:], from[1:], size)
	}
}

// copyBox copies what a block at a place has of the box start, count.
func (d *Dataset) copyBox(out []byte, start, count []int64, src []byte, at, shape []int64) {
	size := int64(d.Type.Size)
	to, from := packed(count, size), packed(shape, size)
	n := make([]int64, len(count))
	var o, s int64
	for i := range count {
		lo, hi := max(start[i], at[i]), min(start[i]+count[i], at[i]+shape[i])
		if hi <= lo {
			return
		}
		n[i] = hi - lo
		o += (lo - start[i]) * to[i]
		s += (lo - at[i]) * from[i]
	}
	copyAxes(out[o:], src[s:], n, to, from, size)
}

// readChunks reads a box from the chunks that it touches.
func (d *Dataset) readChunks(ctx context.Context, start, count []int64, n int64) ([]byte, error) {
	chunks, have, err := d.needed(ctx, start, count)
	if err != nil {
		return nil, err
	}
	if n > unproven && n/maxInflate > have {
		return nil, malformed("HDF5 dataset with %d bytes of %d stored", have, n)
	}
	spans := make([]blob.Span, len(chunks))
	for i, c := range chunks {
		off, err := d.f.span(c.addr, c.size)
		if err != nil {
			return nil, err
		}
		spans[i] = blob.Span{Off: off, Len: c.size}
	}
	if len(spans) > 1 {
		if err := blob.WillNeed(ctx, d.f.blob, spans); err != nil {
			return nil, err
		}
	}
	dec := &decoder{filters: d.filters, size: d.layout.size}
	if n > unproven && n/plausible > have { // is it all there?
		for i, c := range chunks {
			if _, err := d.chunk(ctx, dec, c, spans[i]); err != nil {
				return nil, err
			}
		}
	}
	var out []byte
	at := make([]int64, len(start))
	for i, c := range chunks {
		b, err := d.chunk(ctx, dec, c, spans[i])
		if err != nil {
			return nil, err
		}
		if out == nil { // one chunk was as it should be
			out = make([]byte, n)
			d.paint(out)
		}
		for k := range at {
			at[k] = c.at[k] * d.layout.chunk[k]
		}
		d.copyBox(out, start, count, b, at, d.layout.chunk)
	}
	if out == nil {
		return d.filled(n)
	}
	return out, nil
}

// needed lists the stored chunks that a box touches, and how many bytes of file
// they are: no two share any.
func (d *Dataset) needed(ctx context.Context, start, count []int64) (out []chunk, stored int64, err error) {
	b := box{make([]int64, len(start)), make([]int64, len(start))}
	total := int64(1)
	for i, c := range d.layout.chunk {
		b.first[i], b.last[i] = start[i]/c, (start[i]+count[i]-1)/c
		total *= b.last[i] - b.first[i] + 1
		if total > maxChunks {
			return nil, 0, unsupported("HDF5 dataset of more than %d chunks in one image", maxChunks)
		}
	}
	err = d.chunks(b, func(c chunk) error {
		if d.layout.edges {
			for i, k := range d.layout.chunk {
				if (c.at[i]+1)*k > d.Shape[i] {
					c.mask = 1<<32 - 1
				}
			}
		}
		if int64(len(out)) >= total {
			return malformed("HDF5 chunks that are listed twice")
		}
		if stored += c.size; c.size < 1 || stored > d.f.blob.Size() {
			return malformed("HDF5 chunks of %d bytes in a file of %d", stored, d.f.blob.Size())
		}
		if len(d.filters) == 0 && c.size != d.layout.size {
			return malformed("HDF5 chunk of %d bytes where %d are due", c.size, d.layout.size)
		}
		out = append(out, c)
		return ctx.Err()
	})
	slices.SortFunc(out, func(a, b chunk) int { return slices.Compare(a.at, b.at) })
	return out, stored, err
}

// maxChunks bounds the chunks of one image.
const maxChunks = 1 << 22

// chunk reads and decodes one chunk.
func (d *Dataset) chunk(ctx context.Context, dec *decoder, c chunk, at blob.Span) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.size > convertcore.MaxPayload {
		return nil, malformed("HDF5 chunk of %d bytes", c.size)
	}
	dec.stored = slices.Grow(dec.stored[:0], int(c.size))[:c.size] // span: the file has as many
	if err := readFull(d.f.blob, dec.stored, at.Off); err != nil {
		return nil, err
	}
	return dec.undo(dec.stored, c.mask)
}
