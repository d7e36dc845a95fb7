package format

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// longNPZ is a compressed array of n images of 64×64 noisy bytes.
func longNPZ(t testing.TB, n int) (file, pixels []byte) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	pixels = make([]byte, n*64*64)
	for i := range pixels {
		pixels[i] = byte(rng.UintN(64))
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.CreateHeader(&zip.FileHeader{Name: "images.npy", Method: zip.Deflate})
	if err != nil {
		t.Fatal(err)
	}
	w.Write(npyFile("'|u1'", fmt.Sprintf("(%d, 64, 64)", n), pixels))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), pixels
}

// boundTo opens one content bound to its caller's context, as remote files are.
type boundTo struct{ *counting }

func (b boundTo) Files(context.Context) ([]blob.Info, error) { return nil, nil }

func (b boundTo) Open(ctx context.Context, _ string) (blob.Blob, error) {
	return &ended{b.counting, ctx}, nil
}

type ended struct {
	*counting
	ctx context.Context
}

func (e *ended) ReadAt(p []byte, off int64) (int, error) {
	if err := e.ctx.Err(); err != nil {
		return 0, err
	}
	return e.counting.ReadAt(p, off)
}

// One image after another costs the file about once, though each is opened by
// itself, with a context that ends with it.
func TestStreamsReadOnce(t *testing.T) {
	file, pixels := longNPZ(t, 300)
	c := &counting{Blob: blob.Bytes(file)}
	var s Streams
	raw := s.Bind(boundTo{c})
	f := mustFormat(t, "npz")
	for i := range 300 {
		ctx, cancel := context.WithCancel(t.Context())
		path := fmt.Sprintf("a.npz#images[%d]", i)
		h, herr := f.Header(ctx, raw, []string{path})
		im, err := f.Decode(ctx, raw, []string{path})
		cancel()
		if herr != nil || err != nil || im.Header() != h || !bytes.Equal(im.Payload(), pixels[i*4096:(i+1)*4096]) {
			t.Fatalf("image %d: %v, %v", i, herr, err)
		}
	}
	// Each opening reads the archive's directory too.
	if directories := 600 * 2048; c.n > 2*len(file)+directories {
		t.Errorf("%d bytes read of %d", c.n, len(file))
	}
	if len(s.kept) > maxStreams {
		t.Errorf("%d streams kept", len(s.kept))
	}
}

// Many readers at once, in any order, and readers that leave.
func TestStreamsShared(t *testing.T) {
	file, pixels := longNPZ(t, 60)
	var s Streams
	f := mustFormat(t, "npz")
	var wg sync.WaitGroup
	for k := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(k), 7))
			raw := s.Bind(boundTo{&counting{Blob: blob.Bytes(file)}})
			for range 60 {
				i := rng.IntN(60)
				path := fmt.Sprintf("a.npz#images[%d]", i)
				if rng.IntN(5) == 0 {
					ctx, cancel := context.WithCancel(t.Context())
					cancel()
					if _, err := f.Decode(ctx, raw, []string{path}); !errors.Is(err, context.Canceled) {
						t.Errorf("ended: %v", err)
					}
					continue
				}
				im, err := f.Decode(t.Context(), raw, []string{path})
				if err != nil || !bytes.Equal(im.Payload(), pixels[i*4096:(i+1)*4096]) {
					t.Errorf("image %d: %v", i, err)
				}
			}
		})
	}
	wg.Wait()
}

// A wrong checksum is found though the array was read in pieces.
func TestStreamsChecksum(t *testing.T) {
	file, _ := longNPZ(t, 3)
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(file)
	var crc [4]byte
	for i := range crc {
		crc[i] = byte(z.File[0].CRC32 >> (8 * i))
	}
	for at := 0; ; at++ {
		i := bytes.Index(bad[at:], crc[:])
		if i < 0 {
			break
		}
		at += i
		bad[at] ^= 1
	}
	var s Streams
	raw := s.Bind(one(bad))
	for i := range 3 {
		_, err := mustFormat(t, "npz").Decode(t.Context(), raw, []string{fmt.Sprintf("a.npz#images[%d]", i)})
		if (err == nil) != (i < 2) || err != nil && !errors.Is(err, convertcore.ErrFormat) {
			t.Errorf("image %d: %v", i, err)
		}
	}
}
