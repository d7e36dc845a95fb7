package format

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/inflate"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// dataFiles is where the samples of a text header lie: in the files that it
// names, or behind it in the same file.
type dataFiles struct {
	names []string // raw paths; the header's own where the samples are behind it
	at    int64    // where they begin in it
	lines int      // to skip before the samples of each file
	skip  int64    // bytes to skip after the lines; -1: the samples end the file
	code  encoding
	typ   sample
}

// encoding is how samples are written.
type encoding uint8

const (
	encRaw encoding = iota
	encGzip
	encZlib // or gzip: zlib's own inflate takes both
	encBzip2
	encText
	encHex
)

// sibling is the raw path of a file that the header at from names. It stays in
// the header's folder: a name that leaves it is malformed.
func sibling(from, name string) (string, error) {
	name = strings.ReplaceAll(name, "\\", "/")
	clean := path.Clean(name)
	if name == "" || path.IsAbs(clean) || clean == "." || clean == ".." || strings.HasPrefix(clean, "../") || strings.Contains(clean, "!/") || strings.ContainsRune(clean, 0) {
		return "", malformed("data file %q outside of the header's folder", name)
	}
	return path.Join(path.Dir(from), clean), nil
}

// maxFiles bounds the files of one image: more slices no scanner makes.
const maxFiles = 1 << 16

var number = regexp.MustCompile(`^%[0 ]?[0-9]{0,2}[du]$`)

// numbered are the names that a printf pattern with one %d makes of first,
// first+step … last.
func numbered(pattern string, first, last, step int) ([]string, error) {
	i := strings.IndexByte(pattern, '%')
	j := i + strings.IndexAny(pattern[max(i, 0):], "du") + 1
	if i < 0 || j <= i || !number.MatchString(pattern[i:j]) || strings.Contains(pattern[j:], "%") {
		return nil, malformed("pattern %q of data files", pattern)
	}
	if step == 0 || (last-first)/step < 0 || (last-first)/step >= maxFiles {
		return nil, malformed("data files from %d to %d by %d", first, last, step)
	}
	verb := strings.TrimSuffix(pattern[i:j], "u")
	verb = strings.TrimSuffix(verb, "d") + "d"
	var out []string
	for n := first; step > 0 && n <= last || step < 0 && n >= last; n += step {
		out = append(out, pattern[:i]+fmt.Sprintf(verb, n)+pattern[j:])
	}
	return out, nil
}

// read returns the n bytes of samples, of which every file holds its share.
func (d *dataFiles) read(ctx context.Context, raw convertcore.Raw, n int64) ([]byte, error) {
	files := int64(len(d.names))
	if files == 0 || n%files != 0 {
		return nil, malformed("%d bytes of samples in %d files", n, files)
	}
	if files == 1 {
		return d.readOne(ctx, raw, d.names[0], n)
	}
	convertcore.Prefetch(ctx, raw, d.names)
	var out []byte
	for i, name := range d.names {
		part, err := d.readOne(ctx, raw, name, n/files)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if i == 0 { // one file's share was there: the others may be
			out = make([]byte, 0, min(n, max(eager, int64(len(part))*plausible)))
		}
		out = append(out, part...)
	}
	return out, nil
}

func (d *dataFiles) readOne(ctx context.Context, raw convertcore.Raw, name string, n int64) ([]byte, error) {
	b, err := raw.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	at := d.at
	if d.skip < 0 && d.code == encRaw {
		if at = b.Size() - n; at < d.at {
			return nil, malformed("file of %d bytes for %d bytes of samples", b.Size(), n)
		}
	}
	src := newSource(b, at)
	out, err := d.decode(ctx, src, b, at, n)
	if err != nil && !errors.Is(err, convertcore.ErrFormat) && ctx.Err() == nil {
		err = src.fault(err)
	}
	return out, err
}

