package recipe

import (
	"archive/zip"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// maxIndex bounds the cases that one array is believed to hold.
const maxIndex = 1 << 22

// expand makes a hit for every entry of the arrays in an image file, which
// place k's pattern has just matched.
func (l *listing) expand(ctx context.Context, k int, file int32) error {
	p, idx := &l.plan.images[k], l.recipe.Case.Index
	parts := idx.Parts
	if len(parts) == 0 {
		parts = []string{""}
	}
	for i, part := range parts {
		n := 0
		if len(idx.Counts) > 0 {
			n = idx.Counts[i]
		} else {
			var err error
			if n, err = l.arrayLen(ctx, k, file, part); err != nil {
				return err
			}
		}
		if n > maxIndex {
			return fmt.Errorf("%w: array of %d entries", convertcore.ErrUnsupported, n)
		}
		digits := len(strconv.Itoa(n - 1))
		for j := range n {
			text := fmt.Sprintf("%0*d", digits, j)
			key, ok, err := l.key(p, map[string]string{"index": text, "part": part})
			if err != nil {
				return err
			}
			if ok {
				l.metas = append(l.metas, map[string]string{"index": strconv.Itoa(j), "part": part})
				l.images[k] = append(l.images[k], hit{key, file, int32(len(l.metas))})
			}
		}
	}
	return nil
}

// arrayLen reads the length of the array's first axis.
func (l *listing) arrayLen(ctx context.Context, k int, file int32, part string) (int, error) {
	p := &l.plan.images[k]
	var rd *reading
	for i := range l.channels {
		if ch := &l.channels[i]; ch.from <= k && k < ch.to {
			rd = &ch.reading
		}
	}
	name, err := rd.array.fill(func(name string) (string, bool) {
		switch name {
		case "part":
			return part, true
		case "index":
			return "0", true
		}
		if i := p.pattern.Index(name); i >= 0 {
			return l.vals[i], true
		}
		return "", false
	})
	if err != nil {
		return 0, err
	}
	name, _, _ = strings.Cut(name, "[")
	b, err := l.raw.Open(ctx, l.files[file].Path)
	if err != nil {
		return 0, err
	}
	defer b.Close()
	if name == "" {
		return npyLen(io.NewSectionReader(b, 0, b.Size()))
	}
	return npzLen(b, b.Size(), name)
}

// npzLen is npyLen of a member of an .npz.
func npzLen(r io.ReaderAt, size int64, name string) (int, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", convertcore.ErrFormat, err)
	}
	for _, f := range z.File {
		if f.Name != name+".npy" {
			continue
		}
		m, err := f.Open()
		if err != nil {
			return 0, fmt.Errorf("%w: %w", convertcore.ErrFormat, err)
		}
		defer m.Close()
		return npyLen(m)
	}
	return 0, fmt.Errorf("%w: no array %q", convertcore.ErrFormat, name)
}

var npyShape = regexp.MustCompile(`'shape': *\( *([0-9]+)`)

// npyLen reads the length of the first axis in the header of an .npy
// (numpy.lib.format, versions 1 to 3).
func npyLen(r io.Reader) (int, error) {
	head := make([]byte, 10)
	if _, err := io.ReadFull(r, head); err != nil || string(head[:6]) != "\x93NUMPY" {
		return 0, fmt.Errorf("%w: no header of an .npy: the recipe must count its entries", convertcore.ErrFormat)
	}
	n := int(binary.LittleEndian.Uint16(head[8:]))
	if head[6] > 1 {
		more := make([]byte, 2)
		if _, err := io.ReadFull(r, more); err != nil {
			return 0, fmt.Errorf("%w: %w", convertcore.ErrFormat, err)
		}
		n |= int(binary.LittleEndian.Uint16(more)) << 16
	}
	if n > 1<<16 {
		return 0, fmt.Errorf("%w: .npy header of %d bytes", convertcore.ErrFormat, n)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return 0, fmt.Errorf("%w: %w", convertcore.ErrFormat, err)
	}
	m := npyShape.FindSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("%w: .npy of one number", convertcore.ErrFormat)
	}
	return strconv.Atoi(string(m[1]))
}
