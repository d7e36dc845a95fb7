package fs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// knownFiles is a folder of files of known sizes.
type knownFiles struct{ names *tree.Names }

func (d *knownFiles) ModTime() time.Time         { return epoch }
func (d *knownFiles) Load(context.Context) error { return nil }
func (d *knownFiles) Len() int                   { return d.names.Len() }
func (d *knownFiles) Total() int                 { return d.names.Len() }
func (d *knownFiles) Entry(i int) tree.Entry {
	return tree.Entry{Name: d.names.At(i), Kind: tree.KindFile}
}
func (d *knownFiles) Find(name string) (int, bool) { return d.names.Find(name) }
func (d *knownFiles) Child(i int) tree.Node        { return knownFile(i) }

type knownFile int64

func (f knownFile) ModTime() time.Time                  { return epoch }
func (f knownFile) KnownSize() (int64, bool)            { return int64(f), true }
func (f knownFile) Size(context.Context) (int64, error) { return int64(f), nil }
func (f knownFile) Open(context.Context) (blob.Blob, error) {
	return blob.Bytes(make([]byte, f)), nil
}

func newKnownFiles(t testing.TB, count int) *knownFiles {
	var b tree.NamesBuilder
	for i := range count {
		if err := b.Add(fmt.Sprintf("case_%08d_slice.png", i)); err != nil {
			t.Fatal(err)
		}
	}
	return &knownFiles{b.Names()}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestAMillionFilesCostNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("lists a million files")
	}
	const folders, each = 29, 35_000
	names := newKnownFiles(t, each)
	var children []tree.Child
	for k := range folders {
		children = append(children, child(fmt.Sprintf("d%02d", k), names))
	}
	dir, s := mount(t, tree.Static(epoch, children...), Options{})
	before := heap()
	cmd := exec.Command("find", dir)
	out := &counter{}
	cmd.Stdout = out
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if want := int64(folders*(each+1) + 1); out.lines != want {
		t.Errorf("%d files, want %d", out.lines, want)
	}
	grown := int64(heap()) - int64(before)
	t.Logf("heap grew by %d kB, %d READDIRPLUS", grown>>10, s.Counters().ReadDirPlus)
	// Buffers of requests stay in their pools; nothing may depend on the number of files.
	if grown > 32<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
	if n := len(s.raw.ids.folders); n != folders+1 {
		t.Errorf("%d folders are kept", n)
	}
}

type counter struct{ lines int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.lines += int64(strings.Count(string(p), "\n"))
	return len(p), nil
}

func TestIDsStayTheSame(t *testing.T) {
	ids := newIDs(tree.Static(epoch, child("a", newKnownFiles(t, 1000)), child("b", newKnownFiles(t, 1)), child("c", tree.Static(epoch))))
	open := func(id uint64) *folder {
		f := ids.folder(id)
		if err := ids.span(f); err != nil {
			t.Fatal(err)
		}
		return f
	}
	root := open(rootID)
	b := open(root.base + 1)
	c := open(root.base + 2)
	a := open(root.base)
	if a.n != 1000 || b.n != 1 || c.n != 0 || root.n != 3 {
		t.Error(a.n, b.n, c.n, root.n)
	}
	for id, want := range map[uint64]string{rootID: ".", root.base + 2: "c", a.base: "a/case_00000000_slice.png", a.base + 999: "a/case_00000999_slice.png", b.base: "b/case_00000000_slice.png"} {
		if got := ids.path(id); got != want {
			t.Errorf("%d is %s, want %s", id, got, want)
		}
	}
	for _, id := range []uint64{0, a.base + 1000, 1 << 50, ^uint64(0)} {
		if ids.node(id) != nil || ids.folder(id) != nil {
			t.Errorf("%d is something", id)
		}
	}
	if before := a.base; ids.span(a) != nil || a.base != before {
		t.Error("a second load moved the span")
	}
}

func BenchmarkList(b *testing.B) {
	const count = 35_000
	dir, _ := mount(b, tree.Static(epoch, child("d", newKnownFiles(b, count))), Options{})
	if os.Geteuid() != 0 {
		b.Skip("dropping the kernel's caches wants root")
	}
	for b.Loop() {
		b.StopTimer()
		if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("2"), 0); err != nil {
			b.Skip(err)
		}
		b.StartTimer()
		if names, err := os.ReadDir(dir + "/d"); err != nil || len(names) != count {
			b.Fatal(len(names), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/count, "ns/entry")
}

func BenchmarkColdRead(b *testing.B) {
	data := pattern(64<<20, 1)
	for b.Loop() {
		b.StopTimer()
		dir, s := mount(b, tree.Static(epoch, tree.Bytes("f", data, epoch)), Options{})
		b.StartTimer()
		run(b, "dd", "if="+dir+"/f", "of=/dev/null", "bs=1M") // another process, as all readers are
		b.StopTimer()
		s.Unmount(context.Background())
		b.StartTimer()
	}
	b.SetBytes(int64(len(data)))
}
