package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// run runs a program of the system and returns what it writes.
func run(t testing.TB, dir string, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("no %s: %v", name, err)
	}
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v: %s", name, args, err, stderr.Bytes())
	}
	return out
}

// packers are programs that pack a stream, by the extension of what they make.
var packers = []struct{ name, ext, program, args string }{
	{"gzip", ".gz", "gzip", "-9"},
	{"gzip fast", ".gz", "gzip", "-1"},
	{"gzip of Python", ".gz", "python3", "-c:import gzip,sys;sys.stdout.buffer.write(gzip.compress(sys.stdin.buffer.read()))"},
	{"bzip2", ".bz2", "bzip2", "-1"},
	{"bzip2 -9", ".bz2", "bzip2", "-9"},
	{"xz", ".xz", "xz", "-0"},
	{"xz in blocks", ".xz", "xz", "-0 --block-size=100000 --threads=1"},
	{"xz with sha256", ".xz", "xz", "-0 --check=sha256 --block-size=300000"},
	{"xz without check", ".xz", "xz", "-1 --check=none"},
	{"zstd", ".zst", "zstd", "-q -c"},
	{"zstd without checksum", ".zst", "zstd", "-q -c --no-check -19"},
}

func pack(t testing.TB, i int, data []byte) []byte {
	t.Helper()
	p := packers[i]
	args := strings.Fields(p.args)
	if a, b, ok := strings.Cut(p.args, ":"); ok {
		args = []string{a, b}
	}
	return run(t, "", data, p.program, args...)
}

func ownEnv(t testing.TB) Env {
	s := NewSpool(t.TempDir(), 1<<30)
	t.Cleanup(func() { s.Close() })
	return Env{Spool: s}
}

// unspooled is an environment whose spool has no room.
func unspooled(t testing.TB) Env {
	env := ownEnv(t)
	env.Spool.limit = 1
	return env
}

