package sourcestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/omnimedseg/omnimedfs/sources/archive"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// ArchiveFixture makes an archive of files with a program that is not ours.
// Where none can, it returns other files than it was given.
type ArchiveFixture struct {
	Name string // of the archive
	Make func(t testing.TB, dir string, files map[string][]byte) (data []byte, of map[string][]byte)
}

// tarOf, and what is made of it.
func packedTar(program string) func(testing.TB, string, map[string][]byte) ([]byte, map[string][]byte) {
	return shell("tar -c --sort=name * | " + program)
}

func packedFile(program string) func(testing.TB, string, map[string][]byte) ([]byte, map[string][]byte) {
	return func(t testing.TB, dir string, files map[string][]byte) ([]byte, map[string][]byte) {
		data, _ := shell(program+" < noise.bin")(t, dir, files)
		return data, map[string][]byte{"a.bin": files["noise.bin"]}
	}
}

// shell runs a command in the folder of the files, and takes what it writes.
func shell(command string) func(testing.TB, string, map[string][]byte) ([]byte, map[string][]byte) {
	return func(t testing.TB, dir string, files map[string][]byte) ([]byte, map[string][]byte) {
		for _, p := range []string{"tar", "gzip", "bzip2", "xz", "zstd", "zip", "7z"} {
			if _, err := exec.LookPath(p); err != nil {
				t.Skip("no ", p, ": ", err)
			}
		}
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		return out, files
	}
}

// archiveFixtures are by the name of the archive's type.
var archiveFixtures = map[string]ArchiveFixture{
	"zip":     {"a.zip", shell("zip -q -r - *")},
	"tar":     {"a.tar", shell("tar -c *")},
	"tar.gz":  {"a.tar.gz", packedTar("gzip")},
	"tar.bz2": {"a.tbz2", packedTar("bzip2 -1")},
	"tar.xz":  {"a.tar.xz", packedTar("xz -0 --block-size=100000")},
	"tar.zst": {"a.tar.zst", packedTar("zstd -q")},
	"gz":      {"a.bin.gz", packedFile("gzip")},
	"bz2":     {"a.bin.bz2", packedFile("bzip2 -1")},
	"xz":      {"a.bin.xz", packedFile("xz -0")},
	"zst":     {"a.bin.zst", packedFile("zstd -q")},
	"7z":      {"a.7z", shell("7z a -bd -y -mx=1 ../a.7z * >&2 && cat ../a.7z && rm ../a.7z")},
}

// RegisterArchiveFixture adds the fixture of an archive type.
func RegisterArchiveFixture(kind string, f ArchiveFixture) { archiveFixtures[kind] = f }

// ConformArchives asserts, for every registered archive type, what the layers
// above rely on. A type without a fixture fails.
func ConformArchives(t *testing.T) {
	for _, kind := range archive.Types() {
		t.Run(kind, func(t *testing.T) {
			f, ok := archiveFixtures[kind]
			if !ok {
				t.Fatal("no fixture: add one with RegisterArchiveFixture")
			}
			conformArchive(t, f)
		})
	}
}

