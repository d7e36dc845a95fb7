package tree

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// ErrName marks a name that cannot stand in a folder, stands there already or
// is out of order.
var ErrName = errors.New("bad name")

// maxName is the longest name that Linux takes, in bytes.
const maxName = 255

// CheckName tells why name cannot be a folder's child, or returns nil.
func CheckName(name string) error {
	switch {
	case name == "" || name == "." || name == "..":
		return fmt.Errorf("%w: %q", ErrName, name)
	case len(name) > maxName:
		return fmt.Errorf("%w: %d bytes long, 255 at most", ErrName, len(name))
	case strings.ContainsAny(name, "/\x00"):
		return fmt.Errorf("%w: %q has a slash or a NUL", ErrName, name)
	}
	return nil
}

// Names is a sorted, immutable table of file names: one arena and four bytes a
// name, because a million string headers would cost more than the names do.
type Names struct {
	arena string
	ends  []uint32 // name i is arena[ends[i-1]:ends[i]]
}

// NewNames copies sorted, which must be in byte order without repeats.
func NewNames(sorted []string) (*Names, error) {
	var b NamesBuilder
	for _, name := range sorted {
		if err := b.Add(name); err != nil {
			return nil, err
		}
	}
	return b.Names(), nil
}

// Len returns the number of names.
func (n *Names) Len() int { return len(n.ends) }

// At returns name i without copying it.
func (n *Names) At(i int) string {
	var start uint32
	if i > 0 {
		start = n.ends[i-1]
	}
	return n.arena[start:n.ends[i]]
}

// Find returns the number of name, or the number that it would have.
func (n *Names) Find(name string) (i int, ok bool) {
	lo, hi := 0, len(n.ends)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if n.At(mid) < name {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(n.ends) && n.At(lo) == name
}

// NamesBuilder collects names in byte order. The zero value is ready.
type NamesBuilder struct {
	arena []byte
	ends  []uint32
}

// Add appends name, which must be greater than the one before it.
func (b *NamesBuilder) Add(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if len(b.arena)+len(name) > math.MaxUint32 {
		return fmt.Errorf("%w: more than 4 GiB of names in one folder", ErrName)
	}
	if k := len(b.ends); k > 0 {
		start := uint32(0)
		if k > 1 {
			start = b.ends[k-2]
		}
		if last := b.arena[start:b.ends[k-1]]; string(last) >= name {
			return fmt.Errorf("%w: %q after %q", ErrName, name, last)
		}
	}
	b.arena = append(b.arena, name...)
	b.ends = append(b.ends, uint32(len(b.arena)))
	return nil
}

// Names returns the table, trimmed to its size, and empties the builder.
func (b *NamesBuilder) Names() *Names {
	n := &Names{arena: string(b.arena), ends: make([]uint32, len(b.ends))}
	copy(n.ends, b.ends)
	*b = NamesBuilder{}
	return n
}
