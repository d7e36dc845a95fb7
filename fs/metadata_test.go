package fs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/fs/tree"
)

func child(name string, n tree.Node) tree.Child { return tree.Child{Name: name, Node: n} }

func TestListingReadsNoHeader(t *testing.T) {
	d := &lazyFiles{count: 3000, data: pattern(100, 0)}
	dir, s := mount(t, tree.Static(epoch, child("d", d)), Options{})
	if n := strings.Count(run(t, "find", dir), "\n"); n != 3002 {
		t.Errorf("find sees %d", n)
	}
	run(t, "ls", "-R", dir)
	if d.headers.Load() != 0 || s.Counters().Lookup > 2 {
		t.Errorf("%d headers read, %+v", d.headers.Load(), s.Counters())
	}
}

func TestLongListingReadsEachHeaderOnceAndAhead(t *testing.T) {
	d := &lazyFiles{count: 500, data: pattern(12345, 0), delay: 20 * time.Millisecond}
	dir, s := mount(t, tree.Static(epoch, child("d", d)), Options{})
	start := time.Now()
	out := run(t, "ls", "-l", dir+"/d")
	took := time.Since(start)
	if n := strings.Count(out, " 12345 "); n != 500 {
		t.Errorf("%d right sizes", n)
	}
	if d.headers.Load() != 500 {
		t.Errorf("%d headers read", d.headers.Load())
	}
	if took > 5*time.Second { // 10 s one after the other
		t.Errorf("took %v: not read ahead (%d)", took, s.Counters().HeaderAhead)
	}
	run(t, "find", dir)
	before := s.Counters()
	run(t, "ls", "-l", dir+"/d")
	run(t, "find", dir, "-size", "+1k")
	after := s.Counters()
	after.Forget, after.StatFs = before.Forget, before.StatFs
	if before != after {
		t.Errorf("a second listing asked:\n%+v\n%+v", before, after)
	}
}

func TestHeaderFailureIsNotKept(t *testing.T) {
	var mu sync.Mutex
	var failing error = fmt.Errorf("case 7: %w", convertcore.ErrUnsupported)
	d := &lazyFiles{count: 10, data: pattern(10, 0), sizeErr: func(i int) error {
		mu.Lock()
		defer mu.Unlock()
		if i == 7 {
			return failing
		}
		return nil
	}}
	var paths []string
	dir, _ := mount(t, tree.Static(epoch, child("d", d)), Options{OnError: func(p string, err error) {
		mu.Lock()
		defer mu.Unlock()
		if !errors.Is(err, convertcore.ErrUnsupported) {
			t.Errorf("OnError(%s, %v)", p, err)
		}
		paths = append(paths, p)
	}})
	p := filepath.Join(dir, "d", d.Entry(7).Name)
	if _, err := os.Stat(p); !errors.Is(err, syscall.EOPNOTSUPP) {
		t.Error(err)
	}
	mu.Lock()
	failing = nil
	if len(paths) != 1 || paths[0] != "d/case_000007.png" {
		t.Errorf("%q", paths)
	}
	mu.Unlock()
	if st, err := os.Stat(p); err != nil || st.Size() != 10 {
		t.Error(st, err)
	}
}

func TestAttributes(t *testing.T) {
	root, _ := sampleTree()
	dir, s := mount(t, root, Options{Owner: &Owner{12, 34}})
	var st syscall.Stat_t
	for _, c := range []struct {
		name         string
		mode         uint32
		size, blocks int64
	}{
		{"datasets", syscall.S_IFDIR | 0o555, 0, 0},
		{"datasets/a/images/1.png", syscall.S_IFREG | 0o444, 5000, 10},
		{"datasets/b/exact", syscall.S_IFREG | 0o444, 1 << 20, 2048},
		{"by-modality/ct", syscall.S_IFLNK | 0o777, 13, 1},
	} {
		if err := syscall.Lstat(filepath.Join(dir, c.name), &st); err != nil {
			t.Error(c.name, err)
			continue
		}
		if st.Mode != c.mode || st.Size != c.size || st.Blocks != c.blocks || st.Nlink != 1 || st.Uid != 12 || st.Gid != 34 || st.Mtim.Sec != epoch.Unix() {
			t.Errorf("%s: %+v", c.name, st)
		}
		if got := s.Path(st.Ino); got != c.name {
			t.Errorf("Path(%d) = %q, want %q", st.Ino, got, c.name)
		}
	}
	if target, err := os.Readlink(dir + "/by-modality/ct"); err != nil || target != "../datasets/a" {
		t.Error(target, err)
	}
	if err := os.WriteFile(dir+"/new", nil, 0o644); !errors.Is(err, syscall.EROFS) {
		t.Error("write:", err)
	}
	if err := os.Remove(dir + "/README.txt"); !errors.Is(err, syscall.EROFS) {
		t.Error("remove:", err)
	}
}

