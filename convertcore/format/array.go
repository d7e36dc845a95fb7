package format

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
)

// Array addresses one array, or one index of it, in a file that holds several.
// As a raw path it is written behind the file's name:
//
//	x.npz#train_images       the whole array of that name
//	x.npz#train_images[12]   index 12 along its first axis
//	x.npz#volumes[3,:,:,0]   one index along the first and the last axis
//	x.npy#[12]               an .npy has no names
//	x.npy#[12,:,:,0:3]       of the last axis 0, 1 and 2: the samples of a pixel
//	x.h5#group/images[12]    a dataset of HDF5
//	x.mat#s/img[:,:,12]      a field of a structure; s/3/img is that of element 3
//
// A file with one array needs no name. Axes are in the order of NumPy: the last
// one is x, the one before y, then z and time, as SimpleITK takes them; a last
// axis of 3 or 4 bytes is the color of a pixel. Those of MATLAB (.mat of any
// version) are rows, columns, slices and time, which are y, x, z and t; a third
// axis of 3 bytes is the color. All numbers count from 0.
type Array struct {
	Path  string // of the file
	Name  string // "" where the file has one array
	Index []int  // one an axis, -1 all of it; axes that are not named are whole
	// Samples is the range of the last axis, of 3 or 4, that holds the samples of
	// a pixel, whatever their type; its Index is -1. The zero value is none.
	Samples [2]int
}

// arrayExts are the formats that take an address.
var arrayExts = append([]string{".npy", ".npz", ".mat"}, hdf5Exts...)

// ParseArray takes a raw path apart. A path without an address is a file with
// one array.
func ParseArray(raw string) (Array, error) {
	i := -1
	for _, ext := range arrayExts {
		if j := strings.LastIndex(strings.ToLower(raw), ext+"#"); j >= 0 {
			i = max(i, j+len(ext))
		}
	}
	if i < 0 {
		return Array{Path: raw}, nil
	}
	a := Array{Path: raw[:i], Name: raw[i+1:]}
	open := strings.LastIndexByte(a.Name, '[')
	if open < 0 || !strings.HasSuffix(a.Name, "]") {
		return a, nil
	}
	for _, word := range strings.Split(a.Name[open+1:len(a.Name)-1], ",") {
		n := -1
		if word = strings.TrimSpace(word); word != ":" {
			from, to, ranged := strings.Cut(word, ":")
			v, err := strconv.ParseInt(from, 10, 31)
			if ranged && err == nil {
				var end int64
				end, err = strconv.ParseInt(to, 10, 31)
				a.Samples = [2]int{int(v), int(end)}
			}
			if n = int(v); err != nil || v < 0 || a.Samples[1] > 0 && !ranged || ranged && !colors(a.Samples) {
				return a, malformed("array index %q in %q", word, raw)
			}
			if ranged {
				n = -1
			}
		} else if a.Samples[1] > 0 {
			return a, malformed("a range before the last axis in %q", raw)
		}
		a.Index = append(a.Index, n)
	}
	a.Name = a.Name[:open]
	return a, nil
}

// String is the raw path that ParseArray takes apart.
func (a Array) String() string {
	if a.Name == "" && a.Index == nil {
		return a.Path
	}
	s := a.Path + "#" + a.Name
	for i, n := range a.Index {
		s += string("[,"[min(i, 1)])
		if i == len(a.Index)-1 && a.Samples[1] > 0 {
			s += strconv.Itoa(a.Samples[0]) + ":" + strconv.Itoa(a.Samples[1])
		} else if n < 0 {
			s += ":"
		} else {
			s += strconv.Itoa(n)
		}
	}
	if a.Index != nil {
		s += "]"
	}
	return s
}

// colors reports whether a range is the samples of a pixel.
func colors(r [2]int) bool { return r[0] >= 0 && (r[1]-r[0] == 3 || r[1]-r[0] == 4) }

// filePath is a raw path without an address.
func filePath(raw string) string {
	if a, err := ParseArray(raw); err == nil {
		return a.Path
	}
	return raw
}

// onlyArray parses the only path of an image.
func onlyArray(paths []string) (Array, error) {
	if len(paths) != 1 {
		return Array{}, malformed("%d files for one array", len(paths))
	}
	return ParseArray(paths[0])
}

// ndarray is an array as a file stores it.
type ndarray struct {
	sample
	big    bool
	axes   []axis // in NumPy's order, or MATLAB's
	offset int64  // samples before the first one
	color  axis   // that the address says are the samples of a pixel; n is 0 where it says nothing
	matlab bool   // rows are the first axis and columns the second
}

// newNDArray gives the axes their strides: the last axis varies fastest, or
// the first one.
func newNDArray(typ sample, big bool, shape []int64, fortran bool) (*ndarray, error) {
	a := &ndarray{sample: typ, big: big, axes: make([]axis, len(shape))}
	stride := int64(1)
	for k := range shape {
		i := len(shape) - 1 - k
		if fortran {
			i = k
		}
		n := shape[i]
		if n < 0 || n > math.MaxInt32 || n > 0 && stride > math.MaxInt64/64/n {
			return nil, malformed("array of shape %v", shape)
		}
		a.axes[i] = axis{n, stride}
		stride *= max(n, 1)
	}
	return a, nil
}

