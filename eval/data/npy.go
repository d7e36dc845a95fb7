package data

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/format"
	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// ReadNPY decodes an array of two or three axes as it is: unlike package
// format, which makes images of arrays, it takes no axis for colors and none
// for x. ErrShape for other axes, convertcore.ErrFormat
// for broken arrays, convertcore.ErrUnsupported for other types.
func ReadNPY(r io.Reader) (*Image, error) {
	h, err := format.ReadNPYHeader(r)
	if err != nil {
		return nil, err
	}
	im := &Image{Channels: 1, Slope: 1}
	im.Type.Bits, im.Type.Float, im.Type.Signed = h.Sample()
	im.Type.BigEndian = h.BigEndian
	if h.Fortran {
		im.Order = mask.FortranOrder
	}
	if n := len(h.Shape); n != 2 && n != 3 {
		return nil, fmt.Errorf("%w: array of %d axes, want 2 or 3", ErrShape, n)
	}
	im.Spacing = ones(len(h.Shape))
	size := int64(im.Type.Bits / 8)
	for _, d := range h.Shape {
		if d < 1 || size > MaxBytes/d {
			return nil, fmt.Errorf("%w: %v", ErrShape, h.Shape)
		}
		im.Dims = append(im.Dims, int(d))
		size *= d
	}
	// A lying header must not allocate more than the stream brings.
	var buf bytes.Buffer
	n, err := io.CopyN(&buf, r, size)
	if err == io.EOF {
		return nil, fmt.Errorf("%w: array of %d bytes, %d are there", convertcore.ErrFormat, size, n)
	}
	if err != nil {
		return nil, err
	}
	im.Data = buf.Bytes()
	return im, im.check()
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
	head := append([]byte("\x93NUMPY"), 1, 0)
	head = binary.LittleEndian.AppendUint16(head, uint16(len(text)))
	if _, err := w.Write(append(head, text...)); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}
