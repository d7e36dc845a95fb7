package archive

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// counted counts what is read from a blob, as 16 KiB blocks.
type counted struct {
	blob.Blob
	blocks map[int64]bool
	fail   error
}

func count(data []byte) *counted { return &counted{Blob: blob.Bytes(data), blocks: map[int64]bool{}} }

func (c *counted) ReadAt(p []byte, off int64) (int, error) {
	if c.fail != nil {
		return 0, c.fail
	}
	for b := off >> 14; b <= (off+int64(len(p))-1)>>14; b++ {
		c.blocks[b] = true
	}
	return c.Blob.ReadAt(p, off)
}

type entry struct {
	zip.FileHeader
	data []byte
}

func file(name string, data []byte) entry {
	return entry{zip.FileHeader{Name: name, Method: zip.Deflate}, data}
}

func zipOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, e := range entries {
		f, err := w.CreateHeader(&e.FileHeader)
		if err != nil {
			t.Fatal(err)
		}
		f.Write(e.data)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func noise(n int) []byte {
	p := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{2})
	rng.Read(p)
	return p
}

func open(t testing.TB, name string, data []byte) Indexed {
	t.Helper()
	a, err := Open(context.Background(), name, blob.Bytes(data), Env{})
	if err != nil {
		t.Fatal(err)
	}
	return a.(Indexed)
}

func read(a Archive, name string) ([]byte, error) {
	b, err := a.Open(context.Background(), name)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return blob.ReadAll(b)
}

func names(a Archive) []string {
	m, _ := a.Members(context.Background())
	out := []string{}
	for _, i := range m {
		out = append(out, i.Path)
	}
	return out
}

func TestZipMembers(t *testing.T) {
	text := bytes.Repeat([]byte("lorem ipsum "), 50_000)
	rnd := noise(100_000)
	data := zipOf(t,
		file("b/text.txt", text),
		entry{zip.FileHeader{Name: "a/stored.bin", Method: zip.Store}, rnd},
		file("b/", nil),
		file("empty", nil),
		entry{zip.FileHeader{Name: "empty-stored", Method: zip.Store}, nil},
		file("c/ä.txt", []byte("umlaut")),
	)
	for name, data := range map[string][]byte{
		"as it is":         data,
		"program in front": append(noise(3000), data...),
	} {
		t.Run(name, func(t *testing.T) {
			a := open(t, "x.zip", data)
			want := []string{"a/stored.bin", "b/text.txt", "c/ä.txt", "empty", "empty-stored"}
			if d := cmp.Diff(want, names(a)); d != "" {
				t.Error(d)
			}
			for name, want := range map[string][]byte{"a/stored.bin": rnd, "b/text.txt": text, "empty": {}, "empty-stored": {}, "c/ä.txt": []byte("umlaut")} {
				if got, err := read(a, name); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: %d bytes, %v", name, len(got), err)
				}
				i, _ := a.Find(name)
				if info := a.At(i); info.Size != int64(len(want)) || info.Sum != fmt.Sprintf("crc32:%08x", crc32.ChecksumIEEE(want)) {
					t.Errorf("%+v", info)
				}
			}
			if _, err := read(a, "b"); !errors.Is(err, fs.ErrNotExist) {
				t.Error(err)
			}
		})
	}
}

func TestZipRandomReads(t *testing.T) {
	want := append(bytes.Repeat([]byte("abcdefgh"), 40_000), noise(200_000)...)
	data := zipOf(t, file("d", want), entry{zip.FileHeader{Name: "s", Method: zip.Store}, want})
	for _, limit := range []int64{64 << 20, 1000} {
		old := memoryLimit
		memoryLimit = limit
		t.Cleanup(func() { memoryLimit = old })
		for _, name := range []string{"d", "s"} {
			b, err := open(t, "x.zip", data).Open(context.Background(), name)
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(1, 2))
			for range 200 {
				off := rng.IntN(len(want) + 10)
				p := make([]byte, rng.IntN(5000))
				n, err := b.ReadAt(p, int64(off))
				exp := want[min(off, len(want)):min(off+len(p), len(want))]
				if !bytes.Equal(p[:n], exp) || (n < len(p)) != (err == io.EOF) {
					t.Fatalf("%s: read %d at %d: %d, %v", name, len(p), off, n, err)
				}
			}
			b.Close()
			if _, err := b.ReadAt(make([]byte, 1), 0); !errors.Is(err, fs.ErrClosed) {
				t.Error("after Close:", err)
			}
		}
	}
}

