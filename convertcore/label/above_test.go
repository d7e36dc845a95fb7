package label

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// Runs and noise of every length around eight against the definition.
func TestAboveBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := 1; n < 70; n++ {
		pix, dst, want := make([]byte, n), make([]byte, n), make([]byte, n)
		for i := range pix {
			if pix[i] = byte(i / 11 * 90); n%2 == 1 {
				pix[i] = byte(rng.Uint32())
			}
			dst[i] = byte(rng.IntN(2))
			if want[i] = dst[i]; pix[i] > 99 {
				want[i] = 1
			}
		}
		r, err := convertcore.NewRaster(n, 1, 1, 8, pix)
		if err != nil {
			t.Fatal(err)
		}
		if err := Above(99).Mask(dst, r); err != nil || !bytes.Equal(dst, want) {
			t.Fatalf("%d pixels: %v, %v, want %v", n, err, dst, want)
		}
	}
}

func BenchmarkAbove(b *testing.B) {
	r, err := convertcore.NewRaster(1024, 1024, 1, 8, make([]byte, 1<<20))
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 1<<20)
	b.SetBytes(1 << 20)
	for b.Loop() {
		if err := Above(0).Mask(dst, r); err != nil {
			b.Fatal(err)
		}
	}
}
