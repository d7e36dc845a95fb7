package inflate

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"math/bits"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

// samples are bytes of many kinds: noise, runs, text, voxels, far repeats.
func samples() map[string][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	out := map[string][]byte{"empty": {}, "one": {7}, "zeros": make([]byte, 700000), "text": bytes.Repeat([]byte("the quick brown fox, "), 9000)}
	noise := make([]byte, 300000)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	out["noise"] = noise
	voxels := make([]byte, 0, 600000)
	for range 300000 {
		v := int16(50 + 20*rng.NormFloat64())
		voxels = append(voxels, byte(v), byte(v>>8))
	}
	out["voxels"] = voxels
	far := append(bytes.Clone(noise[:32768]), noise[:32768]...)
	out["far"] = append(far, far[1:]...)
	mixed := []byte{}
	for range 3000 {
		switch rng.IntN(4) {
		case 0:
			mixed = append(mixed, noise[:rng.IntN(300)]...)
		case 1:
			mixed = append(mixed, bytes.Repeat([]byte{byte(rng.Uint32())}, rng.IntN(600))...)
		case 2:
			at := rng.IntN(len(voxels) - 500)
			mixed = append(mixed, voxels[at:at+rng.IntN(500)]...)
		default:
			if n := len(mixed); n > 40000 {
				at := n - 1 - rng.IntN(32000)
				mixed = append(mixed, mixed[at:at+rng.IntN(n-at)]...)
			}
		}
	}
	out["mixed"] = mixed
	return out
}

func packed(t testing.TB, b []byte, level int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, level)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(b)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// All levels, input in pieces of any size; what follows the stream stays.
func TestRoundTrip(t *testing.T) {
	for name, want := range samples() {
		for _, level := range []int{0, 1, 6, 9, flate.HuffmanOnly} {
			z := packed(t, want, level)
			in := append(bytes.Clone(z), "rest"...)
			for kind, r := range map[string]io.Reader{"whole": bytes.NewReader(in), "halves": iotest.HalfReader(bytes.NewReader(in)), "bytes": iotest.OneByteReader(bytes.NewReader(in))} {
				if kind == "bytes" && len(in) > 200000 {
					continue
				}
				br := bufio.NewReaderSize(r, 4096)
				got, err := io.ReadAll(NewReader(br))
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s, level %d, %s: %d bytes of %d, %v", name, level, kind, len(got), len(want), err)
				}
				if rest, _ := io.ReadAll(br); string(rest) != "rest" {
					t.Errorf("%s, level %d, %s: %d bytes after the stream", name, level, kind, len(rest))
				}
			}
		}
	}
}