func conformArchive(t *testing.T, f ArchiveFixture) {
	dir := filepath.Join(t.TempDir(), "files")
	noise := make([]byte, 300_000)
	rand.NewChaCha8([32]byte{4}).Read(noise)
	files := map[string][]byte{"noise.bin": noise, "d/e/text": bytes.Repeat([]byte("slice "), 30_000), "empty": {}, "ü": []byte("u")}
	for n, data := range files {
		os.MkdirAll(filepath.Join(dir, path.Dir(n)), 0o755)
		os.WriteFile(filepath.Join(dir, n), data, 0o644)
	}
	data, files := f.Make(t, dir, files)
	spool := archive.NewSpool(t.TempDir(), 1<<28)
	defer spool.Close()
	facts := factsInMemory{}
	src := &watched{Blob: blob.Bytes(data)}
	open := func(env archive.Env) (archive.Archive, error) {
		env.Spool, env.Unpack = spool, true
		return archive.Open(context.Background(), f.Name, src, env)
	}
	a, err := open(archive.Env{Facts: facts, Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("listing", func(t *testing.T) { conformMembers(t, a, files) })
	t.Run("kept", func(t *testing.T) {
		before := src.reads.load()
		b, err := open(archive.Env{Facts: facts, Key: "k"})
		if err != nil {
			t.Fatal(err)
		}
		if n := src.reads.load(); n != before {
			t.Errorf("%d reads although the index is kept", n-before)
		}
		conformMembers(t, b, files)
	})
	for name, want := range files {
		t.Run("content "+name, func(t *testing.T) { conformMember(t, a, name, want) })
	}
	t.Run("unknown", func(t *testing.T) {
		if _, err := a.Open(context.Background(), "no such"); !errors.Is(err, archive.ErrNotMember) {
			t.Error(err)
		}
	})
	t.Run("source fails", func(t *testing.T) {
		src.fail.store(errors.New("the source is down"))
		if _, err := open(archive.Env{}); !errors.Is(err, src.fail.load()) {
			t.Error(err)
		}
		src.fail.store(nil)
		if _, err := open(archive.Env{}); err != nil {
			t.Error("afterwards:", err)
		}
	})
	t.Run("canceled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := archive.Open(ctx, f.Name, src.bound(), archive.Env{Spool: spool, Unpack: true}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Run("remote", func(t *testing.T) { conformRemote(t, f, data, files) })
	t.Run("cut", func(t *testing.T) {
		for _, n := range []int{0, 1, 20, len(data) / 2, len(data) - 1} {
			conformDamage(t, f.Name, data[:n], files, fmt.Sprint("cut to ", n))
		}
	})
	t.Run("damaged", func(t *testing.T) {
		for k := range 12 {
			bad := bytes.Clone(data)
			bad[len(bad)*k/12] ^= 0x11
			conformDamage(t, f.Name, bad, files, fmt.Sprint("changed at ", len(bad)*k/12))
		}
	})
}

func conformMembers(t *testing.T, a archive.Archive, files map[string][]byte) {
	list, err := a.Members(context.Background())
	if err != nil || len(list) != len(files) {
		t.Fatalf("%d members, want %d: %v", len(list), len(files), err)
	}
	x, ok := a.(archive.Indexed)
	if !ok {
		t.Fatal("it has no index")
	}
	for i, m := range list {
		if want, ok := files[m.Path]; !ok || m.Size != int64(len(want)) || i > 0 && list[i-1].Path >= m.Path || !fs.ValidPath(m.Path) {
			t.Errorf("%+v: unknown, of another size, out of order or no path", m)
		}
		if k, ok := x.Find(m.Path); !ok || k != i || x.At(i) != m {
			t.Errorf("%s: found as %d, %v", m.Path, k, ok)
		}
		if m.Sum != "" {
			if h, err := blob.NewHash(m.Sum); err != nil {
				t.Error(err)
			} else if h.Write(files[m.Path]); blob.CheckSum(h, m.Sum) != nil {
				t.Errorf("%s: wrong sum %s", m.Path, m.Sum)
			}
		}
	}
}

func conformMember(t *testing.T, a archive.Archive, name string, want []byte) {
	b, err := a.Open(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	if b.Size() != int64(len(want)) {
		t.Errorf("size %d, want %d", b.Size(), len(want))
	}
	var wg sync.WaitGroup
	for seed := range uint64(3) {
		wg.Go(func() { readAtRandom(t, name, b, want, seed) })
	}
	wg.Wait()
	if got, err := blob.ReadAll(b); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if v := blob.WithContext(context.Background(), b); v.Close() != nil {
		t.Error("a view does not close")
	}
	b.Close()
	if _, err := b.ReadAt(make([]byte, 1), 0); len(want) > 0 && !errors.Is(err, fs.ErrClosed) {
		// A plain section of memory cannot be closed.
		if _, plain := a.(archive.Indexed); !plain || !strings.Contains(fmt.Sprintf("%T", b), "section") {
			t.Error("after Close:", err)
		}
	}
}

// conformDamage: an error that says what is wrong, or the right bytes.
func conformDamage(t *testing.T, name string, data []byte, files map[string][]byte, what string) {
	spool := archive.NewSpool(t.TempDir(), 1<<28)
	defer spool.Close()
	a, err := archive.Open(context.Background(), name, blob.Bytes(data), archive.Env{Spool: spool, Unpack: true})
	if err != nil {
		if !archive.Permanent(err) {
			t.Errorf("%s: %v", what, err)
		}
		if n := spool.Used(); n != 0 {
			t.Errorf("%s: %d bytes stay in the spool", what, n)
		}
		return
	}
	list, _ := a.Members(context.Background())
	for _, m := range list {
		b, err := a.Open(context.Background(), m.Path)
		if err != nil {
			continue
		}
		got, err := blob.ReadAll(b)
		b.Close()
		// A tar has no checksums; all others hold whole reads to theirs.
		if want, ok := files[m.Path]; err == nil && ok && !bytes.Equal(got, want) && !strings.HasSuffix(name, ".tar") {
			t.Errorf("%s: %s: wrong bytes", what, m.Path)
		}
		if err != nil && !archive.Permanent(err) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			t.Errorf("%s: %s: %v", what, m.Path, err)
		}
	}
}

// factsInMemory is blob.Facts.
type factsInMemory map[string][]byte

func (f factsInMemory) Get(k string) ([]byte, bool)  { v, ok := f[k]; return v, ok }
func (f factsInMemory) Set(k string, v []byte) error { f[k] = slices.Clone(v); return nil }

// watched counts the reads of a blob and lets them fail.
type watched struct {
	blob.Blob
	reads counter
	fail  failure
}

func (w *watched) ReadAt(p []byte, off int64) (int, error) {
	w.reads.add()
	if err := w.fail.load(); err != nil {
		return 0, err
	}
	return w.Blob.ReadAt(p, off)
}

// bound is a blob that knows contexts.
func (w *watched) bound() blob.Blob { return &contextBlob{w.Blob, context.Background()} }

type contextBlob struct {
	blob.Blob
	ctx context.Context
}

func (c *contextBlob) WithContext(ctx context.Context) blob.Blob { return &contextBlob{c.Blob, ctx} }
func (c *contextBlob) Close() error                              { return nil }

func (c *contextBlob) ReadAt(p []byte, off int64) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.Blob.ReadAt(p, off)
}

type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) add() {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
}

func (c *counter) load() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

type failure struct {
	mu  sync.Mutex
	err error
}

func (f *failure) store(err error) {
	f.mu.Lock()
	f.err = err
	f.mu.Unlock()
}

func (f *failure) load() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
