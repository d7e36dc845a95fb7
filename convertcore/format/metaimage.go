package format

import (
	"context"
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

// MetaImage: .mha, or .mhd with its samples in one file or several. The
// meaning of the fields is MetaIO's (metaImage.cxx in ITK): positions are LPS
// and become RAS, row i of TransformMatrix is the direction of axis i.
func init() {
	Register(convertcore.Format{
		Name: "metaimage",
		Match: func(path string, head []byte) bool {
			if len(head) == 0 {
				return hasExt(path, ".mha", ".mhd")
			}
			return metaStart(head) && hasExt(path, ".mha", ".mhd")
		},
		Header: func(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Header, error) {
			m, err := openMeta(ctx, raw, paths, headerBuffer)
			if err != nil {
				return convertcore.Header{}, err
			}
			return m.header()
		},
		Decode: func(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Image, error) {
			m, err := openMeta(ctx, raw, paths, headerBuffer)
			if err != nil {
				return nil, err
			}
			if _, err := m.header(); err != nil {
				return nil, err
			}
			b, err := m.data.read(ctx, raw, m.stored())
			if err != nil {
				return nil, err
			}
			return m.image(b, 1, 0)
		},
	})
}

// metaTypes are MetaIO's ElementTypes; its long has 4 bytes.
var metaTypes = map[string]sample{
	"MET_CHAR": {bits: 8, signed: true}, "MET_UCHAR": {bits: 8}, "MET_SHORT": {bits: 16, signed: true}, "MET_USHORT": {bits: 16},
	"MET_INT": {bits: 32, signed: true}, "MET_UINT": {bits: 32}, "MET_LONG": {bits: 32, signed: true}, "MET_ULONG": {bits: 32},
	"MET_LONG_LONG": {bits: 64, signed: true}, "MET_ULONG_LONG": {bits: 64},
	"MET_FLOAT": {bits: 32, float: true}, "MET_DOUBLE": {bits: 64, float: true},
	"MET_ASCII_CHAR": {bits: 8, signed: true},
}

// meta is a parsed header.
type meta struct {
	layout
	data dataFiles
}

// metaStart reports whether a text begins as a header does: a word and "=".
func metaStart(head []byte) bool {
	key, _, ok := strings.Cut(string(head[:min(len(head), 80)]), "=")
	_, known := metaFirst[strings.TrimSpace(key)]
	return ok && known
}

var metaFirst = map[string]bool{"ObjectType": true, "NDims": true, "Comment": true, "ObjectSubType": true, "Name": true, "TransformType": true, "ID": true}

func openMeta(ctx context.Context, raw convertcore.Raw, paths []string, buffer int) (*meta, error) {
	from, err := headerPath(paths, ".mha", ".mhd")
	if err != nil {
		return nil, err
	}
	t, err := openText(ctx, raw, from, buffer)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	fields := map[string]string{}
	for {
		line, err := t.line()
		if err != nil {
			return nil, err
		}
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok && key != "" {
			return nil, malformed("MetaImage line %.40q", line)
		}
		fields[key] = value
		if key == "ElementDataFile" {
			break
		}
	}
	m, err := parseMeta(fields)
	if err != nil {
		return nil, err
	}
	return m, m.findData(fields, from, t)
}

// headerPath is the path of the header among the files of one image: the only
// one, or the first with one of the extensions.
func headerPath(paths []string, exts ...string) (string, error) {
	for _, p := range paths {
		if hasExt(p, exts...) {
			return p, nil
		}
	}
	if len(paths) != 1 {
		return "", malformed("%d files for one image, of which none is a header", len(paths))
	}
	return paths[0], nil
}

func parseMeta(fields map[string]string) (*meta, error) {
	m := &meta{}
	typ, ok := metaTypes[strings.TrimSuffix(strings.ToUpper(fields["ElementType"]), "_ARRAY")]
	if !ok {
		return nil, unsupported("MetaImage ElementType %q", fields["ElementType"])
	}
	m.sample, m.data.typ = typ, typ
	m.big = isTrue(first(fields, "BinaryDataByteOrderMSB", "ElementByteOrderMSB"))
	nd, err := strconv.Atoi(fields["NDims"])
	if err != nil || nd < 1 || nd > 4 {
		return nil, malformed("MetaImage of %q dimensions", fields["NDims"])
	}
	size, err := numbers(fields["DimSize"], nd)
	if err != nil || len(size) != nd {
		return nil, malformed("MetaImage DimSize %q", fields["DimSize"])
	}
	channels := 1.0
	if s, ok := fields["ElementNumberOfChannels"]; ok {
		if channels, err = strconv.ParseFloat(s, 64); err != nil {
			return nil, malformed("MetaImage of %q channels", s)
		}
	}
	if err := m.setDims(append([]float64{channels}, size...)); err != nil {
		return nil, err
	}
	m.plane = nd == 2
	return m, m.setPlace(fields, nd)
}

// setDims makes axes of the sizes, of which the first varies fastest; that of
// color comes first.
func (l *layout) setDims(size []float64) error {
	l.color, l.dims = one1, [4]axis{one1, one1, one1, one1}
	stride := int64(1)
	for i, n := range size {
		if !(n >= 1 && n <= math.MaxInt32) || n != math.Trunc(n) || int64(n) > convertcore.MaxPayload/stride {
			return malformed("sizes %v", size)
		}
		a := axis{int64(n), stride}
		if i == 0 {
			l.color = a
		} else {
			l.dims[i-1] = a
		}
		stride *= int64(n)
	}
	return nil
}

// setPlace sets the affine, LPS turned into RAS.
func (m *meta) setPlace(fields map[string]string, nd int) error {
	spacing, err := floats(first(fields, "ElementSpacing", "ElementSize"), nd, 1)
	if err != nil {
		return err
	}
	origin, err := floats(first(fields, "Offset", "Position", "Origin"), nd, 0)
	if err != nil {
		return err
	}
	dir := make([]float64, nd*nd)
	for i := range nd {
		dir[i*nd+i] = 1
	}
	if s := first(fields, "TransformMatrix", "Orientation", "Rotation"); s != "" {
		if dir, err = numbers(s, nd*nd); err != nil || len(dir) != nd*nd {
			return malformed("MetaImage TransformMatrix %q", s)
		}
	}
	a := geom.FromSpacing([3]float64{1, 1, 1})
	for i := range min(nd, 3) {
		for j := range min(nd, 3) {
			a[j][i] = dir[i*nd+j] * spacing[i]
		}
		a[i][3] = origin[i]
	}
	m.affine = fromLPS(a)
	return nil
}

// fromLPS turns an affine to LPS+ mm, as ITK and DICOM use it, into RAS+.
func fromLPS(a geom.Affine) geom.Affine {
	for i := range 2 {
		for j := range a[i] {
			if a[i][j] != 0 { // no -0
				a[i][j] = -a[i][j]
			}
		}
	}
	return a
}

// findData finds the files of the samples: LOCAL, LIST, a pattern, or a name.
func (m *meta) findData(fields map[string]string, from string, t *textHead) error {
	d := &m.data
	switch {
	case isTrue(fields["CompressedData"]):
		d.code = encZlib
	case strings.EqualFold(fields["BinaryData"], "False"):
		d.code, m.big = encText, false
	}
	if s := fields["HeaderSize"]; s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < -1 {
			return malformed("MetaImage HeaderSize %q", s)
		}
		d.skip = n
	}
	if d.code != encRaw { // MetaIO skips bytes of the file, not of the samples
		d.at, d.skip = max(0, d.skip), 0
	}
	words := strings.Fields(fields["ElementDataFile"])
	if len(words) == 0 {
		return malformed("MetaImage without ElementDataFile")
	}
	names := []string{fields["ElementDataFile"]}
	var err error
	switch {
	case strings.EqualFold(words[0], "LOCAL"):
		d.names = []string{from}
		if d.at+d.skip == 0 {
			d.at = t.at
		}
		return nil
	case strings.EqualFold(words[0], "LIST"):
		names, err = t.rest()
	case strings.Contains(words[0], "%"):
		names, err = m.numbered(words)
	}
	if err != nil {
		return err
	}
	return d.setNames(from, names)
}

