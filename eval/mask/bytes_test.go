package mask_test

import (
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
