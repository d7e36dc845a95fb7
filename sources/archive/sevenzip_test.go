package archive

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// sevenOf packs the tree with 7-Zip.
func sevenOf(t testing.TB, dir string, args ...string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "x.7z")
	run(t, dir, nil, "7z", append([]string{"a", "-bd", "-y", out}, append(args, "d")...)...)
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSevenZip(t *testing.T) {
	dir, files := volumeTree(t)
	for _, args := range []string{
		"-mx=1", "-ms=off -mx=1", "-m0=LZMA -mx=1", "-m0=PPMd:mem=1m", "-m0=BZip2 -ms=off", "-m0=Deflate -mx=1", "-m0=Deflate64 -mx=1",
		"-m0=Copy", "-m0=BCJ -m1=LZMA2 -mx=1", "-m0=BCJ2 -m1=LZMA -m2=LZMA -m3=LZMA -mb0:1 -mb0s1:2 -mb0s2:3 -mx=1", "-m0=Delta:4 -m1=LZMA -mx=1", "-mhc=off -mx=1",
	} {
		t.Run(args, func(t *testing.T) {
			dir, files := dir, files
			if strings.Contains(args, "PPMd") { // 70 KB/s
				dir = t.TempDir()
				os.Mkdir(filepath.Join(dir, "d"), 0o755)
				files = map[string][]byte{"d/text": bytes.Repeat([]byte("one voxel, "), 3000), "d/noise": noise(3000)}
				for n, data := range files {
					os.WriteFile(filepath.Join(dir, n), data, 0o644)
				}
			}
			data := sevenOf(t, dir, strings.Fields(args)...)
			if strings.Contains(args, "Deflate64") {
				a := openEnv(t, "x.7z", data, ownEnv(t))
				if _, err := read(a, "d/text"); !errors.Is(err, ErrUnsupported) {
					t.Error(err)
				}
				return
			}
			env := ownEnv(t)
			env.Facts, env.Key = memFacts{}, "k"
			first := openEnv(t, "x.7z", data, env)
			checkMembers(t, first, files)
			c := count(data)
			again, err := Open(context.Background(), "x.7z", c, env)
			if err != nil || len(c.blocks) > 0 {
				t.Fatalf("with the kept index %d blocks were read: %v", len(c.blocks), err)
			}
			for i := range first.Len() {
				if first.At(i) != again.(Indexed).At(i) || first.Span(i) != again.(Indexed).Span(i) {
					t.Errorf("%+v, kept as %+v", first.At(i), again.(Indexed).At(i))
				}
			}
			if strings.Contains(args, "m0") {
				return // the same without a spool, and slow
			}
			env.Spool = NewSpool(t.TempDir(), 1)
			defer env.Spool.Close()
			checkMembers(t, openEnv(t, "x.7z", data, env), files)
		})
	}
}

// TestSevenZipCost: a listing costs the header, a file that is alone in its
// folder its own packed bytes.
func TestSevenZipCost(t *testing.T) {
	dir := t.TempDir()
	os.Mkdir(filepath.Join(dir, "d"), 0o755)
	for i, n := range []string{"a", "b", "c"} {
		os.WriteFile(filepath.Join(dir, "d", n), append(noise(1<<20), byte(i)), 0o644)
	}
	c := count(sevenOf(t, dir, "-ms=off", "-m0=LZMA2", "-mx=1"))
	a, err := Open(context.Background(), "x.7z", c, unspooled(t))
	if err != nil || len(c.blocks) > 4 {
		t.Fatalf("listing touched %d blocks: %v", len(c.blocks), err)
	}
	clear(c.blocks)
	if got, err := read(a, "d/b"); err != nil || len(got) != 1<<20+1 || len(c.blocks) > 1<<6+5 {
		t.Errorf("%d bytes, %d blocks, %v", len(got), len(c.blocks), err)
	}
}