// numbered are the names of "pattern first last step", of which the last
// three may be missing.
func (m *meta) numbered(words []string) ([]string, error) {
	last := axis{n: 1}
	for _, a := range m.dims {
		if a.n > 1 {
			last = a
		}
	}
	n := [3]int{1, int(last.n), 1}
	for i, w := range words[1:min(len(words), 4)] {
		v, err := strconv.Atoi(w)
		if err != nil {
			return nil, malformed("MetaImage data files %q", words)
		}
		n[i] = v
	}
	return numbered(words[0], n[0], n[1], n[2])
}

// setNames resolves the names against the header's folder.
func (d *dataFiles) setNames(from string, names []string) error {
	if len(names) == 0 || len(names) > maxFiles {
		return malformed("%d data files", len(names))
	}
	for _, name := range names {
		p, err := sibling(from, name)
		if err != nil {
			return err
		}
		if p == path.Clean(from) {
			return malformed("header %q names itself as data", from)
		}
		d.names = append(d.names, p)
	}
	return nil
}

func isTrue(s string) bool { return strings.EqualFold(s, "True") || s == "1" }

// first is the value of the first of the keys that is there.
func first(fields map[string]string, keys ...string) string {
	for _, k := range keys {
		if v := fields[k]; v != "" {
			return v
		}
	}
	return ""
}

// floats is numbers of exactly n values; all are deflt where s is empty.
func floats(s string, n int, deflt float64) ([]float64, error) {
	if s == "" {
		out := make([]float64, n)
		for i := range out {
			out[i] = deflt
		}
		return out, nil
	}
	out, err := numbers(s, n)
	if err == nil && len(out) != n {
		err = malformed("%d numbers in %q", len(out), s)
	}
	return out, err
}

// numbers parses at most n numbers between blanks.
func numbers(s string, n int) ([]float64, error) {
	words := strings.Fields(s)
	if len(words) > n {
		return nil, malformed("%d numbers for %d", len(words), n)
	}
	out := make([]float64, len(words))
	for i, w := range words {
		v, err := strconv.ParseFloat(w, 64)
		if err != nil {
			return nil, malformed("number %q", w)
		}
		out[i] = v
	}
	return out, nil
}