func TestZipCost(t *testing.T) {
	big := noise(3 << 20)
	data := zipOf(t, file("a", noise(100_000)), file("big", big), entry{zip.FileHeader{Name: "stored", Method: zip.Store}, big}, file("z", noise(100_000)))
	c := count(data)
	a, err := Open(context.Background(), "x.zip", c, Env{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name        string
		off, n, max int
	}{{"big", 0, 100, 2}, {"stored", 0, 100, 1}, {"stored", 2 << 20, 100, 2}, {"big", 0, 3 << 20, 3<<6 + 2}} {
		clear(c.blocks)
		b, _ := a.Open(context.Background(), tt.name)
		if len(c.blocks) > 0 {
			t.Error("opening reads")
		}
		p := make([]byte, tt.n)
		if _, err := b.ReadAt(p, int64(tt.off)); err != nil || !bytes.Equal(p, big[tt.off:][:tt.n]) {
			t.Fatal(err)
		}
		b.Close()
		if len(c.blocks) > tt.max {
			t.Errorf("%s: %d bytes at %d touched %d blocks, want %d at most", tt.name, tt.n, tt.off, len(c.blocks), tt.max)
		}
	}
}

func TestZipHostileNames(t *testing.T) {
	n := func(s string) entry { return file(s, []byte(s)) }
	dos := n(`dir\back.txt`)
	dos.CreatorVersion = 0
	unix := n(`back\slash`)
	unix.CreatorVersion = 3 << 8
	link := n("link")
	link.SetMode(fs.ModeSymlink | 0o777)
	latin := n("caf\x82.txt") // é in CP437
	latin.NonUTF8 = true
	data := zipOf(t,
		n("../evil"), n("a/../../evil"), n("/abs/x"), n("./dot/./y"), n("a//b"), n(""), n("."), n("nul\x00x"),
		n("dup"), n("dup"), n("Case"), n("case"), n("both"), n("both/inner"), n("both.txt"), n("both-x"),
		n(strings.Repeat("l", 300)), n("__MACOSX/._a"), n("..fine"), n("fine.."), dos, unix, link, latin)
	a := open(t, "x.zip", data)
	want := []string{"..fine", "Case", "__MACOSX/._a", "a/b", "abs/x", `back\slash`, "both-x", "both.txt", "both/inner", "café.txt", "case",
		"dir/back.txt", "dot/y", "dup", "fine.."}
	if d := cmp.Diff(want, names(a)); d != "" {
		t.Error(d)
	}
	if _, err := read(a, "dup"); !errors.Is(err, ErrAmbiguous) {
		t.Error(err)
	}
	if got, err := read(a, "abs/x"); string(got) != "/abs/x" {
		t.Error(string(got), err)
	}
	w := strings.Join(a.Warnings(), "\n")
	for _, s := range []string{`"../evil"`, `".."`, `"dup": cannot be opened`, `"both": left out`, "NUL", "leading slash", "empty name", "255 bytes"} {
		if !strings.Contains(w, s) {
			t.Errorf("no warning of %s in\n%s", s, w)
		}
	}
}

// patch changes the first occurrence of a signature's record.
func patch(data []byte, sig uint32, off int, val ...byte) []byte {
	out := bytes.Clone(data)
	i := bytes.Index(out, le.AppendUint32(nil, sig))
	copy(out[i+off:], val)
	return out
}

func TestZipDamage(t *testing.T) {
	good := zipOf(t, file("x", bytes.Repeat([]byte("hello "), 1000)))
	stored := zipOf(t, entry{zip.FileHeader{Name: "x", Method: zip.Store}, []byte("hello")})
	body := bytes.Clone(good)
	body[40] ^= 0xff
	storedBody := bytes.Clone(stored)
	storedBody[31+2] ^= 1
	overlap := zipOf(t, file("x", noise(1000)), file("y", noise(1000)))
	i := bytes.LastIndex(overlap, le.AppendUint32(nil, sigEntry))
	copy(overlap[i+42:], []byte{0, 0, 0, 0})
	tests := []struct {
		name string
		data []byte
		list bool // fails already when listed
		want error
	}{
		{"damaged deflate", body, false, ErrChecksum},
		{"damaged stored", storedBody, false, ErrChecksum},
		{"other crc", patch(good, sigEntry, 16, 1, 2, 3, 4), false, ErrChecksum},
		{"more bytes than declared", patch(good, sigEntry, 24, 100, 0, 0, 0), false, ErrFormat},
		{"fewer bytes than declared", patch(good, sigEntry, 24, 0xff, 0x7f, 0, 0), false, ErrChecksum},
		{"bomb", patch(good, sigEntry, 24, 0, 0, 0, 0x40), false, ErrFormat},
		{"encrypted", patch(good, sigEntry, 8, 1, 0), false, ErrUnsupported},
		{"ppmd", patch(good, sigEntry, 10, 98, 0), false, ErrUnsupported},
		{"no local header", patch(good, sigLocal, 0, 0), false, ErrFormat},
		{"local header differs", patch(good, sigLocal, 8, 0), false, ErrFormat},
		{"local extra reaches out", patch(good, sigLocal, 28, 0xff, 0xff), false, ErrFormat},
		{"overlap", overlap, false, ErrFormat},
		{"offset outside", patch(good, sigEntry, 42, 0, 0, 0xff, 0), true, ErrFormat},
		{"cut off", good[:len(good)-30], true, ErrFormat},
		{"cut in front", good[10:], true, ErrFormat},
		{"not a zip", noise(100_000), true, ErrFormat},
		{"empty", nil, true, ErrFormat},
		{"count", patch(good, sigEnd, 10, 7, 0), true, ErrFormat},
		{"split", patch(good, sigEnd, 4, 3, 0), true, ErrFormat},
		{"directory size", patch(good, sigEnd, 12, 0xff, 0xff, 0xff, 0), true, ErrFormat},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := Open(context.Background(), "x.zip", blob.Bytes(tt.data), Env{})
			if (err != nil) != tt.list {
				t.Fatal("open:", err)
			}
			if err == nil {
				_, err = read(a, "x")
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

func TestZipSourceErrorPassesAndIsNotRemembered(t *testing.T) {
	want := noise(300_000)
	c := count(zipOf(t, file("x", want)))
	a, err := Open(context.Background(), "x.zip", c, Env{})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := a.Open(context.Background(), "x")
	p := make([]byte, 100_000)
	if _, err := b.ReadAt(p, 0); err != nil {
		t.Fatal(err)
	}
	c.fail = errors.New("network down")
	if _, err := b.ReadAt(p, 200_000); !errors.Is(err, c.fail) {
		t.Fatal(err)
	}
	c.fail = nil
	if _, err := b.ReadAt(p, 200_000); err != nil || !bytes.Equal(p, want[200_000:]) {
		t.Fatal(err)
	}
}

// TestZip64 reads what Go writes for a member that announces zip64 sizes, and
// an archive with more members than 16 bits count.
func TestZip64(t *testing.T) {
	var many []entry
	for i := range 70_000 {
		many = append(many, entry{zip.FileHeader{Name: fmt.Sprintf("f%06d", i), Method: zip.Store}, []byte{byte(i)}})
	}
	a := open(t, "x.zip", zipOf(t, many...))
	if a.Len() != len(many) {
		t.Fatal(a.Len())
	}
	if got, err := read(a, "f069999"); err != nil || got[0] != byte(69999%256) {
		t.Error(got, err)
	}
	// A member's sizes and offset in the extra field.
	data := zipOf(t, entry{zip.FileHeader{Name: "x", Method: zip.Store, Extra: extra64(5, 5, 0)}, []byte("hello")})
	data = patch(data, sigEntry, 20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	data = patch(data, sigEntry, 42, 0xff, 0xff, 0xff, 0xff)
	if got, err := read(open(t, "x.zip", data), "x"); err != nil || string(got) != "hello" {
		t.Error(string(got), err)
	}
}

func extra64(fields ...uint64) []byte {
	b := []byte{1, 0, byte(8 * len(fields)), 0}
	for _, f := range fields {
		b = le.AppendUint64(b, f)
	}
	return b
}

func TestZipLongComment(t *testing.T) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	f, _ := w.Create("x")
	io.WriteString(f, "hello")
	w.SetComment(strings.Repeat("PK\x05\x06 not the end ", 4000))
	w.Close()
	if got, err := read(open(t, "x.zip", buf.Bytes()), "x"); err != nil || string(got) != "hello" {
		t.Error(string(got), err)
	}
}

func TestMagicAndNames(t *testing.T) {
	if got, err := read(open(t, "noext", zipOf(t, file("x", []byte("1")))), "x"); err != nil || string(got) != "1" {
		t.Error(got, err)
	}
	if _, err := Open(context.Background(), "noext", blob.Bytes([]byte("plain")), Env{}); !errors.Is(err, ErrUnsupported) {
		t.Error(err)
	}
	for name, want := range map[string]bool{"a.zip": true, "A.ZIP": true, "a.tar": true, "a.png": false, "zip": false, "a.tar.gz": true, "a.nii.gz": false, "a.csv.bz2": false} {
		if IsArchive(name) != want {
			t.Error(name)
		}
	}
}

func FuzzZip(f *testing.F) {
	f.Add(zipOf(f, file("a/b", []byte("hello")), file("c", noise(100))))
	f.Add(zipOf(f, entry{zip.FileHeader{Name: "x", Method: zip.Store, Extra: extra64(5, 5, 0)}, []byte("hello")}))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := openBounded(t, "x.zip", data, Env{})
		if err != nil {
			return
		}
		checkArchive(t, a.(Indexed), int64(len(data)))
	})
}

// openBounded opens an archive of hostile bytes: what that allocates is bounded
// by a constant and the archive's own length, whatever it claims.
func openBounded(t *testing.T, name string, data []byte, env Env) (Archive, error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	a, err := Open(context.Background(), name, blob.Bytes(data), env)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20+4096*uint64(len(data)) {
		t.Fatalf("%d bytes of an archive allocate %d", len(data), n)
	}
	return a, err
}

// checkArchive asserts what holds for every archive that opens.
func checkArchive(t *testing.T, a Indexed, size int64) {
	list := names(a)
	if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
		t.Fatal("not sorted or not unique")
	}
	for i, n := range list {
		if !fs.ValidPath(n) && !strings.ContainsFunc(n, func(r rune) bool { return r == 0xfffd }) {
			t.Fatalf("%q is not a path", n)
		}
		if s := a.Span(i); s.Off < 0 || s.Off+s.Len > size {
			t.Fatalf("%q: span %+v of %d bytes", n, s, size)
		}
		b, err := a.Open(context.Background(), n)
		if err != nil {
			continue
		}
		if b.Size() <= 1<<20 {
			if got, err := blob.ReadAll(b); err == nil && int64(len(got)) != a.At(i).Size {
				t.Fatalf("%q: %d bytes, listed with %d", n, len(got), a.At(i).Size)
			}
		}
		b.Close()
	}
	x, err := decodeIndex(mustEncode(t, a, size), size)
	if err != nil || !slices.Equal(names(&zipArchive{index: x}), list) {
		t.Fatal("the kept index differs:", err)
	}
}

func mustEncode(t *testing.T, a Archive, size int64) []byte {
	var x *index
	end := size
	switch a := a.(type) {
	case *zipArchive:
		x = a.index
	case *tarArchive:
		x = a.index
	case *streamArchive:
		x, end = a.index, a.s.size
	case *sevenArchive:
		x, end = a.index, a.starts[len(a.streams)]
	case *rarArchive:
		x, end = a.index, sum(a.facts.Sizes)
	}
	data, err := x.encode(size, end)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
