package mask

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strconv"
	"strings"
)

// ErrNPY marks bytes that are no NumPy array that a mask can be read from.
var ErrNPY = errors.New("bad npy file")

// maxNPYHeader bounds the header text; NumPy itself warns above 10,000.
const maxNPYHeader = 1 << 16

// ReadNPY reads a NumPy array file (format 1, 2 or 3; bool or any integer
// type, either byte order, C or Fortran order) as a mask: set where not zero.
// spacing is as in New. Arrays of other types, of fewer than 2 or more than 3
// axes, or that are cut short give ErrNPY or ErrShape.
func ReadNPY(r io.Reader, spacing []float64) (*Mask, error) {
	br := bufio.NewReaderSize(r, 1<<16)
	head, err := npyHeader(br)
	if err != nil {
		return nil, err
	}
	dims, size, order, err := parseNPYHeader(head)
	if err != nil {
		return nil, err
	}
	shape, err := shapeOf(dims, spacing)
	if err != nil {
		return nil, err
	}
	// Memory grows with what the file holds, not with what it says.
	data, err := readNonzero(br, size, shape.Voxels())
	if err != nil {
		return nil, fmt.Errorf("%w: voxels: %w", ErrNPY, err)
	}
	m := shape.Like()
	if order == COrder {
		return m, m.SetBits(data)
	}
	n0, n1 := m.dims[0], m.dims[1]
	for i, b := range data {
		for ; b != 0; b &= b - 1 {
			at := i*8 + bits.TrailingZeros8(b)
			m.Set(Point{at % n0, at / n0 % n1, at / (n0 * n1)}, true)
		}
	}
	return m, nil
}

// npyHeader reads magic, version and length and returns the header text.
func npyHeader(r io.Reader) (string, error) {
	var pre [12]byte
	if _, err := io.ReadFull(r, pre[:10]); err != nil {
		return "", fmt.Errorf("%w: header: %w", ErrNPY, err)
	}
	if string(pre[:6]) != "\x93NUMPY" {
		return "", fmt.Errorf("%w: no magic", ErrNPY)
	}
	n := uint32(binary.LittleEndian.Uint16(pre[8:]))
	switch pre[6] {
	case 1:
	case 2, 3:
		if _, err := io.ReadFull(r, pre[10:]); err != nil {
			return "", fmt.Errorf("%w: header: %w", ErrNPY, err)
		}
		n = binary.LittleEndian.Uint32(pre[8:])
	default:
		return "", fmt.Errorf("%w: format version %d", ErrNPY, pre[6])
	}
	if n > maxNPYHeader {
		return "", fmt.Errorf("%w: header of %d bytes", ErrNPY, n)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return "", fmt.Errorf("%w: header: %w", ErrNPY, err)
	}
	return string(text), nil
}

// parseNPYHeader reads the Python dictionary: axis sizes, bytes a voxel and
// memory order.
func parseNPYHeader(head string) (dims []int, size int, order Order, err error) {
	descr, ok := npyValue(head, "descr")
	descr = strings.Trim(descr, `'"`)
	if !ok || len(descr) != 3 || !strings.ContainsRune("|<>=", rune(descr[0])) {
		return nil, 0, 0, fmt.Errorf("%w: element type %q", ErrNPY, descr)
	}
	switch descr[1:] {
	case "b1", "u1", "i1":
		size = 1
	case "u2", "i2":
		size = 2
	case "u4", "i4":
		size = 4
	case "u8", "i8":
		size = 8
	default:
		return nil, 0, 0, fmt.Errorf("%w: element type %q is neither bool nor integer", ErrNPY, descr)
	}
	switch fortran, _ := npyValue(head, "fortran_order"); fortran {
	case "True":
		order = FortranOrder
	case "False":
	default:
		return nil, 0, 0, fmt.Errorf("%w: fortran_order %q", ErrNPY, fortran)
	}
	shape, ok := npyValue(head, "shape")
	if !ok || !strings.HasPrefix(shape, "(") {
		return nil, 0, 0, fmt.Errorf("%w: no shape", ErrNPY)
	}
	for part := range strings.SplitSeq(strings.Trim(shape, "()"), ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		n, err := strconv.Atoi(part)
		if err != nil || len(dims) == 8 {
			return nil, 0, 0, fmt.Errorf("%w: shape %q", ErrNPY, shape)
		}
		dims = append(dims, n)
	}
	return dims, size, order, nil
}

// npyValue returns the text of one dictionary value, up to the comma or brace
// that ends it; a tuple with its brackets.
func npyValue(head, key string) (string, bool) {
	_, rest, ok := strings.Cut(head, "'"+key+"'")
	if !ok {
		return "", false
	}
	rest, ok = strings.CutPrefix(strings.TrimSpace(rest), ":")
	if !ok {
		return "", false
	}
	rest = strings.TrimSpace(rest)
	end := strings.IndexAny(rest, ",}")
	if strings.HasPrefix(rest, "(") {
		end = strings.IndexByte(rest, ')') + 1
	}
	if end <= 0 {
		return "", false
	}
	return strings.TrimSpace(rest[:end]), true
}

// readNonzero reads n elements of size bytes and returns one bit for each, set
// where the element is not zero, the first in the lowest bit of a byte.
func readNonzero(r io.Reader, size, n int) ([]byte, error) {
	const chunk = 1 << 15 // elements; a multiple of 8
	var out []byte
	buf := make([]byte, size*min(n, chunk))
	for ; n > 0; n -= chunk {
		part := buf[:size*min(n, chunk)]
		if _, err := io.ReadFull(r, part); err != nil {
			return nil, err
		}
		for k := 0; k < len(part); k += 8 * size {
			out = append(out, nonzeroElements(part[k:min(k+8*size, len(part))], size))
		}
	}
	return out, nil
}

// nonzeroElements has a bit for each of at most eight elements.
func nonzeroElements(data []byte, size int) byte {
	if size == 1 && len(data) == 8 {
		return byte(nonzeroBytes(binary.LittleEndian.Uint64(data)))
	}
	var out byte
	for i, b := range data {
		if b != 0 {
			out |= 1 << (i / size)
		}
	}
	return out
}
