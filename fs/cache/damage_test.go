package cache

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// vlogs returns the value logs under dir.
func vlogs(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*-*", "*.vlog"))
	if err != nil || len(names) == 0 {
		t.Fatal("no value log", err)
	}
	return names
}

// harm changes the middle byte of everything that looks like data.
func harm(t *testing.T, path string, at float64) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b = bytes.TrimRight(b, "\x00")
	if len(b) < 1000 {
		return
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	i := int(at * float64(len(b)))
	if _, err := f.WriteAt([]byte{b[i] ^ 0x55}, int64(i)); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedChunkIsFilledAgain(t *testing.T) {
	for name, whileOpen := range map[string]bool{"while open": true, "while closed": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c := open(t, dir, Options{Memory: 1, Limit: 64 << 20})
			data := payload(1, 2<<20)
			mustFill(t, c, key(1), data, Layout{}, "m")
			if !whileOpen {
				c.Close()
			}
			for _, p := range vlogs(t, dir) {
				harm(t, p, 0.4)
			}
			if !whileOpen {
				c = open(t, dir, Options{Memory: 1, Limit: 64 << 20})
			}
			p, err := c.Get(t.Context(), key(1))
			if err != nil {
				t.Fatal(err)
			}
			got, err := readAll(p)
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("read %d bytes with %v", len(got), err)
			}
			if !bytes.Equal(got, data[:len(got)]) {
				t.Error("wrong bytes before the damage")
			}
			if _, err := c.Get(t.Context(), key(1)); !errors.Is(err, ErrMiss) {
				t.Errorf("after the damage: %v", err)
			}
			// The other reader's handle works once somebody has filled again.
			q := mustFill(t, c, key(1), data, Layout{}, "m")
			if got, err := readAll(q); err != nil || !bytes.Equal(got, data) {
				t.Error("filled again:", err)
			}
			if s := c.Stats(); s.Damaged == 0 || s.Entries != 1 {
				t.Errorf("stats: %d damaged, %d entries", s.Damaged, s.Entries)
			}
		})
	}
}

// TestFilesCutShort cuts a value log under its memory map, where a read faults.
func TestFilesCutShort(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, Options{Memory: 1, Limit: 64 << 20})
	data := payload(1, 2<<20)
	p := mustFill(t, c, key(1), data, Layout{}, "m")
	for _, p := range vlogs(t, dir) {
		if err := os.Truncate(p, 4096); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.ReadAt(make([]byte, len(data)), 0); !errors.Is(err, ErrDamaged) {
		t.Fatalf("got %v", err)
	}
}

// TestDamageAnywhere flips one byte in turn in every file of a closed cache:
// whatever it is, the cache opens and gives right bytes or none.
func TestDamageAnywhere(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, Options{Limit: 64 << 20})
	data := map[int][]byte{}
	for i := range 8 {
		data[i] = payload(i, 1000+i*100_000)
		mustFill(t, c, key(i), data[i], Layout{}, "m")
	}
	c.Close()
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*"))
	for _, f := range files {
		for _, at := range []float64{0.1, 0.5, 0.99} {
			copied := t.TempDir()
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			rel, _ := filepath.Rel(dir, f)
			harm(t, filepath.Join(copied, rel), at)
			c := open(t, copied, Options{})
			for i, want := range data {
				p, err := c.Get(t.Context(), key(i))
				if errors.Is(err, ErrMiss) {
					continue
				}
				if err != nil {
					t.Fatal(rel, err)
				}
				got, err := readAll(p)
				if err == nil && !bytes.Equal(got, want) {
					t.Errorf("%s at %.2f: wrong bytes", rel, at)
				}
				if err != nil && !errors.Is(err, ErrDamaged) && err != io.ErrUnexpectedEOF {
					t.Errorf("%s at %.2f: %v", rel, at, err)
				}
			}
			mustFill(t, c, key(100), data[3], Layout{}, "")
			c.Close()
		}
	}
}

func FuzzDecodeChunk(f *testing.F) {
	for _, c := range contents() {
		if len(c.data) < 1<<17 {
			l, _ := c.layout.normal()
			f.Add(encodeChunk(nil, c.data, l, 1), len(c.data))
		}
	}
	f.Add([]byte{}, 0)
	f.Fuzz(func(t *testing.T, enc []byte, n int) {
		if n < 0 || n > maxChunk {
			return
		}
		dst := make([]byte, n)
		decodeChunk(dst, enc, 1)
		// What a checksum would stop must be stopped without one too.
		if len(enc) >= chunkHeader {
			resum(enc, 1)
			if decodeChunk(dst, enc, 1) == nil && n == 0 {
				t.Error("a chunk of no bytes")
			}
		}
	})
}

func FuzzParseRecord(f *testing.F) {
	r := &record{size: 1000, chunk: 256, serial: 3, layout: Layout{16, 2, 2}, stored: 40, meta: []byte("meta")}
	f.Add(r.marshal(key(1)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= recordHead {
			resumRecord(b, key(1))
		}
		r, err := parseRecord(b, key(1))
		if err != nil {
			return
		}
		if n := r.chunks(); n < 0 || int64(n) > maxSize {
			t.Errorf("%d chunks", n)
		}
		again, err := parseRecord(r.marshal(key(1)), key(1))
		if err != nil || again.size != r.size || again.serial != r.serial {
			t.Errorf("%+v became %+v, %v", r, again, err)
		}
	})
}
