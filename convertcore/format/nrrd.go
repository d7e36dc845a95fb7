package format

import (
	"context"
	"io"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

// NRRD, with its samples behind the header (.nrrd) or in files of their own
// (.nhdr). The meaning of the fields is that of
// teem.sourceforge.net/nrrd/format.html; where they leave the patient's axes
// open it is what ITK's reader does: positions are LPS.
func init() {
	Register(convertcore.Format{
		Name: "nrrd",
		Match: func(path string, head []byte) bool {
			if len(head) == 0 {
				return hasExt(path, ".nrrd", ".nhdr")
			}
			return strings.HasPrefix(string(head), "NRRD000")
		},
		Header: func(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Header, error) {
			n, err := openNRRD(ctx, raw, paths)
			if err != nil {
				return convertcore.Header{}, err
			}
			return n.header()
		},
		Decode: func(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Image, error) {
			n, err := openNRRD(ctx, raw, paths)
			if err != nil {
				return nil, err
			}
			if _, err := n.header(); err != nil {
				return nil, err
			}
			b, err := n.data.read(ctx, raw, n.stored())
			if err != nil {
				return nil, err
			}
			im, err := n.image(b, 1, 0)
			if v, ok := im.(*convertcore.Volume); ok && n.warning != "" {
				return v.Warn(n.warning), nil
			}
			return im, err
		},
	})
}

// nrrd is a parsed header.
type nrrd struct {
	layout
	data    dataFiles
	warning string
}

func openNRRD(ctx context.Context, raw convertcore.Raw, paths []string) (*nrrd, error) {
	from, err := headerPath(paths, ".nhdr", ".nrrd")
	if err != nil {
		return nil, err
	}
	t, err := openText(ctx, raw, from, headerBuffer)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	magic, err := t.line()
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(magic, "NRRD000") {
		return nil, malformed("NRRD magic %.8q", magic)
	}
	fields, list, err := nrrdFields(t)
	if err != nil {
		return nil, err
	}
	n := &nrrd{}
	if err := n.parse(fields); err != nil {
		return nil, err
	}
	return n, n.findData(fields, list, from, t.at)
}

// nrrdFields reads the fields up to the blank line or, of a detached header,
// the end of the file. Names are in lower case without blanks. list is what
// follows "data file: LIST".
func nrrdFields(t *textHead) (fields map[string]string, list []string, err error) {
	fields = map[string]string{}
	for {
		line, err := t.next()
		if err != nil { // the end is one of a detached header only
			if _, detached := fields["datafile"]; detached && err == io.EOF {
				return fields, nil, nil
			}
			if err == io.EOF {
				err = malformed("NRRD header without its end")
			}
			return nil, nil, err
		}
		if line == "" {
			return fields, nil, nil
		}
		key, value, ok := strings.Cut(line, ":")
		if strings.HasPrefix(line, "#") || ok && strings.HasPrefix(value, "=") {
			continue // comments and key/value pairs
		}
		if !ok {
			return nil, nil, malformed("NRRD line %.40q", line)
		}
		key = strings.ReplaceAll(strings.ToLower(key), " ", "")
		fields[key] = strings.TrimSpace(value)
		if key == "datafile" && strings.HasPrefix(fields[key], "LIST") {
			list, err = t.rest()
			return fields, list, err
		}
	}
}

// nrrdTypes are the spellings of the types, in lower case.
var nrrdTypes = func() map[string]sample {
	types := map[string]sample{"float": {bits: 32, float: true}, "double": {bits: 64, float: true}}
	for bits, names := range map[int][2]string{
		8:  {"char|int8|int8_t", "uchar|uint8|uint8_t|unsigned char"},
		16: {"short|short int|int16|int16_t|signed short int", "ushort|unsigned short|unsigned short int|uint16|uint16_t"},
		32: {"int|int32|int32_t", "uint|unsigned int|uint32|uint32_t"},
		64: {"longlong|long long|long long int|int64|int64_t", "ulonglong|unsigned long long|unsigned long long int|uint64|uint64_t"},
	} {
		for _, name := range strings.Split(names[0], "|") {
			types[name], types["signed "+name] = sample{bits: bits, signed: true}, sample{bits: bits, signed: true}
		}
		for _, name := range strings.Split(names[1], "|") {
			types[name] = sample{bits: bits}
		}
	}
	return types
}()

var nrrdEncodings = map[string]encoding{
	"raw": encRaw, "txt": encText, "text": encText, "ascii": encText, "hex": encHex,
	"gz": encGzip, "gzip": encGzip, "bz2": encBzip2, "bzip2": encBzip2,
}

func (n *nrrd) parse(fields map[string]string) (err error) {
	typ, ok := nrrdTypes[strings.ToLower(fields["type"])]
	if !ok {
		return unsupported("NRRD type %q", fields["type"])
	}
	n.sample, n.data.typ = typ, typ
	if n.data.code, ok = nrrdEncodings[strings.ToLower(fields["encoding"])]; !ok {
		return unsupported("NRRD encoding %q", fields["encoding"])
	}
	switch endian := strings.ToLower(fields["endian"]); {
	case endian == "big":
		n.big = true
	case endian != "little" && endian != "" || endian == "" && typ.bits > 8 && n.data.code != encText:
		return malformed("NRRD endian %q", endian)
	}
	if n.data.code == encText {
		n.big = false
	}
	axes, err := parseNRRDAxes(fields)
	if err != nil {
		return err
	}
	return n.setAxes(axes, fields)
}

// setAxes gives each axis of the file its place: those in space are x, y, z in
// their order, the one that is not is the samples of a pixel or time.
func (n *nrrd) setAxes(axes *nrrdAxes, fields map[string]string) error {
	n.color, n.dims = one1, [4]axis{one1, one1, one1, one1}
	stride, spatial, other := int64(1), 0, 0
	for i := range axes.size {
		a := axis{axes.size[i], stride}
		if a.n > convertcore.MaxPayload/stride {
			return malformed("NRRD sizes %v", axes.size)
		}
		stride *= a.n
		switch {
		case axes.domain[i]:
			if spatial == 3 {
				return unsupported("NRRD of more than three axes in space")
			}
			n.dims[spatial] = a
			spatial++
		case a.n == 1: // nothing varies along it
		case other == 1:
			return unsupported("NRRD with two axes that are not in space")
		case axes.kind[i] == "time" || i == len(axes.size)-1 && !nrrdColors[axes.kind[i]]:
			n.dims[3] = a
			other++
		default:
			n.color = a
			other++
		}
	}
	n.plane = spatial == 2 && axes.space < 3
	a, warning, err := axes.place(fields)
	n.affine, n.warning = a, warning
	return err
}

// nrrdColors are the kinds of axes whose samples are one pixel.
var nrrdColors = map[string]bool{"rgb-color": true, "rgba-color": true, "3-color": true, "4-color": true}

// fromSpace turns an affine in an NRRD space into RAS.
func fromSpace(space string, a geom.Affine) (geom.Affine, string) {
	space = strings.TrimSuffix(strings.ToLower(space), "-time")
	switch space {
	case "right-anterior-superior", "ras", "rast":
		return a, ""
	case "left-anterior-superior", "las", "last":
		for j := range a[0] {
			if a[0][j] != 0 {
				a[0][j] = -a[0][j]
			}
		}
		return a, ""
	case "left-posterior-superior", "lps", "lpst", "":
		return fromLPS(a), ""
	}
	return fromLPS(a), "NRRD space " + space + " does not name the patient's axes: read as left-posterior-superior, as ITK does"
}
