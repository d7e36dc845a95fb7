package fs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// oddBlob reads as told.
type oddBlob struct {
	size   int64
	readAt func(p []byte, off int64) (int, error)
	closed *atomic.Int64
}

func (b oddBlob) Size() int64                             { return b.size }
func (b oddBlob) ReadAt(p []byte, off int64) (int, error) { return b.readAt(p, off) }
func (b oddBlob) Close() error {
	if b.closed != nil {
		b.closed.Add(1)
	}
	return nil
}

func odd(name string, announced, size int64, readAt func([]byte, int64) (int, error)) tree.Child {
	return tree.Func(name, announced, epoch, func(context.Context) (blob.Blob, error) {
		return oddBlob{size: size, readAt: readAt}, nil
	})
}

func TestNeverAShortReadInPlaceOfAnError(t *testing.T) {
	cause := errors.New("connection lost")
	upTo := func(n int64, err error) func([]byte, int64) (int, error) {
		return func(p []byte, off int64) (int, error) {
			return int(max(0, min(int64(len(p)), n-off))), err
		}
	}
	full := func(p []byte, off int64) (int, error) { return len(p), nil }
	errs := make(chan error, 100)
	dir, _ := mount(t, tree.Static(epoch,
		odd("longer", 1000, 1001, full),
		odd("shorter", 1000, 999, full),
		odd("ends-early", 10000, 10000, upTo(5000, io.EOF)),
		odd("breaks", 10000, 10000, upTo(5000, cause)),
		odd("lies", 10000, 10000, upTo(5000, nil)),
		odd("panics", 10000, 10000, func([]byte, int64) (int, error) { panic("at the disco") }),
		tree.Func("open-panics", 10, epoch, func(context.Context) (blob.Blob, error) { panic("open") }),
		tree.Func("open-fails", 10, epoch, func(context.Context) (blob.Blob, error) { return nil, cause }),
	), Options{OnError: func(p string, err error) { errs <- fmt.Errorf("%s: %w", p, err) }})
	for name, want := range map[string]error{"longer": ErrSize, "shorter": ErrSize, "ends-early": io.ErrUnexpectedEOF, "breaks": cause,
		"lies": io.ErrUnexpectedEOF, "panics": nil, "open-panics": nil, "open-fails": cause} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		// The kernel tries the first page again alone, and gets it where it is there.
		if !errors.Is(err, syscall.EIO) || len(b) > 5000 {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
		if got := <-errs; want != nil && !errors.Is(got, want) {
			t.Errorf("%s told of %v", name, got)
		}
		for len(errs) > 0 {
			<-errs
		}
	}
}

func TestAFailedReadOpensAnew(t *testing.T) {
	var opens atomic.Int64
	data := pattern(5000, 0)
	dir, _ := mount(t, tree.Static(epoch, tree.Func("f", 5000, epoch, func(context.Context) (blob.Blob, error) {
		if opens.Add(1) == 1 {
			return oddBlob{size: 5000, readAt: func([]byte, int64) (int, error) { return 0, io.ErrUnexpectedEOF }}, nil
		}
		return blob.Bytes(data), nil
	})), Options{})
	os.ReadFile(dir + "/f") // may try more than once: the kernel reads ahead
	if b, err := os.ReadFile(dir + "/f"); err != nil || !bytes.Equal(b, data) {
		t.Error(err)
	}
}

func TestReadAtAnyOffset(t *testing.T) {
	data := pattern(3<<20+5, 9)
	dir, _ := mount(t, tree.Static(epoch, tree.Bytes("f", data, epoch)), Options{})
	f, err := os.Open(dir + "/f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, off := range []int64{0, 1, 4095, 4096, 1<<20 - 1, 3 << 20, int64(len(data)) - 1, int64(len(data)), int64(len(data)) + 9999, 2<<20 + 3} {
		buf := make([]byte, 70000)
		n, err := f.ReadAt(buf, off)
		want := data[min(off, int64(len(data))):]
		want = want[:min(len(want), len(buf))]
		if !bytes.Equal(buf[:n], want) || err != nil && err != io.EOF {
			t.Errorf("at %d: %d bytes, want %d, %v", off, n, len(want), err)
		}
	}
}

