package format

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// An .npy that holds one pickled dict of arrays, as numpy.save writes it. It is
// read where a recipe names the format alone; the address leads through the
// dicts: "x.npy#structures/liver". No object of the pickle is made.
func init() {
	Register(convertcore.Format{
		Name:  "npyobject",
		Match: func(string, []byte) bool { return false },
		Header: func(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Header, error) {
			n, err := openNPYObject(ctx, raw, paths)
			if err != nil {
				return convertcore.Header{}, err
			}
			return n.header, nil
		},
		Decode: func(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Image, error) {
			n, err := openNPYObject(ctx, raw, paths)
			if err != nil {
				return nil, err
			}
			return n.decode(ctx)
		},
	})
}

const (
	maxNPYObject   = 256 << 20 // bytes of the file, which is read whole
	maxObjectNames = 16
)

// openNPYObject finds an array in the pickle and gives it to the reader of .npy
// as a file of its own.
func openNPYObject(ctx context.Context, raw convertcore.Raw, paths []string) (*npy, error) {
	address, err := onlyArray(paths)
	if err != nil {
		return nil, err
	}
	b, err := raw.Open(ctx, address.Path)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	if b.Size() > maxNPYObject {
		return nil, unsupported("a pickle of %d bytes", b.Size())
	}
	data, err := blob.ReadAll(b)
	if err != nil {
		return nil, err
	}
	file, err := npyOfObject(data, address.Name)
	if err != nil {
		return nil, err
	}
	n := &npy{blob: blob.Bytes(file), streams: streamsOf(raw)}
	return n, n.open(Array{Path: address.Path, Index: address.Index, Samples: address.Samples}, false)
}

// npyOfObject returns the .npy of the array that keys, joined by slashes, lead
// to in a pickled dict.
func npyOfObject(file []byte, keys string) ([]byte, error) {
	if len(file) < 12 || string(file[:6]) != npyMagic || file[6] < 1 || file[6] > 3 {
		return nil, malformed("NPY magic %.8q", file)
	}
	at := 10 + int(file[8]) + int(file[9])<<8
	if file[6] > 1 {
		at = 12 + int(file[8]) + int(file[9])<<8 + int(file[10])<<16 + int(file[11])<<24
	}
	if at < 0 || at > len(file) {
		return nil, malformed("NPY header that ends early")
	}
	if d := npyDescr.FindSubmatch(file[:at]); d == nil || string(d[2]) != "O" {
		return nil, malformed("an .npy that holds no object")
	}
	v, err := unpickle(file[at:])
	if err != nil {
		return nil, err
	}
	names := strings.Split(keys, "/")
	if len(names) > maxObjectNames {
		return nil, malformed("an address of %d names", len(names))
	}
	if list, ok := arrayState(v); ok { // numpy.save makes an array of the object
		if items, ok := list[4].(*pickledList); ok && len(items.items) == 1 {
			v = items.items[0]
		}
	}
	for _, name := range names {
		dict, ok := v.(pickledDict)
		if !ok {
			return nil, malformed("%q leads to no dict", keys)
		}
		if v, ok = dict[name]; !ok {
			return nil, malformed("no %q among %d entries of a dict", name, len(dict))
		}
	}
	return arrayNPY(v)
}

// arrayState returns the state of a pickled array: version, shape, dtype,
// whether x is the slowest axis, samples.
func arrayState(v any) ([]any, bool) {
	c, ok := v.(*pickledCall)
	if !ok || !strings.HasSuffix(c.name, " _reconstruct") {
		return nil, false
	}
	s, ok := c.state.([]any)
	return s, ok && len(s) == 5
}

// arrayNPY writes a pickled array as an .npy.
func arrayNPY(v any) ([]byte, error) {
	s, ok := arrayState(v)
	if !ok {
		return nil, malformed("what the address leads to is no array")
	}
	shape, ok := s[1].([]any)
	fortran, isBool := s[3].(bool)
	samples, isBytes := s[4].([]byte)
	dtype, isDtype := s[2].(*pickledCall)
	if !ok || !isBool || !isBytes || !isDtype || dtype.name != "numpy dtype" || len(dtype.args) == 0 || len(shape) > 8 {
		return nil, unsupported("a pickled array without shape, dtype or samples")
	}
	descr, ok := dtype.args[0].(string)
	if !ok || len(descr) > 3 {
		return nil, unsupported("a pickled dtype %.20q", fmt.Sprint(dtype.args[0]))
	}
	order := "|"
	if state, ok := dtype.state.([]any); ok && len(state) > 1 {
		if o, ok := state[1].(string); ok && (o == "<" || o == ">" || o == "|") {
			order = o
		}
	}
	var sizes strings.Builder
	for _, x := range shape {
		n, ok := x.(int64)
		if !ok || n < 0 || n > math.MaxInt32 {
			return nil, malformed("a pickled array of %v", shape)
		}
		fmt.Fprintf(&sizes, "%d, ", n)
	}
	text := fmt.Sprintf("{'descr': '%s%s', 'fortran_order': %s, 'shape': (%s), }\n", order, descr, map[bool]string{true: "True", false: "False"}[fortran], sizes.String())
	head := append([]byte(npyMagic+"\x01\x00"), byte(len(text)), byte(len(text)>>8))
	return append(append(head, text...), samples...), nil
}