func TestWhatIsNotThereIsAskedOnce(t *testing.T) {
	root, _ := sampleTree()
	dir, s := mount(t, root, Options{})
	before := s.Counters()
	for range 10 {
		if _, err := os.Stat(dir + "/nothing"); !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if n := s.Counters().Lookup - before.Lookup; n != 1 {
		t.Errorf("%d lookups", n)
	}
}

func TestHiddenChildAnswersByName(t *testing.T) {
	nii := tree.Bytes("case.nii", []byte("voxels"), epoch)
	nii.Hidden = true
	dir, s := mount(t, tree.Static(epoch, tree.Bytes("case.nii.gz", []byte("gz"), epoch), nii), Options{})
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 1 {
		t.Error(names, err)
	}
	if b, err := os.ReadFile(dir + "/case.nii"); err != nil || string(b) != "voxels" {
		t.Errorf("%q %v", b, err)
	}
	var st syscall.Stat_t
	if err := syscall.Stat(dir+"/case.nii", &st); err != nil || s.Path(st.Ino) != "case.nii" {
		t.Error(s.Path(st.Ino), err)
	}
}

func TestFolderThatFailsToLoad(t *testing.T) {
	d := tree.Static(epoch, tree.Bytes("bad/name", nil, epoch))
	dir, _ := mount(t, tree.Static(epoch, child("broken", d), tree.Bytes("fine", []byte("x"), epoch)), Options{})
	if _, err := os.ReadDir(dir + "/broken"); !errors.Is(err, syscall.EIO) {
		t.Error(err)
	}
	if _, err := os.Stat(dir + "/broken/x"); !errors.Is(err, syscall.EIO) {
		t.Error(err)
	}
	if b, err := os.ReadFile(dir + "/fine"); err != nil || string(b) != "x" {
		t.Error(err)
	}
}

func TestVolatileShowsNewTextToNewReaders(t *testing.T) {
	for _, mode := range []OpenMode{OpenENOSYS, OpenKeep} {
		t.Run(string(mode), func(t *testing.T) {
			var mu sync.Mutex
			text := "first"
			set := func(s string) { mu.Lock(); text = s; mu.Unlock() }
			v := tree.Snapshots("status.json", func() time.Time { return epoch }, func() []byte { mu.Lock(); defer mu.Unlock(); return []byte(text) })
			dir, s := mount(t, tree.Static(epoch, tree.Folder(".omnimedfs", epoch, v)), Options{Open: mode})
			run(t, "ls", "-l", dir+"/.omnimedfs")
			p := dir + "/.omnimedfs/status.json"
			read := func() string {
				b, err := os.ReadFile(p)
				if err != nil {
					t.Fatal(err)
				}
				return string(b)
			}
			if got := read(); got != "first" {
				t.Fatal(got)
			}
			old, err := os.Open(p)
			if err != nil {
				t.Fatal(err)
			}
			defer old.Close()
			for _, want := range []string{"the second text, longer", "3", strings.Repeat("x", 100_000), "last"} {
				set(want)
				if got := read(); got != want {
					t.Errorf("read %d bytes %.20q, want %.20q", len(got), got, want)
				}
				if st, err := os.Stat(p); err != nil || st.Size() != int64(len(want)) {
					t.Errorf("size %d %v", st.Size(), err)
				}
			}
			b := make([]byte, 100)
			if n, err := old.ReadAt(b, 0); string(b[:n]) != "first" {
				t.Errorf("a reader that was there before sees %q, %v", b[:n], err)
			}
			for i := range 100 {
				set(fmt.Sprint(i))
				read()
			}
			s.raw.volatile.mu.Lock()
			defer s.raw.volatile.mu.Unlock()
			if n := len(s.raw.volatile.byID); n > 20 {
				t.Errorf("%d snapshots live", n)
			}
		})
	}
}

func TestSnapshotsAreBounded(t *testing.T) {
	v := newSnapshots()
	for i := range 100 {
		data := make([]byte, 1<<20)
		data[0] = byte(i)
		v.take(5, data, epoch)
	}
	if v.bytes > maxSnapshotBytes || len(v.byID) != len(v.order) || v.get(volatileBase) != nil || v.get(volatileBase+99) == nil {
		t.Errorf("%d bytes in %d snapshots", v.bytes, len(v.byID))
	}
}
