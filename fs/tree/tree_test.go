package tree

import (
	"context"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
)

var epoch = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)

func sample() *StaticDir {
	hidden := Bytes("b.nii", []byte("hidden"), epoch)
	hidden.Hidden = true
	return Static(epoch,
		Bytes("z.txt", []byte("last"), epoch),
		Bytes("b.nii.gz", []byte("bytes"), epoch),
		hidden,
		Folder("sub", epoch, Bytes("x", make([]byte, 100), epoch), Folder("empty", epoch)),
		Symlink("link", "sub", epoch),
		Folder("by", epoch, Symlink("up", "../sub/x", epoch)),
		Child{Name: "lazy", Node: Lazy(epoch, func(context.Context) (Dir, error) {
			return Static(epoch, Bytes("late", []byte("!"), epoch)), nil
		})},
		Snapshots("status", func() time.Time { return epoch }, func() []byte { return []byte("now") }),
	)
}

func TestFSConforms(t *testing.T) {
	err := fstest.TestFS(FS(sample()), "z.txt", "b.nii.gz", "sub/x", "link", "by/up", "lazy/late", "status")
	if err != nil {
		t.Fatal(err)
	}
}

func TestFSOpensHiddenAndFollowsLinks(t *testing.T) {
	for name, want := range map[string]string{"b.nii": "hidden", "link/x": strings.Repeat("\x00", 100), "by/up": strings.Repeat("\x00", 100)} {
		got, err := iofs.ReadFile(FS(sample()), name)
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestFSErrors(t *testing.T) {
	root := Static(epoch, Symlink("out", "../../etc/passwd", epoch), Symlink("loop", "loop", epoch), Symlink("abs", "/etc", epoch),
		Bytes("f", nil, epoch))
	for name, want := range map[string]error{"none": iofs.ErrNotExist, "f/x": iofs.ErrNotExist, "../x": iofs.ErrInvalid, "out": nil, "loop": nil, "abs": nil} {
		_, err := FS(root).Open(name)
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}

func TestStaticNumbersHiddenChildrenLast(t *testing.T) {
	d := sample()
	if d.Len() != 7 || d.Total() != 8 {
		t.Fatalf("Len %d Total %d", d.Len(), d.Total())
	}
	for i := range d.Total() {
		if j, ok := d.Find(d.Entry(i).Name); !ok || j != i {
			t.Errorf("%s is %d, found at %d", d.Entry(i).Name, i, j)
		}
		if i > 0 && i < d.Len() && d.Entry(i-1).Name >= d.Entry(i).Name {
			t.Errorf("%s before %s", d.Entry(i-1).Name, d.Entry(i).Name)
		}
	}
	if _, ok := d.Find("c"); ok {
		t.Error("found what is not there")
	}
}

func TestStaticRefusesBadNames(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", "a\x00", strings.Repeat("n", 256), "twice"} {
		d := Static(epoch, Bytes("twice", nil, epoch), Bytes(name, nil, epoch))
		if err := d.Load(context.Background()); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := Static(epoch, Child{Name: "x"}).Load(context.Background()); !errors.Is(err, ErrName) {
		t.Error("a child without a node:", err)
	}
}

func TestWalkOrderAndSkip(t *testing.T) {
	var got []string
	err := Walk(context.Background(), sample(), func(p string, _ Node, err error) error {
		got = append(got, p)
		if p == "sub" {
			return iofs.SkipDir
		}
		return err
	})
	want := []string{".", "b.nii.gz", "by", "by/up", "lazy", "lazy/late", "link", "status", "sub", "z.txt"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestWalkGoesOnAfterAFolderThatFails(t *testing.T) {
	broken := errors.New("broken")
	root := Static(epoch, Child{Name: "a", Node: Lazy(epoch, func(context.Context) (Dir, error) { return nil, broken })}, Bytes("b", nil, epoch))
	var seen []string
	err := Walk(context.Background(), root, func(p string, _ Node, err error) error {
		seen = append(seen, fmt.Sprint(p, err))
		return nil
	})
	if want := []string{".<nil>", "abroken", "b<nil>"}; err != nil || !slices.Equal(seen, want) {
		t.Errorf("%v, %v", seen, err)
	}
}

func TestLazyLoadsOnce(t *testing.T) {
	var loads atomic.Int32
	l := Lazy(epoch, func(context.Context) (Dir, error) {
		loads.Add(1)
		time.Sleep(20 * time.Millisecond)
		return sample(), nil
	})
	if l.Len() != 0 || l.Total() != 0 {
		t.Error("children before Load")
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := l.Load(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if loads.Load() != 1 || l.Len() != 7 {
		t.Errorf("%d loads, %d children", loads.Load(), l.Len())
	}
}

func TestLazyRemembersFailureFor30Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loads := 0
		l := Lazy(epoch, func(context.Context) (Dir, error) {
			if loads++; loads == 1 {
				return nil, io.ErrUnexpectedEOF
			}
			return sample(), nil
		})
		for range 3 {
			if err := l.Load(t.Context()); err != io.ErrUnexpectedEOF {
				t.Error(err)
			}
		}
		time.Sleep(RetryAfter - time.Second)
		if err := l.Load(t.Context()); err == nil || loads != 1 {
			t.Errorf("after 29 s: %v, %d loads", err, loads)
		}
		time.Sleep(time.Second)
		if err := l.Load(t.Context()); err != nil || loads != 2 {
			t.Errorf("after 30 s: %v, %d loads", err, loads)
		}
	})
}

func TestLazyWaiterOutlivesTheOneWhoBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loads := 0
		l := Lazy(epoch, func(ctx context.Context) (Dir, error) {
			if loads++; loads == 1 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return sample(), nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() { first <- l.Load(ctx) }()
		synctest.Wait()
		second := make(chan error, 1)
		go func() { second <- l.Load(t.Context()) }()
		synctest.Wait()
		cancel()
		if err := <-first; err != context.Canceled {
			t.Error(err)
		}
		if err := <-second; err != nil || loads != 2 {
			t.Errorf("%v after %d loads", err, loads)
		}
	})
}

func TestNames(t *testing.T) {
	in := []string{"a", "ab", "b", strings.Repeat("c", 255), "ü"}
	n, err := NewNames(in)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range in {
		if n.At(i) != name {
			t.Errorf("At(%d) = %q", i, n.At(i))
		}
		if j, ok := n.Find(name); !ok || j != i {
			t.Errorf("Find(%q) = %d, %v", name, j, ok)
		}
	}
	for name, at := range map[string]int{"": 0, "aa": 1, "zz": 4, "\xff": 5} {
		if j, ok := n.Find(name); ok || j != at {
			t.Errorf("Find(%q) = %d, %v; want %d", name, j, ok, at)
		}
	}
	for _, bad := range [][]string{{"b", "a"}, {"a", "a"}, {""}, {"a/b"}} {
		if _, err := NewNames(bad); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestAMillionNamesCostLessThan60BytesEach(t *testing.T) {
	const count = 1_000_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var b NamesBuilder
	for i := range count {
		if err := b.Add("case_of_a_patient_with_a_name_" + strconv.Itoa(count+i) + ".p"); err != nil { // 39 bytes
			t.Fatal(err)
		}
	}
	n := b.Names()
	runtime.GC()
	runtime.ReadMemStats(&after)
	per := float64(after.HeapAlloc-before.HeapAlloc) / count
	if per > 60 {
		t.Errorf("%.1f bytes a name", per)
	}
	t.Logf("%.1f bytes a name", per)
	if i, ok := n.Find(n.At(777_777)); !ok || i != 777_777 {
		t.Error("lost a name")
	}
	if allocs := testing.AllocsPerRun(100, func() { n.Find(n.At(123)) }); allocs != 0 {
		t.Errorf("%v allocations a lookup", allocs)
	}
}