func TestHandlesAreBoundedAndClosed(t *testing.T) {
	var open, closed, most atomic.Int64
	var children []tree.Child
	const count = 3 * maxHandles
	for i := range count {
		children = append(children, tree.Func(fmt.Sprintf("f%04d", i), 9000, epoch, func(context.Context) (blob.Blob, error) {
			if n := open.Add(1) - closed.Load(); n > most.Load() {
				most.Store(n)
			}
			return oddBlob{size: 9000, closed: &closed, readAt: func(p []byte, _ int64) (int, error) { return len(p), nil }}, nil
		}))
	}
	dir, s := mount(t, tree.Static(epoch, children...), Options{})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range count {
				if _, err := os.ReadFile(fmt.Sprintf("%s/f%04d", dir, (i*7+w*100)%count)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if most.Load() > maxHandles+16 {
		t.Errorf("%d blobs open at once", most.Load())
	}
	if err := s.Unmount(context.Background()); err != nil {
		t.Fatal(err)
	}
	if open.Load() != closed.Load() || open.Load() < count {
		t.Errorf("%d opened, %d closed", open.Load(), closed.Load())
	}
}

func TestOneOpeningForManyReaders(t *testing.T) {
	var opens atomic.Int64
	release := make(chan struct{})
	data := pattern(1<<20, 1)
	dir, _ := mount(t, tree.Static(epoch, waits("f", data, &opens, release)), Options{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if b, err := os.ReadFile(dir + "/f"); err != nil || !bytes.Equal(b, data) {
				t.Error(err)
			}
		})
	}
	time.Sleep(100 * time.Millisecond)
	close(release)
	wg.Wait()
	if opens.Load() != 1 {
		t.Errorf("%d opens", opens.Load())
	}
}

func TestInterruptedReaderLeavesAndTheWorkGoesOn(t *testing.T) {
	var opens atomic.Int64
	release := make(chan struct{})
	data := pattern(300, 1)
	d := &lazyFiles{count: 1, data: data, delay: 4 * time.Second}
	dir, s := mount(t, tree.Static(epoch, waits("f", data, &opens, release), child("d", d)), Options{})
	for _, args := range [][]string{{"cat", dir + "/f"}, {"stat", dir + "/d/case_000000.png"}} {
		cmd := exec.Command(args[0], args[1:]...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
		start := time.Now()
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("%s: ^C took %v", args[0], took)
		}
	}
	time.Sleep(4 * time.Second)
	if _, err := os.Stat(dir + "/d/case_000000.png"); err != nil || d.headers.Load() != 1 {
		t.Errorf("the header was read %d times, %v", d.headers.Load(), err)
	}
	close(release)
	if b, err := os.ReadFile(dir + "/f"); err != nil || !bytes.Equal(b, data) || opens.Load() != 1 {
		t.Errorf("%d opens, %v", opens.Load(), err)
	}
	if c := s.Counters(); c.Errors != 0 {
		t.Errorf("an interrupt counts as an error: %+v", c)
	}
}

func TestWarmEpochsNeverAsk(t *testing.T) {
	var children []tree.Child
	for i := range 100 {
		children = append(children, tree.Bytes(fmt.Sprintf("%03d.png", i), pattern(200_000, byte(i)), epoch))
	}
	dir, s := mount(t, tree.Static(epoch, tree.Folder("d", epoch, children...)), Options{})
	epochs := func(n string) {
		run(t, "python3", "-c", `
import os, sys
d = sys.argv[1]
for e in range(int(sys.argv[2])):
    for n in sorted(os.listdir(d)):
        p = d + "/" + n
        assert os.path.getsize(p) == 200000
        assert len(open(p, "rb").read()) == 200000
`, dir+"/d", n)
	}
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3 here")
	}
	for try := 0; ; try++ {
		epochs("1")
		before, lost := s.Counters(), refaults()
		epochs("3")
		after := s.Counters()
		before.Ioctl, before.Forget, before.StatFs = after.Ioctl, after.Forget, after.StatFs
		if before == after {
			return
		}
		// Some machines (DAMON, drop_caches, memory pressure) throw pages away
		// while they are in use; those must be read again.
		before.Read, before.ReadBytes = after.Read, after.ReadBytes
		if before != after || refaults() == lost || try == 9 {
			t.Fatalf("warm epochs asked, %d pages lost:\n%+v\n%+v", refaults()-lost, before, after)
		}
	}
}

// refaults returns how many pages the kernel had thrown away and wanted back.
func refaults() (n int64) {
	vmstat, _ := os.ReadFile("/proc/vmstat")
	for line := range strings.Lines(string(vmstat)) {
		if _, err := fmt.Sscanf(line, "workingset_refault_file %d", &n); err == nil {
			return n
		}
	}
	return 0
}