// index keeps what the address asks for.
func (a *ndarray) index(address Array) error {
	index := address.Index
	if len(index) > len(a.axes) || address.Samples[1] > 0 && len(index) < len(a.axes) {
		return malformed("%d indices for an array of %d axes", len(index), len(a.axes))
	}
	var left []axis
	for i, x := range a.axes {
		if i >= len(index) || index[i] < 0 {
			left = append(left, x)
			continue
		}
		if int64(index[i]) >= x.n {
			return malformed("index %d of an axis of %d", index[i], x.n)
		}
		a.offset += int64(index[i]) * x.stride
	}
	if r := address.Samples; r[1] > 0 {
		last := left[len(left)-1]
		if int64(r[1]) > last.n {
			return malformed("samples %d to %d of an axis of %d", r[0], r[1]-1, last.n)
		}
		a.offset += int64(r[0]) * last.stride
		a.color, left = axis{int64(r[1] - r[0]), last.stride}, left[:len(left)-1]
	}
	a.axes = left
	return nil
}

// layout is the image that the array is.
func (a *ndarray) layout() (*layout, error) {
	l := &layout{sample: a.sample, big: a.big, color: one1, dims: [4]axis{one1, one1, one1, one1}, affine: geom.FromSpacing([3]float64{1, 1, 1})}
	axes := a.axes
	if a.matlab {
		axes = a.inNumPyOrder(l)
	} else if n := len(axes); n >= 3 && a.color.n == 0 && (axes[n-1].n == 1 || (axes[n-1].n == 3 || axes[n-1].n == 4) && !a.signed && !a.float && !a.half && (a.bits == 8 || n == 3 && a.bits == 16)) {
		l.color, axes = axes[n-1], axes[:n-1]
	}
	if a.color.n > 0 {
		l.color = a.color
	}
	for len(axes) > 4 && axes[0].n == 1 {
		axes = axes[1:]
	}
	if len(axes) < 2 || len(axes) > 4 {
		return nil, unsupported("array of %d axes as an image", len(a.axes))
	}
	l.plane = len(axes) == 2
	for i := range axes {
		l.dims[i] = axes[len(axes)-1-i]
	}
	return l, nil
}

// inNumPyOrder brings MATLAB's axes into the order of NumPy and takes that of
// the color out.
func (a *ndarray) inNumPyOrder(l *layout) (axes []axis) {
	axes = slices.Clone(a.axes)
	if n := len(axes); (n == 3 || n == 4) && a.color.n == 0 && axes[2].n == 3 && !a.signed && !a.float && !a.half && (a.bits == 8 || n == 3 && a.bits == 16) {
		l.color = axes[2]
		axes = slices.Delete(axes, 2, 3)
	}
	if len(axes) > 2 {
		slices.Reverse(axes[2:])
		axes = append(axes[2:], axes[:2]...)
	}
	return axes
}

// span is the part of the stored bytes that the image needs.
func (a *ndarray) span() (off, n int64) {
	last := max(0, a.color.n-1) * a.color.stride
	for _, x := range a.axes {
		last += (x.n - 1) * x.stride
	}
	elem := int64(a.elem())
	return a.offset * elem, (last + 1) * elem
}

// arrayHeader is the Header of an addressed array.
func arrayHeader(a *ndarray, address Array) (convertcore.Header, *layout, error) {
	if err := a.index(address); err != nil {
		return convertcore.Header{}, nil, err
	}
	l, err := a.layout()
	if err != nil {
		return convertcore.Header{}, nil, err
	}
	h, err := l.header()
	return h, l, err
}

// shape is the number of samples along each axis.
func (a *ndarray) shape() []int64 {
	out := make([]int64, len(a.axes))
	for i, x := range a.axes {
		out[i] = x.n
	}
	return out
}

// shapers read the shape of an addressed array, by the format's name.
var shapers = map[string]func(context.Context, convertcore.Raw, Array) ([]int64, error){}

// ArrayShape reads how many samples the array that a raw path addresses has
// along each of its axes, of which an index chooses none.
func ArrayShape(ctx context.Context, raw convertcore.Raw, path string) ([]int64, error) {
	a, err := ParseArray(path)
	if err != nil {
		return nil, err
	}
	f, err := For(a.Path, nil)
	if err != nil || shapers[f.Name] == nil {
		if f, err = Detect(ctx, raw, a.Path); err != nil {
			return nil, err
		}
	}
	shape := shapers[f.Name]
	if shape == nil {
		return nil, unsupported("%s in place of a file of arrays", f.Name)
	}
	a.Index = nil
	return shape(ctx, raw, a)
}
