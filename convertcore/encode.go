package convertcore

import (
	"encoding/binary"
	"fmt"
	"hash"
	"hash/adler32"
	"hash/crc32"
	"io"
)

// encoder writes a container while its payload streams by, and computes the
// checksums on the way. One block is held at a time.
type encoder struct {
	w    io.Writer
	h    Header
	err  error
	sums Sums

	block [blockMax]byte
	n     int   // body bytes in block
	left  int64 // body bytes not yet written
	row   int64 // payload bytes a row; 0 for NIfTI
	col   int64 // payload bytes of the present row that were taken
	want  int64 // payload bytes still to come
	sum   hash.Hash32

	limit  int64 // largest IDAT
	stream int64 // bytes of the zlib stream not yet written
	chunk  int64 // bytes of the present IDAT not yet written
	crc    uint32
}

func newEncoder(w io.Writer, h Header, lead []byte, limit int64) (*encoder, error) {
	if err := h.Check(); err != nil {
		return nil, err
	}
	if len(lead) != h.Lead {
		return nil, fmt.Errorf("%w: lead of %d bytes where the header says %d", ErrMismatch, len(lead), h.Lead)
	}
	e := &encoder{w: w, h: h, limit: limit, want: h.PayloadSize()}
	if h.Form == NIfTI {
		e.left, e.sum = h.NiiSize(), crc32.NewIEEE()
		e.emit(gzipHeader[:])
		e.body(lead)
		return e, e.err
	}
	e.row, e.sum, e.stream = int64(h.RowSize()), adler32.New(), h.zlibSize()
	e.left = e.want + int64(h.Dims[1])
	head := pngHeader(h)
	e.emit(head[:])
	e.zlib(zlibHeader[:])
	return e, e.err
}

// Write takes the next payload bytes.
func (e *encoder) Write(p []byte) (int, error) {
	if int64(len(p)) > e.want && e.err == nil {
		e.err = fmt.Errorf("%w: payload longer than the %d bytes of its header", ErrMismatch, e.h.PayloadSize())
	}
	if e.err != nil {
		return 0, e.err
	}
	e.want -= int64(len(p))
	if e.row == 0 {
		e.body(p)
		return len(p), e.err
	}
	for rest := p; len(rest) > 0; {
		if e.col == 0 {
			e.body([]byte{0})
		}
		m := min(int64(len(rest)), e.row-e.col)
		e.body(rest[:m])
		rest = rest[m:]
		if e.col += m; e.col == e.row {
			e.col = 0
		}
	}
	return len(p), e.err
}

// finish writes the trailer and returns the checksums.
func (e *encoder) finish() (Sums, error) {
	if e.err == nil && e.want != 0 {
		e.err = fmt.Errorf("%w: payload shorter than its header says by %d bytes", ErrMismatch, e.want)
	}
	if e.h.Form == NIfTI {
		e.sums.Nii = e.sum.Sum32()
		tail := gzipTrailer(e.sums.Nii, e.h.NiiSize())
		e.emit(tail[:])
		return e.sums, e.err
	}
	e.sums.Adler = e.sum.Sum32()
	e.zlib(binary.BigEndian.AppendUint32(nil, e.sums.Adler))
	e.emit(iend[:])
	return e.sums, e.err
}

// body adds bytes to the present block and writes it when it is full or the
// last.
func (e *encoder) body(p []byte) {
	for len(p) > 0 {
		block := e.block[:]
		if e.n == 0 && len(p) >= blockMax { // as it lies
			block, p, e.n = p[:blockMax], p[blockMax:], blockMax
		} else {
			m := copy(block[e.n:], p)
			p, e.n = p[m:], e.n+m
		}
		if e.n < blockMax && int64(e.n) < e.left {
			continue
		}
		e.left -= int64(e.n)
		head := blockHeader(e.n, e.left == 0)
		e.sum.Write(block[:e.n])
		for _, b := range [2][]byte{head[:], block[:e.n]} {
			if e.row == 0 {
				e.emit(b)
			} else {
				e.zlib(b)
			}
		}
		e.n = 0
	}
}

// zlib writes bytes of the zlib stream, cut into IDAT chunks.
func (e *encoder) zlib(p []byte) {
	for len(p) > 0 && e.err == nil {
		if e.chunk == 0 {
			e.chunk = min(e.limit, e.stream)
			head := chunkHead(e.chunk)
			e.crc = crc32.ChecksumIEEE(head[4:])
			e.emit(head[:])
		}
		m := min(int64(len(p)), e.chunk)
		e.crc = crc32.Update(e.crc, crc32.IEEETable, p[:m])
		e.emit(p[:m])
		p, e.chunk, e.stream = p[m:], e.chunk-m, e.stream-m
		if e.chunk == 0 {
			e.sums.IDAT = append(e.sums.IDAT, e.crc)
			e.emit(binary.BigEndian.AppendUint32(nil, e.crc))
		}
	}
}

func (e *encoder) emit(p []byte) {
	if e.err == nil {
		_, e.err = e.w.Write(p)
	}
}

// encode writes the listed container of img.
func encode(w io.Writer, img Image) error {
	e, err := newEncoder(w, img.Header(), img.Lead(), maxIDAT)
	if err != nil {
		return err
	}
	if _, err := e.Write(img.Payload()); err != nil {
		return err
	}
	_, err = e.finish()
	return err
}