func TestGzip(t *testing.T) {
	var file bytes.Buffer
	z := gzip.NewWriter(&file)
	z.Name, z.Comment, z.Extra = "name", "comment", []byte("extra")
	z.Write([]byte("hello"))
	z.Close()
	one := bytes.Clone(file.Bytes())
	br := bufio.NewReader(bytes.NewReader(append(one, one...)))
	g, err := NewGzip(br)
	for range 2 {
		if err != nil {
			t.Fatal(err)
		}
		if got, e := io.ReadAll(g); string(got) != "hello" || e != nil {
			t.Errorf("%q, %v", got, e)
		}
		err = g.Reset(br)
	}
	if err != io.ErrUnexpectedEOF {
		t.Errorf("after the last member: %v", err)
	}
	for n := range one {
		g, err := NewGzip(bufio.NewReader(bytes.NewReader(one[:n])))
		if err == nil {
			_, err = io.ReadAll(g)
		}
		if err != io.ErrUnexpectedEOF {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	for i := 1; i <= 8; i++ {
		bad := bytes.Clone(one)
		bad[len(bad)-i] ^= 1
		g, err := NewGzip(bufio.NewReader(bytes.NewReader(bad)))
		if err == nil {
			_, err = io.ReadAll(g)
		}
		if err != ErrChecksum {
			t.Errorf("trailer byte %d: %v", i, err)
		}
	}
}

// Reads of any size, with the history wherever it lies then.
func TestZlibInPieces(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for name, want := range samples() {
		var file bytes.Buffer
		w := zlib.NewWriter(&file)
		w.Write(want)
		w.Close()
		for _, most := range []int{1, 700, 5000, 300000} {
			if most == 1 && len(want) > 50000 {
				continue
			}
			z, err := NewZlib(bufio.NewReaderSize(bytes.NewReader(file.Bytes()), 4096))
			if err != nil {
				t.Fatal(err)
			}
			var got []byte
			for err == nil {
				var n int
				p := make([]byte, 1+rng.IntN(most))
				n, err = z.Read(p)
				got = append(got, p[:n]...)
			}
			if err != io.EOF || !bytes.Equal(got, want) {
				t.Errorf("%s by %d: %d bytes of %d, %v", name, most, len(got), len(want), err)
			}
		}
		bad := bytes.Clone(file.Bytes())
		bad[len(bad)-1] ^= 1
		z, err := NewZlib(bufio.NewReader(bytes.NewReader(bad)))
		if err == nil {
			_, err = io.ReadAll(z)
		}
		if err != ErrZlib {
			t.Errorf("%s with a wrong checksum: %v", name, err)
		}
	}
}

// inPlace demands the same of one large Read, with nothing written beyond it.
func inPlace(t *testing.T, z, want []byte, wantErr error) {
	t.Helper()
	p := make([]byte, max(large, len(want))+slack+64)
	end := p[len(p)-64:]
	copy(end, bytes.Repeat([]byte{0xa5}, 64))
	r := NewReader(bufio.NewReader(bytes.NewReader(z)))
	n, err := io.ReadFull(r, p[:len(p)-64:len(p)-64])
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if len(want) >= large+slack { // not all that there is
		if wantErr == nil && !bytes.HasPrefix(p[:n], want) {
			t.Fatal("other bytes in place")
		}
	} else if (err == io.ErrUnexpectedEOF && r.err == io.EOF) != (wantErr == nil) || wantErr == nil && !bytes.Equal(p[:n], want) {
		t.Fatalf("in place: %d bytes, %v; want %d, %v", n, r.err, len(want), wantErr)
	}
	if !bytes.Equal(end, bytes.Repeat([]byte{0xa5}, 64)) {
		t.Fatal("bytes written beyond the buffer")
	}
}

// same demands what the standard library makes of the same bytes.
func same(t *testing.T, z []byte) {
	t.Helper()
	const most = 1 << 22
	std := bytes.NewReader(z)
	want, wantErr := io.ReadAll(io.LimitReader(flate.NewReader(std), most))
	br := bufio.NewReaderSize(bytes.NewReader(z), 64)
	got, err := io.ReadAll(io.LimitReader(NewReader(br), most))
	if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
		t.Fatalf("%d bytes, %v; want %d, %v", len(got), err, len(want), wantErr)
	}
	inPlace(t, z, want, wantErr)
	if err == nil && len(got) < most {
		if rest, _ := io.ReadAll(br); len(rest) != std.Len() {
			t.Fatalf("%d bytes left, want %d", len(rest), std.Len())
		}
	}
}

func TestDamaged(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, b := range samples() {
		b = b[:min(len(b), 20000)]
		for _, level := range []int{1, 6} {
			z := packed(t, b, level)
			for range 150 {
				bad := bytes.Clone(z)
				for range 1 + rng.IntN(3) {
					bad[rng.IntN(len(bad))] ^= 1 << rng.IntN(8)
				}
				same(t, bad[:len(bad)-rng.IntN(2)*rng.IntN(len(bad))])
			}
		}
	}
}

// bitWriter writes the lowest bits first.
type bitWriter struct {
	b    []byte
	bits uint64
	n    int
}

func (w *bitWriter) put(v uint64, n int) {
	w.bits |= v << w.n
	for w.n += n; w.n >= 8; w.n -= 8 {
		w.b = append(w.b, byte(w.bits))
		w.bits >>= 8
	}
}

// code makes lengths of a complete code for n of all symbols, one of which is
// always.
func code(rng *rand.Rand, all, n, always int) []uint8 {
	leaves := []uint8{0}
	for len(leaves) < n {
		i := rng.IntN(len(leaves))
		if rng.IntN(3) > 0 { // deep ones, too
			i = len(leaves) - 1
		}
		if leaves[i] < 15 {
			leaves[i]++
			leaves = append(leaves, leaves[i])
		}
	}
	leaves[0] = max(1, leaves[0])
	out := make([]uint8, all)
	at := rng.Perm(all)
	for i, n := range leaves {
		out[at[i]] = n
	}
	if out[always] == 0 {
		out[always], out[at[0]] = out[at[0]], 0
	}
	return out
}

// Codes of any shape, right and wrong ones, over bits by chance.
func TestCodes(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	right := 0
	for i := range 1500 {
		lits, dists := code(rng, 257+rng.IntN(30), 1+rng.IntN(1+min(250, i)), 256), code(rng, 1+rng.IntN(30), 1, 0)
		if n := len(dists); n > 1 {
			dists = code(rng, n, 1+rng.IntN(n), 0)
		}
		if rng.IntN(5) == 0 { // too many codes, or too few
			lits[rng.IntN(len(lits))] = uint8(rng.IntN(16))
		}
		if rng.IntN(9) == 0 {
			dists[rng.IntN(len(dists))] = uint8(rng.IntN(16))
		}
		if lits[256] == 0 {
			continue // refused here, as zlib does
		}
		w := &bitWriter{}
		noise := rng.IntN(2) * 40000
		if noise > 0 { // matches have something to reach for
			w.put(0, 8)
			w.put(uint64(noise)|uint64(^uint16(noise))<<16, 32)
			for range noise {
				w.put(uint64(rng.IntN(256)), 8)
			}
		}
		w.put(1|2<<1|uint64(len(lits)-257)<<3|uint64(len(dists)-1)<<8|15<<13, 17)
		for _, s := range lengthOrder {
			if s < 16 {
				w.put(4, 3)
			} else {
				w.put(0, 3)
			}
		}
		for _, n := range append(lits, dists...) {
			w.put(uint64(bits.Reverse8(n)>>4), 4)
		}
		for range 1 << rng.IntN(14) >> 1 {
			w.put(rng.Uint64()>>48, 16)
		}
		w.put(0, 7)
		if _, err := io.Copy(io.Discard, flate.NewReader(bytes.NewReader(w.b))); err == nil {
			right++
		}
		same(t, w.b)
	}
	if right < 500 {
		t.Errorf("only %d streams of all were right", right)
	}
}

func FuzzInflate(f *testing.F) {
	for _, b := range samples() {
		f.Add(packed(f, b[:min(len(b), 2000)], 6))
	}
	f.Add([]byte{3, 0})
	f.Fuzz(func(t *testing.T, z []byte) { same(t, z) })
}

func BenchmarkVoxels(b *testing.B) {
	voxels := samples()["voxels"]
	z := packed(b, voxels, 6)
	b.SetBytes(int64(len(voxels)))
	for b.Loop() {
		if _, err := io.Copy(io.Discard, NewReader(bufio.NewReaderSize(bytes.NewReader(z), 64<<10))); err != nil {
			b.Fatal(err)
		}
	}
}