// volumeTree writes files of several kinds and returns them by name.
func volumeTree(t testing.TB) (dir string, files map[string][]byte) {
	t.Helper()
	dir = t.TempDir()
	files = map[string][]byte{
		"d/empty": {}, "d/small.txt": []byte("small"), "d/zeros": make([]byte, 200_000),
		"d/noise": noise(250_000), "d/text": bytes.Repeat([]byte("one voxel, "), 20_000), "d/ünï": []byte("name"),
	}
	for n, data := range files {
		os.MkdirAll(filepath.Join(dir, filepath.Dir(n)), 0o755)
		if err := os.WriteFile(filepath.Join(dir, n), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, files
}

// checkMembers reads all members whole, and at random.
func checkMembers(t *testing.T, a Indexed, files map[string][]byte) {
	t.Helper()
	if a.Len() != len(files) {
		t.Errorf("%d members, want %d: %v", a.Len(), len(files), names(a))
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for name, want := range files {
		if i, ok := a.Find(name); !ok || a.At(i).Size != int64(len(want)) {
			t.Errorf("%s: listed %v, %+v", name, ok, a.At(i))
			continue
		}
		if got, err := read(a, name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		b, err := a.Open(context.Background(), name)
		if err != nil {
			t.Error(err)
			continue
		}
		for range 3 {
			off, p := rng.IntN(len(want)+10), make([]byte, rng.IntN(70_000))
			n, err := b.ReadAt(p, int64(off))
			exp := want[min(off, len(want)):min(off+len(p), len(want))]
			if !bytes.Equal(p[:n], exp) || (n < len(p)) != (err == io.EOF) {
				t.Fatalf("%s: read %d at %d: %d, %v", name, len(p), off, n, err)
			}
		}
		b.Close()
		if _, err := b.ReadAt(make([]byte, 1), 0); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: after Close: %v", name, err)
		}
	}
}

// TestPackedTars reads what tar and the packing programs have made: spooled,
// without any spool, and from a kept index alone.
func TestPackedTars(t *testing.T) {
	dir, files := volumeTree(t)
	tarred := run(t, dir, nil, "tar", "--create", "--sort=name", "d")
	for i, p := range packers {
		t.Run(p.name, func(t *testing.T) {
			data := pack(t, i, tarred)
			checkMembers(t, openEnv(t, "x.tar"+p.ext, data, ownEnv(t)), files)
			// Two packed files behind one another are one.
			half := len(tarred) / 1024 * 512
			joined := append(pack(t, i, tarred[:half]), pack(t, i, tarred[half:])...)
			checkMembers(t, openEnv(t, "x.tar"+p.ext, joined, unspooled(t)), files)

			facts := memFacts{}
			env := unspooled(t)
			env.Facts, env.Key = facts, "k"
			first := openEnv(t, "x.tar"+p.ext, data, env)
			c := count(data)
			again, err := Open(context.Background(), "x.tar"+p.ext, c, env)
			if err != nil || len(c.blocks) > 0 {
				t.Fatalf("with the kept index %d blocks were read: %v", len(c.blocks), err)
			}
			checkMembers(t, again.(Indexed), files)
			for i := range first.Len() {
				if first.At(i) != again.(Indexed).At(i) || first.Span(i) != again.(Indexed).Span(i) {
					t.Errorf("%+v, kept as %+v", first.At(i), again.(Indexed).At(i))
				}
			}
		})
	}
}

func openEnv(t testing.TB, name string, data []byte, env Env) Indexed {
	t.Helper()
	a, err := Open(context.Background(), name, blob.Bytes(data), env)
	if err != nil {
		t.Fatal(err)
	}
	return a.(Indexed)
}

// TestPackedFiles reads single packed files, where that is asked for.
func TestPackedFiles(t *testing.T) {
	want := append(noise(100_000), make([]byte, 300_000)...)
	for i, p := range packers {
		data := pack(t, i, want)
		env := unspooled(t)
		if _, err := Open(context.Background(), "table.csv"+p.ext, blob.Bytes(data), env); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: not asked for: %v", p.name, err)
		}
		env.Unpack = true
		a := openEnv(t, "dir/table.csv"+p.ext, data, env)
		checkMembers(t, a, map[string][]byte{"table.csv": want})
		if _, err := a.Open(context.Background(), "table"); !errors.Is(err, ErrNotMember) {
			t.Error(err)
		}
	}
	if !IsPacked("a.csv.gz") || IsPacked("a.tar.gz") || IsPacked("a.zip") || IsPacked("a.png") {
		t.Error("IsPacked")
	}
}

// TestPackedDamage changes and cuts packed tars: no wrong byte may come, and
// nothing may be kept of what could not be read.
func TestPackedDamage(t *testing.T) {
	dir, files := volumeTree(t)
	tarred := run(t, dir, nil, "tar", "--create", "--sort=name", "d")
	for i, p := range packers {
		if strings.Contains(p.name, "without") {
			continue
		}
		good := pack(t, i, tarred)
		for _, at := range []int{len(good) / 3, len(good) / 2, len(good) - 10, 12} {
			for what, data := range map[string][]byte{"changed": bytes.Clone(good), "cut": good[:at]} {
				if what == "changed" {
					data[at] ^= 0x10
				}
				env := ownEnv(t)
				facts := memFacts{}
				env.Facts, env.Key = facts, "k"
				a, err := Open(context.Background(), "x.tar"+p.ext, blob.Bytes(data), env)
				if err == nil {
					for name, want := range files {
						if got, err := read(a, name); err == nil && !bytes.Equal(got, want) {
							t.Errorf("%s %s at %d: %s: wrong bytes", p.name, what, at, name)
						}
					}
					continue
				}
				if !Permanent(err) {
					t.Errorf("%s %s at %d: %v", p.name, what, at, err)
				}
				if _, ok := facts[p.ext]; ok || env.Spool.Used() > 0 {
					t.Errorf("%s %s at %d: %d bytes stay in the spool", p.name, what, at, env.Spool.Used())
				}
			}
		}
	}
}

// TestStreamSourceErrors: what the source says comes through, and passes.
func TestStreamSourceErrors(t *testing.T) {
	dir, files := volumeTree(t)
	tarred := run(t, dir, nil, "tar", "--create", "--sort=name", "d")
	for i, p := range packers {
		c := count(pack(t, i, tarred))
		down := errors.New("network down")
		c.fail = down
		if _, err := Open(context.Background(), "x.tar"+p.ext, c, ownEnv(t)); !errors.Is(err, down) {
			t.Errorf("%s: %v", p.name, err)
		}
		c.fail = nil
		a, err := Open(context.Background(), "x.tar"+p.ext, c, unspooled(t))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := a.Open(context.Background(), "d/noise")
		defer b.Close()
		p := make([]byte, 100_000)
		c.fail = down
		if _, err := b.ReadAt(p, 100_000); !errors.Is(err, down) {
			t.Fatal(err)
		}
		c.fail = nil
		if _, err := b.ReadAt(p, 100_000); err != nil || !bytes.Equal(p, files["d/noise"][100_000:200_000]) {
			t.Fatal(err)
		}
	}
}

// TestPackedCost reads one member out of a large tar.gz: no more than the
// distance of two points beside the member itself.
func TestPackedCost(t *testing.T) {
	if testing.Short() {
		t.Skip("packs 20 MB")
	}
	dir := t.TempDir()
	rng := rand.NewChaCha8([32]byte{9})
	buf := make([]byte, 100_000)
	for i := range 200 {
		rng.Read(buf)
		os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%03d", i)), buf, 0o644)
	}
	data := run(t, dir, nil, "sh", "-c", "tar -c --sort=name . | gzip -1")
	env := unspooled(t)
	env.Facts, env.Key = memFacts{}, "k"
	openEnv(t, "x.tar.gz", data, env)
	for _, n := range []string{"f000", "f123", "f199", "f100"} {
		c := count(data)
		a, err := Open(context.Background(), "x.tar.gz", c, env)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := os.ReadFile(filepath.Join(dir, n))
		if got, err := read(a, n); err != nil || !bytes.Equal(got, want) {
			t.Fatal(n, err)
		}
		if cost := len(c.blocks) << 14; cost > 4<<20 {
			t.Errorf("%s of %d bytes cost %d", n, len(want), cost)
		}
	}
}

func TestSpoolIsBounded(t *testing.T) {
	s := NewSpool(t.TempDir(), 1000)
	defer s.Close()
	fill := func(n int) func(context.Context, io.Writer) error {
		return func(_ context.Context, w io.Writer) error {
			_, err := w.Write(make([]byte, n))
			return err
		}
	}
	ctx := context.Background()
	for i := range 10 {
		e, err := s.open(ctx, fmt.Sprint(i), fill(400))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.readAt(ctx, make([]byte, 400), 0); err != nil {
			t.Fatal(err)
		}
		e.release()
		if s.Used() > 1000 {
			t.Fatalf("%d bytes", s.Used())
		}
	}
	e, _ := s.open(ctx, "large", fill(2000))
	if _, err := e.readAt(ctx, make([]byte, 1), 0); !spoolFull(err) {
		t.Error(err)
	}
	e.release()
	gone, cancel := context.WithCancel(ctx)
	cancel()
	e, _ = s.open(ctx, "slow", func(ctx context.Context, _ io.Writer) error { <-ctx.Done(); return ctx.Err() })
	if _, err := e.readAt(gone, make([]byte, 1), 0); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	e.release() // the last one who waited: the work ends, or Close would hang
	if err := s.Close(); err != nil || s.Used() != 0 {
		t.Error(err, s.Used())
	}
	if _, err := s.open(ctx, "x", fill(1)); err == nil {
		t.Error("a closed spool opens")
	}
}

func fuzzPacked(f *testing.F, ext string) {
	tarred := tarOf(f, tarHeaders()...)
	for i, p := range packers {
		if p.ext == ext {
			f.Add(pack(f, i, tarred))
		}
	}
	spool := NewSpool(f.TempDir(), 1<<20)
	f.Cleanup(func() { spool.Close() })
	f.Fuzz(func(t *testing.T, data []byte) {
		env := Env{Spool: spool, Limits: Limits{Dictionary: 1 << 20, RatioFrom: 1 << 20, Ratio: 1100}}
		a, err := openBounded(t, "x.tar"+ext, data, env)
		if err == nil {
			checkArchive(t, a.(Indexed), int64(len(data)))
		}
	})
}

func FuzzTarGzip(f *testing.F)  { fuzzPacked(f, ".gz") }
func FuzzTarBzip2(f *testing.F) { fuzzPacked(f, ".bz2") }
func FuzzTarXz(f *testing.F)    { fuzzPacked(f, ".xz") }
func FuzzTarZstd(f *testing.F)  { fuzzPacked(f, ".zst") }

func FuzzPoints(f *testing.F) {
	s := &stream{src: blob.Bytes(make([]byte, 1000)), size: 5000, points: []point{{}, {in: 100, out: 300, head: 90}, {in: 4000, out: 4100, head: 3000, aux: 4}}}
	seed, err := s.encodePoints()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, size, err := decodePoints(data, 1000)
		if err == nil && (len(p) == 0 || p[len(p)-1].out > size) {
			t.Error(p, size)
		}
	})
}
