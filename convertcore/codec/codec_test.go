package codec

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// decoder is the signature that all codecs share.
type decoder func([]byte, Frame) ([]byte, error)

// known reports whether err is one that a caller of a decoder expects.
func known(err error) bool {
	return errors.Is(err, convertcore.ErrFormat) || errors.Is(err, convertcore.ErrUnsupported)
}

// cut checks that a stream which ends early is an error: at 200 points of its
// first n bytes.
func cut(t *testing.T, decode decoder, stream []byte, n int, f Frame) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		at := rng.IntN(n)
		if _, err := decode(stream[:at:at], f); !errors.Is(err, convertcore.ErrFormat) {
			t.Fatalf("cut at %d of %d: %v", at, len(stream), err)
		}
	}
}

// fuzz runs a decoder on any stream and frame; the frame's size is bounded, as
// containers know more of it than a codec does.
func fuzz(t *testing.T, decode decoder, stream []byte, width, height, kind uint16) {
	f := Frame{
		Width: int(width), Height: int(height), Samples: []int{1, 3, 4}[kind%3],
		Bits: []int{8, 16}[kind/3%2], Signed: kind&64 != 0, RGB: kind&128 != 0,
	}
	f.Stored = f.Bits
	if f.Size() > 1<<22 {
		return
	}
	out, err := decode(stream, f)
	if err == nil && int64(len(out)) != f.Size() || err != nil && !known(err) {
		t.Errorf("%+v: %d bytes, %v", f, len(out), err)
	}
}

func TestFrameCheck(t *testing.T) {
	good := Frame{Width: 3, Height: 2, Samples: 3, Bits: 16, Stored: 12}
	if err := good.Check(); err != nil || good.Size() != 36 {
		t.Error(good.Size(), err)
	}
	for name, f := range map[string]Frame{
		"empty":      {},
		"no rows":    {Width: 3, Samples: 1, Bits: 8, Stored: 8},
		"two":        {Width: 3, Height: 2, Samples: 2, Bits: 8, Stored: 8},
		"bits":       {Width: 3, Height: 2, Samples: 1, Bits: 12, Stored: 8},
		"stored":     {Width: 3, Height: 2, Samples: 1, Bits: 8, Stored: 9},
		"not stored": {Width: 3, Height: 2, Samples: 1, Bits: 8},
		"wide":       {Width: 1<<16 + 1, Height: 2, Samples: 1, Bits: 8, Stored: 8},
		"overflow":   {Width: math.MaxInt, Height: math.MaxInt, Samples: 3, Bits: 8, Stored: 8},
		"large":      {Width: 1 << 16, Height: 1 << 16, Samples: 4, Bits: 16, Stored: 8},
	} {
		if err := f.Check(); !errors.Is(err, convertcore.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
