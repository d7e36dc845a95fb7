package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

type memFacts map[string][]byte

func (m memFacts) Get(k string) ([]byte, bool) { v, ok := m[k]; return v, ok }
func (m memFacts) Set(k string, v []byte) error {
	m[k] = bytes.Clone(v)
	return nil
}

func TestIndexIsKept(t *testing.T) {
	data := zipOf(t, file("a/b", noise(5000)), file("a/c", []byte("x")), file("dup", nil), file("dup", nil))
	facts := memFacts{}
	c := count(data)
	first, err := Open(context.Background(), "x.zip", c, Env{Facts: facts, Key: "key"})
	if err != nil {
		t.Fatal(err)
	}
	clear(c.blocks)
	second, err := Open(context.Background(), "x.zip", c, Env{Facts: facts, Key: "key"})
	if err != nil || len(c.blocks) > 0 {
		t.Fatalf("%d blocks read: %v", len(c.blocks), err)
	}
	a, b := first.(Indexed), second.(Indexed)
	for i := range a.Len() {
		if a.At(i) != b.At(i) || a.Span(i) != b.Span(i) {
			t.Errorf("%+v %+v, kept as %+v %+v", a.At(i), a.Span(i), b.At(i), b.Span(i))
		}
	}
	if fmt.Sprint(a.Warnings()) != fmt.Sprint(b.Warnings()) {
		t.Error(b.Warnings())
	}
	if _, err := read(b, "dup"); !errors.Is(err, ErrAmbiguous) {
		t.Error(err)
	}
	// An archive of another size is another archive; a damaged index is none.
	if _, ok := load(facts, "zip:key", int64(len(data))+1); ok {
		t.Error("the index of another archive was taken")
	}
	facts["zip:key#0"] = facts["zip:key#0"][:20]
	if _, ok := load(facts, "zip:key", int64(len(data))); ok {
		t.Error("half an index was taken")
	}
}

func FuzzIndex(f *testing.F) {
	a := open(f, "x.zip", zipOf(f, file("a/b", noise(100)), file("c", nil))).(*zipArchive)
	seed, err := a.encode(1000, 900)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		if x, err := decodeIndex(data, 1000); err == nil {
			x.all()
		}
	})
}

// TestMillionMembers holds the memory of a large index to its promise.
func TestMillionMembers(t *testing.T) {
	if testing.Short() {
		t.Skip("a million members take seconds")
	}
	const n = 1_000_000
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	var b builder
	names := 0
	for i := range n {
		name := fmt.Sprintf("case%04d/slice%06d.png", i%1000, i)
		names += len(name)
		if err := b.add(name, member{off: int64(i) * 100, csize: 50, size: 80, head: 30}); err != nil {
			t.Fatal(err)
		}
	}
	x := b.index(n*100, true)
	b = builder{}
	used := heap() - before
	data, err := x.encode(n*100, n*100)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes a member beside %d of name; %d kept", (used-int64(names))/n, names/n, len(data)/n)
	if (used-int64(names))/n > 150 {
		t.Errorf("%d bytes a member beside its name", (used-int64(names))/n)
	}
	if i, ok := x.Find("case0999/slice999999.png"); !ok || i != n-1 {
		t.Error(i, ok)
	}
	runtime.KeepAlive(x)
}

// TestAgainstPython compares with Python's zipfile, on an archive that zip has
// made and on the real one.
func TestAgainstPython(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3: ", err)
	}
	archives := []string{"../../../shared/real/dsb2018/stage1_train.zip"}
	if _, err := exec.LookPath("zip"); err == nil {
		dir := t.TempDir()
		os.MkdirAll(filepath.Join(dir, "ünï/x"), 0o755)
		os.WriteFile(filepath.Join(dir, "ünï/x/ä b"), bytes.Repeat([]byte("text "), 9999), 0o644)
		os.WriteFile(filepath.Join(dir, "n"), noise(99_999), 0o644)
		os.Symlink("n", filepath.Join(dir, "link"))
		out := filepath.Join(t.TempDir(), "t.zip")
		cmd := exec.Command("zip", "-qry", out, ".")
		cmd.Dir = dir
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
		archives = append(archives, out)
	}
	const script = `
import sys, zipfile, stat
def name(i): # zip writes UTF-8 without its flag, which Python takes for CP437
    return i.filename if i.flag_bits & 0x800 else i.filename.encode("cp437").decode("utf-8")
with zipfile.ZipFile(sys.argv[1]) as z:
    for i in sorted((i for i in z.infolist() if not i.is_dir() and not stat.S_ISLNK(i.external_attr >> 16)), key=lambda i: name(i).encode()):
        print(name(i), i.file_size, "%08x" % i.CRC, sep="\t")`
	for _, path := range archives {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f, err := blob.File(path)
			if err != nil {
				t.Skip("no real data: ", err)
			}
			defer f.Close()
			cmd := exec.Command("python3", "-c", script, path)
			cmd.Env = append(os.Environ(), "PYTHONIOENCODING=utf-8")
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			a, err := Open(context.Background(), path, f, Env{})
			if err != nil {
				t.Fatal(err)
			}
			x := a.(Indexed)
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			if len(lines) != x.Len() {
				t.Fatalf("%d members, Python has %d", x.Len(), len(lines))
			}
			for i, l := range lines {
				want := strings.Split(l, "\t")
				m := x.At(i)
				if m.Path != want[0] || strconv.FormatInt(m.Size, 10) != want[1] || m.Sum != "crc32:"+want[2] {
					t.Fatalf("%+v, Python has %s", m, l)
				}
				if i%500 != 0 {
					continue
				}
				if _, err := read(x, m.Path); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
