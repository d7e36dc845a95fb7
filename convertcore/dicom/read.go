package dicom

import (
	"io"
	"strings"
)

// Transfer syntaxes that change how a data set is read (PS3.5, annex A).
const (
	implicitLittle = "1.2.840.10008.1.2"
	explicitLittle = "1.2.840.10008.1.2.1"
	deflated       = "1.2.840.10008.1.2.1.99"
	explicitBig    = "1.2.840.10008.1.2.2"
	runLengths     = "1.2.840.10008.1.2.5"

	encapsulatedNative = "1.2.840.10008.1.2.1.98"
	deflatedFrames     = "1.2.840.10008.1.2.8.1"
)

// Read reads the data elements of a file of size bytes up to its pixels. Values
// of more than 64 KiB are left where they are, and read when asked for, so r
// must stay open as long as those and the pixels are of use.
func Read(r io.ReaderAt, size int64) (*Dataset, error) {
	d := &Dataset{src: r, size: size}
	s := &scanner{w: window{r: r, size: size}, root: d, limit: maxElements}
	off, err := s.start()
	if err != nil {
		return nil, err
	}
	if off, err = s.meta(off); err != nil {
		return nil, err
	}
	d.Syntax = d.String(TransferSyntaxUID)
	if d.Syntax == deflated {
		z, bound := inflate(r, off, size)
		d.src, d.size = z, bound
		s.limit = int(min(maxElements, 1<<16+(size-off)/4)) // few bytes may inflate to many elements
		s.w, off = window{r: z, size: bound, open: true}, 0
	}
	c, err := s.coding(off)
	if err != nil {
		return nil, err
	}
	d.big = c.big
	if _, err := s.set(d, off, undefined, c, 0); err != nil {
		return nil, err
	}
	if len(d.Elements) == 0 {
		return nil, malformed("no DICOM data elements")
	}
	return d, nil
}

// Plausible reports whether a file that begins with head may be DICOM: by its
// magic, or without preamble by a first element of group 2 or 8.
func Plausible(head []byte) bool {
	if len(head) >= 132 && string(head[128:132]) == "DICM" {
		return true
	}
	return len(head) >= 8 && bare(head)
}

// bare reports whether head begins with a data element of group 2 or 8.
func bare(head []byte) bool {
	big := head[0] == 0 && head[1] != 0
	bo := order(big)
	t := Tag(bo.Uint16(head))<<16 | Tag(bo.Uint16(head[2:]))
	if g := t.group(); g != 2 && g != 8 || dictionary(t) == "UN" {
		return false
	}
	if _, ok := vrs[string(head[4:6])]; ok {
		return true
	}
	return bo.Uint32(head[4:]) <= 1<<10
}

// start is where the first element is.
func (s *scanner) start() (int64, error) {
	if b, err := s.w.at(0, 132); err == nil && string(b[128:]) == "DICM" {
		return 132, nil
	}
	b, err := s.w.at(0, 8)
	if err != nil {
		return 0, err
	}
	if !bare(b) {
		return 0, malformed("not DICOM: no magic, and no element of group 2 or 8 at the start")
	}
	return 0, nil
}

// meta reads the elements of group 2, which are little-endian whatever follows.
// Their group length is not needed, and is wrong in some files.
func (s *scanner) meta(off int64) (int64, error) {
	for {
		if done, err := s.w.ended(off); done || err != nil {
			return off, err
		}
		h, err := s.header(off, coding{})
		if err != nil || h.tag.group() != 2 {
			return off, err
		}
		e := Element{Tag: h.tag, VR: h.vr, Offset: h.value, Length: h.length}
		if off, err = s.value(&e, coding{}, 0); err != nil {
			return 0, err
		}
		s.root.Elements = append(s.root.Elements, e)
		if s.count++; s.count > s.limit {
			return 0, malformed("more than %d elements", s.limit)
		}
	}
}

// coding tells how the data set at off is written: by the transfer syntax, and
// by the first element where that contradicts.
func (s *scanner) coding(off int64) (c coding, err error) {
	done, err := s.w.ended(off)
	if done || err != nil {
		return c, err
	}
	b, err := s.w.at(off, 8)
	if err != nil {
		return c, err
	}
	_, explicit := vrs[string(b[4:6])]
	c.implicit = !explicit
	switch syntax := s.root.Syntax; {
	case syntax == explicitBig:
		c.big = true
	case syntax == "":
		c.big = b[0] == 0 && b[1] != 0
	case !strings.HasPrefix(syntax, "1.2.840.") && !strings.HasPrefix(syntax, "1.3."):
		return c, unsupported("transfer syntax %.64q", syntax)
	}
	return c, nil
}