func TestSevenZipVolumes(t *testing.T) {
	dir, files := volumeTree(t)
	data := sevenOf(t, dir, "-mx=1")
	k := len(data) / 3
	v := []Volume{{"x.7z.001", blob.Bytes(data[:k])}, {"x.7z.002", blob.Bytes(data[k : 2*k])}, {"x.7z.003", blob.Bytes(data[2*k:])}}
	a, err := openVolumes(t, ownEnv(t), "x.7z.001", v)
	if err != nil {
		t.Fatal(err)
	}
	checkMembers(t, a.(Indexed), files)
	if _, err := openVolumes(t, ownEnv(t), "x.7z.001", v[:2]); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
}

func TestSevenZipEncrypted(t *testing.T) {
	dir, _ := volumeTree(t)
	a := openEnv(t, "x.7z", sevenOf(t, dir, "-psecret", "-mx=1"), ownEnv(t))
	if _, err := read(a, "d/text"); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "encrypted") {
		t.Error(err)
	}
	_, err := Open(context.Background(), "x.7z", blob.Bytes(sevenOf(t, dir, "-psecret", "-mhe=on", "-mx=1")), ownEnv(t))
	if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "encrypted") {
		t.Error(err)
	}
}

func TestSevenZipDamage(t *testing.T) {
	dir, files := volumeTree(t)
	good := sevenOf(t, dir, "-mx=1")
	for at := 0; at < len(good); at += len(good)/150 + 1 {
		for what, data := range map[string][]byte{"changed": bytes.Clone(good), "cut": good[:at]} {
			if what == "changed" {
				data[at] ^= 4
			}
			a, err := Open(context.Background(), "x.7z", blob.Bytes(data), ownEnv(t))
			if err != nil {
				if !Permanent(err) {
					t.Errorf("%s at %d: %v", what, at, err)
				}
				continue
			}
			if at%5 > 0 { // one in five is unpacked
				continue
			}
			for n, want := range files {
				if got, err := read(a, n); err == nil && !bytes.Equal(got, want) {
					t.Errorf("%s at %d: %s: wrong bytes", what, at, n)
				}
			}
		}
	}
	small := ownEnv(t)
	small.Limits.Dictionary = 1000
	a := openEnv(t, "x.7z", good, small)
	if _, err := read(a, "d/text"); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
	small.Limits = Limits{Members: 2}
	if _, err := Open(context.Background(), "x.7z", blob.Bytes(good), small); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
}

func FuzzSevenZip(f *testing.F) {
	dir := f.TempDir()
	os.MkdirAll(filepath.Join(dir, "d"), 0o755)
	os.WriteFile(filepath.Join(dir, "d", "a"), bytes.Repeat([]byte("voxel"), 100), 0o644)
	os.WriteFile(filepath.Join(dir, "d", "empty"), nil, 0o644)
	for _, args := range []string{"-m0=LZMA2 -mhc=off", "-m0=PPMd:mem=1m", "-m0=LZMA", "-m0=BZip2", "-m0=Copy -mhc=off"} {
		f.Add(sevenOf(f, dir, strings.Fields(args)...))
	}
	spool := NewSpool(f.TempDir(), 1<<20)
	f.Cleanup(func() { spool.Close() })
	f.Fuzz(func(t *testing.T, data []byte) {
		env := Env{Spool: spool, Limits: Limits{Dictionary: 4 << 20, RatioFrom: 1 << 20, Ratio: 1100}}
		if a, err := openBounded(t, "x.7z", data, env); err == nil {
			checkArchive(t, a.(Indexed), int64(len(data)))
		}
		// The header itself, which the archive holds under a checksum.
		if x, folders, err := parseSeven(data, 1<<30, Limits{}.defaults()); err == nil {
			x.all()
			for i := range folders {
				_ = folders[i].check(Limits{}.defaults())
				if folders[i].size() > 1<<20 {
					continue
				}
				if r, err := (sevenCodec{}).open(folders[i].stream(blob.Bytes(make([]byte, 1<<10)), env, "x").src, &stream{size: folders[i].size(), refused: folders[i].check(env.Limits)}, 0, nil); err == nil {
					_, _ = r.Read(make([]byte, 1000))
					r.Close()
				}
			}
		}
	})
}
