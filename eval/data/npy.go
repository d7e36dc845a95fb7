package data

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// ErrNPY marks bytes that are not a readable NPY array.
var ErrNPY = errors.New("malformed npy array")

const npyMagic = "\x93NUMPY"

var (
	npyDescr   = regexp.MustCompile(`'descr': *'([<>|=])([biuf])([1248])'`)
	npyFortran = regexp.MustCompile(`'fortran_order': *(True|False)`)
	npyShape   = regexp.MustCompile(`'shape': *\(([0-9, ]*)\)`)
)

// ReadNPY decodes an array of two or three axes (NEP 1, versions 1 to 3).
func ReadNPY(r io.Reader) (*Image, error) {
	header, err := npyHeader(r)
	if err != nil {
		return nil, err
	}
	im, err := parseNPYHeader(header)
	if err != nil {
		return nil, err
	}
	size := int64(im.Type.Bits / 8)
	for _, d := range im.Dims {
		if d < 1 || size > MaxBytes/int64(d) {
			return nil, fmt.Errorf("%w: shape %v", ErrNPY, im.Dims)
		}
		size *= int64(d)
	}
	// A lying header must not allocate more than the stream brings.
	var buf bytes.Buffer
	n, err := io.CopyN(&buf, r, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %d bytes of %d: %w", ErrNPY, n, size, err)
	}
	im.Data = buf.Bytes()
	return im, im.check()
}

func npyHeader(r io.Reader) (string, error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:10]); err != nil || string(head[:6]) != npyMagic {
		return "", fmt.Errorf("%w: no magic", ErrNPY)
	}
	n := int(binary.LittleEndian.Uint16(head[8:]))
	if head[6] >= 2 {
		if _, err := io.ReadFull(r, head[10:12]); err != nil {
			return "", fmt.Errorf("%w: header", ErrNPY)
		}
		n |= int(binary.LittleEndian.Uint16(head[10:])) << 16
	}
	if head[6] < 1 || head[6] > 3 || n > 1<<16 {
		return "", fmt.Errorf("%w: version %d with a header of %d bytes", ErrNPY, head[6], n)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return "", fmt.Errorf("%w: header", ErrNPY)
	}
	return string(text), nil
}

func parseNPYHeader(text string) (*Image, error) {
	d, f, s := npyDescr.FindStringSubmatch(text), npyFortran.FindStringSubmatch(text), npyShape.FindStringSubmatch(text)
	if d == nil || f == nil || s == nil {
		return nil, fmt.Errorf("%w: header %.80q", ErrNPY, text)
	}
	im := &Image{Channels: 1, Slope: 1}
	size, _ := strconv.Atoi(d[3])
	im.Type = Type{Bits: size * 8, Float: d[2] == "f", Signed: d[2] == "i", BigEndian: d[1] == ">"}
	if d[2] == "f" && size < 2 || d[2] == "b" && size != 1 {
		return nil, fmt.Errorf("%w: type %s%s", ErrNPY, d[2], d[3])
	}
	if f[1] == "True" {
		im.Order = mask.FortranOrder
	}
	for _, part := range strings.Split(s[1], ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, fmt.Errorf("%w: shape (%s)", ErrNPY, s[1])
		}
		im.Dims = append(im.Dims, n)
	}
	if n := len(im.Dims); n != 2 && n != 3 {
		return nil, fmt.Errorf("%w: array of %d axes, want 2 or 3", ErrShape, n)
	}
	im.Spacing = ones(len(im.Dims))
	return im, nil
}

func ones(n int) []float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = 1
	}
	return s
}

// WriteNPY writes an array in C order; descr is NumPy's ("|u1", "<f8").
func WriteNPY(w io.Writer, descr string, shape []int, data []byte) error {
	dims := make([]string, len(shape))
	for i, d := range shape {
		dims[i] = strconv.Itoa(d) + ","
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, strings.Join(dims, " "))
	pad := 64 - (10+len(text)+1)%64
	text += strings.Repeat(" ", pad%64) + "\n"
	head := append([]byte(npyMagic), 1, 0)
	head = binary.LittleEndian.AppendUint16(head, uint16(len(text)))
	if _, err := w.Write(append(head, text...)); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}