// decode reads n bytes of samples from a file that begins at at.
func (d *dataFiles) decode(ctx context.Context, src *source, b blob.Blob, at, n int64) ([]byte, error) {
	have := max(0, b.Size()-at)
	br := bufio.NewReaderSize(src, voxelBuffer)
	for range d.lines {
		if err := skipLine(br); err != nil {
			return nil, err
		}
	}
	skip := max(0, d.skip)
	var r io.Reader = br
	var err error
	switch d.code {
	case encRaw:
		if n > have-skip {
			return nil, malformed("%d bytes of samples in %d bytes of file", n, have)
		}
	case encGzip:
		r, err = inflate.NewMembers(br)
	case encZlib:
		r, err = newInflate(br)
	case encBzip2:
		r = bzip2.NewReader(br)
	case encText:
		return readText(br, d.typ, n, have)
	case encHex:
		r = hex.NewDecoder(&dense{r: br})
	}
	if err != nil {
		return nil, noEOF(err)
	}
	if (d.code == encGzip || d.code == encZlib) && n > have*maxInflate {
		return nil, malformed("%d bytes of samples in %d bytes of file", n, have)
	}
	if _, err := io.CopyN(io.Discard, r, skip); err != nil {
		return nil, noEOF(err)
	}
	out, err := readPayload(ctx, r, n, have)
	if err != nil {
		return nil, err
	}
	if d.code == encGzip || d.code == encZlib || d.code == encBzip2 { // the checksum is behind the last sample
		if _, err := io.Copy(io.Discard, io.LimitReader(r, eager)); err != nil {
			return nil, noEOF(err)
		}
	}
	return out, nil
}

// newInflate reads zlib or gzip, whichever begins here.
func newInflate(br *bufio.Reader) (io.Reader, error) {
	if head, _ := br.Peek(2); isGzip(head) {
		return inflate.NewGzip(br)
	}
	return inflate.NewZlib(br)
}

func skipLine(br *bufio.Reader) error {
	for {
		_, err := br.ReadSlice('\n')
		if err != bufio.ErrBufferFull {
			return noEOF(err)
		}
	}
}

// dense drops what is no hexadecimal digit, as teem does.
type dense struct{ r io.Reader }

func (d *dense) Read(p []byte) (int, error) {
	for {
		n, err := d.r.Read(p)
		keep := p[:0]
		for _, c := range p[:n] {
			if c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' {
				keep = append(keep, c)
			}
		}
		if len(keep) > 0 || err != nil || len(p) == 0 {
			return len(keep), err
		}
	}
}

// textBreaks are what separates numbers in text.
const textBreaks = " \t\r\n\f\v,;(){}[]\""

// readText reads n bytes of samples that are written as decimal numbers. Two
// bytes of text make at most one number. A number that ends the file is malformed:
// it may be the half of one, and teem, ITK and NumPy write a break behind the last.
func readText(br *bufio.Reader, typ sample, n, have int64) ([]byte, error) {
	elem := int64(typ.elem())
	if n/elem > have/2+1 {
		return nil, malformed("%d numbers in %d bytes of text", n/elem, have)
	}
	out := make([]byte, 0, n)
	sc := bufio.NewScanner(br)
	sc.Split(func(data []byte, atEOF bool) (int, []byte, error) {
		i := 0
		for i < len(data) && strings.IndexByte(textBreaks, data[i]) >= 0 {
			i++
		}
		j := bytes.IndexAny(data[i:], textBreaks)
		switch {
		case j >= 0:
			return i + j, data[i : i+j], nil
		case atEOF && i < len(data):
			return 0, nil, malformed("text ends within a number, or without a line break after it")
		}
		return i, nil, nil
	})
	for int64(len(out)) < n {
		if !sc.Scan() {
			if err := sc.Err(); err != nil {
				return nil, err
			}
			return nil, io.ErrUnexpectedEOF
		}
		var err error
		if out, err = typ.appendText(out, sc.Text()); err != nil {
			return nil, malformed("%q is no sample of %d bits", sc.Text(), typ.bits)
		}
	}
	return out, nil
}

// appendText appends a number that is written in decimal, little-endian.
func (s sample) appendText(b []byte, word string) ([]byte, error) {
	switch {
	case s.half:
		return b, errors.New("16-bit floats are not written as text")
	case s.float:
		v, err := strconv.ParseFloat(word, s.bits)
		return s.appendFloat(b, v), err
	case s.signed:
		v, err := strconv.ParseInt(word, 10, s.bits)
		return s.appendBits(b, uint64(v)), err
	}
	v, err := strconv.ParseUint(word, 10, s.bits)
	return s.appendBits(b, v), err
}
