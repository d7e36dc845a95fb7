package main

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"path"
	"strings"
)

// compressible tells whether deflate makes a file of the tree smaller: those
// that hold stored blocks.
func compressible(name string) bool {
	return (strings.HasSuffix(name, ".png") || strings.HasSuffix(name, ".nii.gz")) && !inRaw(name)
}

func inRaw(name string) bool {
	parts := strings.SplitN(name, "/", 4)
	return len(parts) > 2 && parts[0] == "datasets" && parts[2] == "raw"
}

// deflate writes a served PNG or .nii.gz with compressed in place of stored
// blocks. What they hold stays the same.
func deflate(name string, data []byte) ([]byte, error) {
	if path.Ext(name) == ".png" {
		return deflatePNG(data)
	}
	in, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.Copy(w, in); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

const pngMagic = "\x89PNG\r\n\x1a\n"

var errPNG = errors.New("no PNG as the tree serves it")

// deflatePNG filters the rows and compresses them: of the five filters each row
// gets the one with the smallest sum of absolute differences (PNG
// specification, section 12.8).
func deflatePNG(data []byte) ([]byte, error) {
	if len(data) < 33 || string(data[:8]) != pngMagic || string(data[12:16]) != "IHDR" {
		return nil, errPNG
	}
	w, h := int(binary.BigEndian.Uint32(data[16:])), int(binary.BigEndian.Uint32(data[20:]))
	samples, ok := map[byte]int{0: 1, 2: 3, 4: 2, 6: 4}[data[25]]
	if !ok || data[24] != 8 && data[24] != 16 {
		return nil, errPNG
	}
	bpp := samples * int(data[24]) / 8
	rows, err := inflateIDAT(data[33:])
	if err != nil || len(rows) != h*(1+w*bpp) {
		return nil, errors.Join(errPNG, err)
	}
	var idat bytes.Buffer
	z := zlib.NewWriter(&idat)
	f := newRowFilter(w*bpp, bpp)
	for y := range h {
		row := rows[y*(1+w*bpp) : (y+1)*(1+w*bpp)]
		if row[0] != 0 {
			return nil, errPNG
		}
		if _, err := z.Write(f.best(row[1:])); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	out := append([]byte(nil), data[:33]...)
	out = appendChunk(out, "IDAT", idat.Bytes())
	return appendChunk(out, "IEND", nil), nil
}

func appendChunk(out []byte, kind string, body []byte) []byte {
	out = binary.BigEndian.AppendUint32(out, uint32(len(body)))
	at := len(out)
	out = append(append(out, kind...), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[at:]))
}

// inflateIDAT returns the filtered rows in the chunks after the header.
func inflateIDAT(chunks []byte) ([]byte, error) {
	var z bytes.Buffer
	for len(chunks) >= 12 {
		n := int(binary.BigEndian.Uint32(chunks))
		if n > len(chunks)-12 {
			return nil, errPNG
		}
		if string(chunks[4:8]) == "IDAT" {
			z.Write(chunks[8 : 8+n])
		}
		chunks = chunks[12+n:]
	}
	r, err := zlib.NewReader(&z)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// rowFilter tries the filters of PNG on rows that follow each other.
type rowFilter struct {
	bpp  int
	prev []byte
	try  [5][]byte
}

func newRowFilter(n, bpp int) *rowFilter {
	f := &rowFilter{bpp: bpp, prev: make([]byte, n)}
	for i := range f.try {
		f.try[i] = make([]byte, 1+n)
		f.try[i][0] = byte(i)
	}
	return f
}

func (f *rowFilter) best(row []byte) []byte {
	least, best := -1, 0
	for kind := range f.try {
		sum, out := 0, f.try[kind][1:]
		for i, v := range row {
			var a, c byte
			if i >= f.bpp {
				a, c = row[i-f.bpp], f.prev[i-f.bpp]
			}
			b := f.prev[i]
			switch kind {
			case 1:
				v -= a
			case 2:
				v -= b
			case 3:
				v -= byte((int(a) + int(b)) / 2)
			case 4:
				v -= paeth(a, b, c)
			}
			out[i] = v
			sum += abs(int(int8(v)))
		}
		if least < 0 || sum < least {
			least, best = sum, kind
		}
	}
	copy(f.prev, row)
	return f.try[best]
}

func abs(x int) int {
	if x < 0 {
		return -x
	}
	return x
}

// paeth is the predictor of the PNG specification, section 9.4.
func paeth(a, b, c byte) byte {
	p := int(a) + int(b) - int(c)
	pa, pb, pc := abs(p-int(a)), abs(p-int(b)), abs(p-int(c))
	switch {
	case pa <= pb && pa <= pc:
		return a
	case pb <= pc:
		return b
	}
	return c
}
