package codec

import "encoding/binary"

const (
	rleHeader   = 64 // the number of segments and 15 offsets
	rleSegments = 15
	// rleRatio: two bytes stand for at most 128.
	rleRatio = 64
)

// RLE decodes DICOM's run lengths (PS3.5, annex G): one segment a byte plane,
// the planes of a sample from the most significant one. Samples are as stored;
// colors are not converted.
func RLE(stream []byte, f Frame) ([]byte, error) {
	if err := f.begin(len(stream), 0, rleRatio); err != nil {
		return nil, err
	}
	if len(stream) < rleHeader {
		return nil, malformed("RLE header of %d bytes", len(stream))
	}
	width := f.Bits / 8
	planes := f.Samples * width
	if n := binary.LittleEndian.Uint32(stream); n != uint32(planes) || planes > rleSegments {
		return nil, malformed("%d RLE segments, want %d", n, planes)
	}
	out := make([]byte, f.Size())
	for i := range planes {
		// A pixel is planes bytes; sample i/width has its high byte last.
		at := i/width*width + width - 1 - i%width
		segment, err := rleSegment(stream, i, planes)
		if err != nil {
			return nil, err
		}
		if planes == 1 {
			err = rlePlane(out, segment)
		} else {
			err = rleStrided(out[at:], segment, planes)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// RLEPlane decodes run lengths of one plane of n bytes: eight pixels of one bit
// each.
func RLEPlane(stream []byte, n int) ([]byte, error) {
	if n < 1 || n/rleRatio > len(stream) || len(stream) < rleHeader || binary.LittleEndian.Uint32(stream) != 1 {
		return nil, malformed("%d bytes of RLE cannot be one plane of %d", len(stream), n)
	}
	segment, err := rleSegment(stream, 0, 1)
	if err != nil {
		return nil, err
	}
	out := make([]byte, n)
	return out, rlePlane(out, segment)
}

// rleSegment returns the bytes of segment i of n. They end where the next
// begins, whatever pads them.
func rleSegment(stream []byte, i, n int) ([]byte, error) {
	start := int64(binary.LittleEndian.Uint32(stream[4+4*i:]))
	end := int64(len(stream))
	if i+1 < n {
		end = int64(binary.LittleEndian.Uint32(stream[8+4*i:]))
	}
	if start < rleHeader || start > end || end > int64(len(stream)) {
		return nil, malformed("RLE segment %d from %d to %d of %d bytes", i, start, end, len(stream))
	}
	return stream[start:end], nil
}

// rlePlane fills dst from one segment; bytes after the last sample are padding.
func rlePlane(dst, src []byte) error {
	for len(dst) > 0 {
		if len(src) < 2 {
			return rleShort(len(dst))
		}
		switch c := int(int8(src[0])); {
		case c >= 0:
			n := min(c+1, len(dst))
			if n > len(src)-1 {
				return rleShort(len(dst))
			}
			copy(dst[:n], src[1:])
			dst, src = dst[n:], src[n+1:]
		case c == -128: // no operation
			src = src[1:]
		default:
			n := min(1-c, len(dst))
			fill(dst[:n], src[1])
			dst, src = dst[n:], src[2:]
		}
	}
	return nil
}

// rleStrided is rlePlane for every step-th byte of dst.
func rleStrided(dst, src []byte, step int) error {
	at, left := 0, (len(dst)+step-1)/step
	for left > 0 {
		if len(src) < 2 {
			return rleShort(left)
		}
		switch c := int(int8(src[0])); {
		case c >= 0:
			n := min(c+1, left)
			if n > len(src)-1 {
				return rleShort(left)
			}
			for _, v := range src[1 : n+1] {
				dst[at] = v
				at += step
			}
			left, src = left-n, src[n+1:]
		case c == -128:
			src = src[1:]
		default:
			n, v := min(1-c, left), src[1]
			for range n {
				dst[at] = v
				at += step
			}
			left, src = left-n, src[2:]
		}
	}
	return nil
}

func rleShort(left int) error { return malformed("RLE segment ends %d samples early", left) }

func fill(dst []byte, v byte) {
	for i := range dst {
		dst[i] = v
	}
}
