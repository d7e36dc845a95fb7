package mask_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

func TestBytes(t *testing.T) {
	each(t, func(t *testing.T, rng *rand.Rand, m *mask.Mask) {
		for _, order := range []mask.Order{mask.COrder, mask.FortranOrder} {
			data := m.AppendBytes(nil, 255, order)
			for i, p := range grid(m) {
				at, n := i, m.Shape()
				if order == mask.FortranOrder {
					at = p[0] + n[0]*(p[1]+n[1]*p[2])
				}
				if (data[at] == 255) != m.At(p) {
					t.Fatalf("order %d: byte %d is %d, voxel %v is %v", order, at, data[at], p, m.At(p))
				}
				if data[at] != 0 {
					data[at] = byte(1 + rng.IntN(255)) // any value but 0 is set
				}
			}
			back, err := mask.FromBytes(m.Dims(), m.Spacing(), data, order)
			if err != nil || !back.Equal(m) {
				t.Fatalf("order %d: not the same back: %v", order, err)
			}
		}
	})
	if _, err := mask.FromBytes([]int{2, 3}, nil, make([]byte, 5), mask.COrder); !errors.Is(err, mask.ErrShape) {
		t.Errorf("short data: %v", err)
	}
}

func TestBits(t *testing.T) {
	each(t, func(t *testing.T, rng *rand.Rand, m *mask.Mask) {
		data := m.AppendBits([]byte{7})[1:]
		if len(data) != m.BitBytes() {
			t.Fatalf("%d bytes, want %d", len(data), m.BitBytes())
		}
		for i, p := range grid(m) {
			if (data[i/8]>>(i%8)&1 != 0) != m.At(p) {
				t.Fatalf("bit %d differs from voxel %v", i, p)
			}
		}
		data[len(data)-1] |= byte(0xff << ((m.Voxels()-1)%8 + 1)) // padding is not read
		back := m.Like()
		if err := back.SetBits(data); err != nil || !back.Equal(m) {
			t.Fatalf("not the same back: %v", err)
		}
		if err := back.SetBits(data[:len(data)-1]); !errors.Is(err, mask.ErrShape) {
			t.Errorf("short bits: %v", err)
		}
	})
}

// npy builds a file of format 1 or 2.
func npy(version byte, header string, data []byte) []byte {
	out := append([]byte("\x93NUMPY"), version, 0, byte(len(header)), byte(len(header)>>8))
	if version > 1 {
		out = append(out, 0, 0)
	}
	return append(append(out, header...), data...)
}

func TestReadNPY(t *testing.T) {
	set := []mask.Point{{0, 0, 1}, {0, 1, 0}}
	for _, tc := range []struct {
		name    string
		version byte
		header  string
		data    []byte
		err     error
	}{
		{"uint8", 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }\n", []byte{0, 9, 0, 1, 0, 0}, nil},
		{"bool, format 2", 2, "{'descr': '|b1', 'fortran_order': False, 'shape': (2, 3), }\n", []byte{0, 1, 0, 1, 0, 0}, nil},
		{"format 3", 3, "{'shape': (2, 3), 'descr': '|i1', 'fortran_order': False}", []byte{0, 255, 0, 1, 0, 0}, nil},
		{"fortran", 1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", []byte{0, 1, 1, 0, 0, 0}, nil},
		{"int16 big endian", 1, "{'descr': '>i2', 'fortran_order': False, 'shape': (2, 3), }", []byte{0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0}, nil},
		{"float", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", nil, mask.ErrNPY},
		{"record", 1, "{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (2, 3), }", nil, mask.ErrNPY},
		{"one axis", 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }", nil, mask.ErrShape},
		{"huge", 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (65535, 65535, 65535), }", nil, mask.ErrShape},
		{"not a number", 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, x), }", nil, mask.ErrNPY},
		{"cut short", 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }", []byte{0, 1, 0}, mask.ErrNPY},
		{"no order", 1, "{'descr': '|u1', 'shape': (2, 3), }", nil, mask.ErrNPY},
		{"version", 9, "{}", nil, mask.ErrNPY},
	} {
		m, err := mask.ReadNPY(bytes.NewReader(npy(tc.version, tc.header, tc.data)), nil)
		if !errors.Is(err, tc.err) {
			t.Errorf("%s: error %v, want %v", tc.name, err, tc.err)
		}
		if tc.err != nil || err != nil {
			continue
		}
		for _, p := range grid(m) {
			if want := p == set[0] || p == set[1]; m.At(p) != want {
				t.Errorf("%s: voxel %v is %v", tc.name, p, m.At(p))
			}
		}
	}
	if _, err := mask.ReadNPY(bytes.NewReader([]byte("\x93NUMPX\x01\x00\x00\x00")), nil); !errors.Is(err, mask.ErrNPY) {
		t.Errorf("wrong magic: %v", err)
	}
}

func FuzzReadNPY(f *testing.F) {
	f.Add(npy(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }", []byte{0, 9, 0, 1, 0, 0}))
	f.Add(npy(2, "{'descr': '<i8', 'fortran_order': True, 'shape': (1, 1, 1), }", make([]byte, 8)))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := mask.ReadNPY(bytes.NewReader(data), nil)
		if err != nil {
			if m != nil {
				t.Error("a mask with an error")
			}
			return
		}
		if m.Count() > m.Voxels() || m.Voxels() > len(data) {
			t.Errorf("%v with %d set from %d bytes", m.Dims(), m.Count(), len(data))
		}
	})
}
