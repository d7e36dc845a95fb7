package cache

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// plane is one byte image within a chunk: rows of equal length (the last may be
// short), predicted and packed by itself, so that each has its own entropy
// table.
type plane struct {
	data []byte
	row  int // bytes a row; 0 where no prediction applies
	step int // bytes to the neighbour on the left
	pred predictor
}

// A packed plane is a 6-byte header (packing, predictor, length of what
// follows) and its bytes.
const planeHeader = 6

type packing byte

const (
	packRaw packing = iota
	packZstd
	packConst // one byte, repeated; the predictor was not applied
)

// packPlane appends p, whose data are not yet predicted, to dst.
func packPlane(dst []byte, p plane) []byte {
	start := len(dst)
	dst = append(dst, byte(packRaw), byte(p.pred), 0, 0, 0, 0)
	if constant(p.data) {
		dst[start] = byte(packConst)
		dst[start+1] = byte(predNone)
		dst = append(dst, p.data[0])
	} else {
		data := p.data
		if p.pred != predNone {
			tmp := getBuf(len(data))
			defer putBuf(tmp)
			p.pred.encode(*tmp, data, p.row, p.step)
			data = *tmp
		}
		dst = encoders().EncodeAll(data, dst)
		if n := len(dst) - start - planeHeader; float64(n) < payoff*float64(len(data)) {
			dst[start] = byte(packZstd)
		} else {
			return rawPlane(dst[:start], p.data)
		}
	}
	binary.LittleEndian.PutUint32(dst[start+2:], uint32(len(dst)-start-planeHeader))
	return dst
}

// rawPlane appends data as they are.
func rawPlane(dst, data []byte) []byte {
	dst = append(dst, byte(packRaw), byte(predNone))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(data)))
	return append(dst, data...)
}

// unpackPlane decodes the first packed plane of enc into dst, whose length
// must be the plane's, and returns what follows it.
func unpackPlane(dst, enc []byte, row, step int) ([]byte, error) {
	if len(enc) < planeHeader {
		return nil, fmt.Errorf("%w: plane header cut", errChunk)
	}
	pack, pred := packing(enc[0]), predictor(enc[1])
	n := int(binary.LittleEndian.Uint32(enc[2:]))
	enc = enc[planeHeader:]
	if n > len(enc) || pred >= predCount || (pred != predNone && (row <= 0 || step <= 0)) {
		return nil, fmt.Errorf("%w: impossible plane", errChunk)
	}
	body, rest := enc[:n], enc[n:]
	switch pack {
	case packConst:
		if n != 1 {
			return nil, fmt.Errorf("%w: constant of %d bytes", errChunk, n)
		}
		fill(dst, body[0])
		return rest, nil
	case packRaw:
		if n != len(dst) {
			return nil, fmt.Errorf("%w: plane of %d bytes, not %d", errChunk, n, len(dst))
		}
		copy(dst, body)
	case packZstd:
		out, err := decoders().DecodeAll(body, dst[:0:len(dst)])
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errChunk, err)
		}
		if len(out) != len(dst) {
			return nil, fmt.Errorf("%w: plane of %d bytes, not %d", errChunk, len(out), len(dst))
		}
		if len(out) > 0 && &out[0] != &dst[0] {
			copy(dst, out)
		}
	default:
		return nil, fmt.Errorf("%w: packing %d", errChunk, pack)
	}
	pred.decode(dst, row, step)
	return rest, nil
}

// constant reports whether all bytes of b, which is not empty, are equal.
func constant(b []byte) bool {
	return len(b) > 0 && bytes.Equal(b[1:], b[:len(b)-1])
}

func fill(b []byte, v byte) {
	if v == 0 {
		clear(b)
		return
	}
	for i := range b {
		b[i] = v
	}
}
