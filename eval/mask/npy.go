package mask

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
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
	m, err := New(dims, spacing)
	if err != nil {
		return nil, err
	}
	if order == FortranOrder {
		return m, m.readVoxels(br, size, [3]int{2, 1, 0})
	}
	return m, m.readVoxels(br, size, [3]int{0, 1, 2})
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

// readVoxels reads size bytes a voxel, axis by[0] slowest and by[2] fastest.
func (m *Mask) readVoxels(r io.Reader, size int, by [3]int) error {
	if by[2] == 0 && m.nd == 2 { // the leading axis is ours, not the file's
		by = [3]int{0, 2, 1}
	}
	line := make([]byte, size*m.dims[by[2]])
	var p Point
	for i := range m.dims[by[0]] {
		for j := range m.dims[by[1]] {
			if _, err := io.ReadFull(r, line); err != nil {
				return fmt.Errorf("%w: voxels: %w", ErrNPY, err)
			}
			p[by[0]], p[by[1]] = i, j
			for k := range m.dims[by[2]] {
				p[by[2]] = k
				for _, b := range line[k*size : (k+1)*size] {
					if b != 0 {
						m.Set(p, true)
						break
					}
				}
			}
		}
	}
	return nil
}
