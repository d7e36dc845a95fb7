package format

import (
	"context"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/hdf5"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// hdf5Exts are the names of HDF5 files, netCDF-4 among them.
var hdf5Exts = []string{".h5", ".hdf5", ".hdf", ".he5", ".nc", ".nc4"}

// HDF5 by random access: an index costs the chunks that it touches. Datasets
// that MATLAB has marked, and those of .mat files, have MATLAB's axes.
func init() {
	Register(convertcore.Format{
		Name: "hdf5",
		Match: func(path string, head []byte) bool {
			if len(head) == 0 {
				return hasExt(filePath(path), hdf5Exts...)
			}
			return strings.HasPrefix(string(head), hdf5.Signature)
		},
		Header: func(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Header, error) {
			return arrayFile(ctx, raw, paths, hdf5Array, func(a *fileArray) (convertcore.Header, error) { return a.header, nil })
		},
		Decode: func(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Image, error) {
			return arrayFile(ctx, raw, paths, hdf5Array, func(a *fileArray) (convertcore.Image, error) { return a.decode(ctx) })
		},
	})
	shapers["hdf5"] = func(ctx context.Context, raw convertcore.Raw, address Array) ([]int64, error) {
		return arrayShape(ctx, raw, address, hdf5Array)
	}
}

// fileArray is an array of an open file. Its address was applied.
type fileArray struct {
	array  *ndarray
	layout *layout
	header convertcore.Header
	read   func(ctx context.Context) ([]byte, error) // the samples that array describes
}

func (a *fileArray) decode(ctx context.Context) (convertcore.Image, error) {
	b, err := a.read(ctx)
	if err != nil {
		return nil, err
	}
	return a.layout.image(b, 1, 0)
}

// finder finds an array in a file. shape is known without an image too.
type finder func(ctx context.Context, b blob.Blob, address Array) (a *fileArray, shape []int64, err error)

// arrayFile opens the only path of an image and uses the array in it.
func arrayFile[T any](ctx context.Context, raw convertcore.Raw, paths []string, find finder, use func(*fileArray) (T, error)) (T, error) {
	var none T
	address, err := onlyArray(paths)
	if err != nil {
		return none, err
	}
	b, err := raw.Open(ctx, address.Path)
	if err != nil {
		return none, err
	}
	defer b.Close()
	a, _, err := find(ctx, b, address)
	if err != nil {
		return none, err
	}
	return use(a)
}

func arrayShape(ctx context.Context, raw convertcore.Raw, address Array, find finder) ([]int64, error) {
	b, err := raw.Open(ctx, address.Path)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	_, shape, err := find(ctx, b, address)
	if shape == nil {
		return nil, err
	}
	return shape, nil
}

func hdf5Array(ctx context.Context, b blob.Blob, address Array) (*fileArray, []int64, error) {
	f, err := hdf5.Open(b)
	if err != nil {
		return nil, nil, err
	}
	var d *hdf5.Dataset
	if address.Name == "" {
		d, _, err = f.Only(ctx)
	} else {
		d, err = f.Dataset(ctx, address.Name)
	}
	switch {
	case err != nil:
		return nil, nil, err
	case d.Sparse:
		return nil, nil, unsupported("sparse matrix of MATLAB")
	case d.Class == "char" || d.Class == "cell" || d.Class == "struct" || d.Type.Ref:
		return nil, nil, unsupported("%s of MATLAB as an image", d.Class)
	case d.Empty:
		return nil, nil, malformed("empty array of MATLAB")
	}
	return boxArray(d, address, d.Class != "" || hasExt(address.Path, ".mat"))
}

// boxArray is the box of a dataset that an address means. MATLAB's axes are the
// file's from the last to the first.
func boxArray(d *hdf5.Dataset, address Array, matlab bool) (*fileArray, []int64, error) {
	rank := len(d.Shape)
	place := func(i int) int { // of axis i among the file's
		if matlab {
			return rank - 1 - i
		}
		return i
	}
	shape, count := make([]int64, rank), make([]int64, rank)
	start, box := make([]int64, rank), make([]int64, rank)
	rest := make([]int, len(address.Index)) // of the address, within the box
	for i := range shape {
		shape[i] = d.Shape[place(i)]
		count[i] = shape[i]
		if i < len(rest) {
			if rest[i] = min(address.Index[i], 0); rest[i] == 0 {
				if int64(address.Index[i]) >= shape[i] {
					return nil, shape, malformed("index %d of an axis of %d", address.Index[i], shape[i])
				}
				start[place(i)], count[i] = int64(address.Index[i]), 1
			}
		}
		box[place(i)] = count[i]
	}
	t := sample{bits: 8 * d.Type.Size, float: d.Type.Float, signed: d.Type.Signed}
	if t.float && t.bits == 16 {
		t.float, t.half = false, true
	}
	array, err := newNDArray(t, d.Type.Big, count, matlab)
	if err != nil {
		return nil, shape, err
	}
	array.matlab = matlab
	a := &fileArray{array: array, read: func(ctx context.Context) ([]byte, error) { return d.Read(ctx, start, box) }}
	a.header, a.layout, err = arrayHeader(array, Array{Index: rest, Samples: address.Samples})
	return a, shape, err
}
