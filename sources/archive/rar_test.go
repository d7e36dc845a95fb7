package archive

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

const rarFolder = "testdata/rar"

// volumesOf opens the files of an archive of several.
func volumesOf(t testing.TB, dir string, names ...string) []Volume {
	t.Helper()
	var v []Volume
	for _, n := range names {
		data, err := os.ReadFile(filepath.Join(dir, n))
		if err != nil {
			t.Fatal(err)
		}
		v = append(v, Volume{n, blob.Bytes(data)})
	}
	return v
}

func openVolumes(t testing.TB, env Env, name string, v []Volume) (Archive, error) {
	t.Helper()
	if len(v) > 1 {
		env.Volumes = v
	}
	return Open(context.Background(), name, Join(v), env)
}

func TestRar(t *testing.T) {
	const stest, big, small = "2048 c5b7e6a2", "205000 509ad74c", "2050 d08a1f86"
	vols := map[string]string{"vols/bigfile.txt": big, "vols/smallfile.txt": small}
	two := map[string]string{"stest1.txt": stest, "stest2.txt": stest}
	subdirs := map[string]string{"sub/dir1/file1.txt": "6 e229f704", "sub/dir2/file2.txt": "6 c904a4c7", "sub/with space/long fn.txt": "8 71b7247d", "sub/üȵĩöḋè/file.txt": "5 2fec89c1"}
	tests := []struct {
		files string
		want  map[string]string
	}{
		{"rar3-solid.rar", two},
		{"rar5-solid.rar", two},
		{"rar5-crc.rar", two},
		{"rar5-blake.rar", two},
		{"rar3-subdirs.rar", subdirs},
		{"rar5-subdirs.rar", subdirs},
		{"rar3-old.rar rar3-old.r00 rar3-old.r01", vols},
		{"rar5-vols.part1.rar rar5-vols.part2.rar rar5-vols.part3.rar", vols},
		{"rar5-hlink.rar", map[string]string{"stest1.txt": stest}},
		{"rar5-evil-symlink-traversal.rar", map[string]string{"up/pwned.txt": "23 c0327d47"}}, // its "up" is no link here,
		{"rar3-versions.rar", map[string]string{"versioned.txt": "2 "}},
	}
	for _, tt := range tests {
		names := strings.Fields(tt.files)
		t.Run(names[0], func(t *testing.T) {
			v := volumesOf(t, rarFolder, names...)
			for what, env := range map[string]Env{"spooled": ownEnv(t), "not": unspooled(t)} {
				env.Facts, env.Key = memFacts{}, "k"
				a, err := openVolumes(t, env, names[0], v)
				if err != nil {
					t.Fatal(err)
				}
				checkSums(t, a.(Indexed), tt.want)
				// Again, from the index alone.
				c := count(make([]byte, Join(v).Size()))
				env.Volumes = v
				if len(v) == 1 {
					env.Volumes = nil
				}
				b, err := Open(context.Background(), names[0], c, env)
				if err != nil || len(c.blocks) > 0 {
					t.Fatalf("%s: with the kept index %d blocks were read: %v", what, len(c.blocks), err)
				}
				if d := cmp.Diff(listOf(a), listOf(b)); d != "" {
					t.Error(d)
				}
				b, _ = Open(context.Background(), names[0], Join(v), env)
				checkSums(t, b.(Indexed), tt.want)
			}
		})
	}
}

func listOf(a Archive) []blob.Info {
	m, _ := a.Members(context.Background())
	return m
}

// checkSums compares sizes and CRC-32.
func checkSums(t *testing.T, a Indexed, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for i := range a.Len() {
		info := a.At(i)
		data, err := read(a, info.Path)
		if err != nil {
			t.Error(err)
			continue
		}
		s := fmt.Sprintf("%d %08x", len(data), crc32.ChecksumIEEE(data))
		if w := want[info.Path]; strings.HasSuffix(w, " ") && strings.HasPrefix(s, w) {
			s = w
		}
		got[info.Path] = s
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestRarDamage(t *testing.T) {
	for name, want := range map[string]error{"rar5-hpsw.rar": ErrUnsupported, "rar5-psw.rar": ErrUnsupported} {
		a, err := openVolumes(t, ownEnv(t), name, volumesOf(t, rarFolder, name))
		if err == nil {
			_, err = read(a, "stest1.txt")
		}
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "encrypted") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, names := range [][]string{{"rar5-vols.part1.rar"}, {"rar5-vols.part1.rar", "rar5-vols.part3.rar"}, {"rar5-vols.part2.rar"}, {"rar3-old.rar", "rar3-old.r01"}} {
		a, err := openVolumes(t, ownEnv(t), names[0], volumesOf(t, rarFolder, names...))
		if err == nil {
			_, err = read(a, "vols/bigfile.txt")
		}
		if err == nil || !Permanent(err) && !errors.Is(err, ErrNotMember) {
			t.Errorf("%q: %v", names, err)
		}
	}
	for _, n := range []string{"rar5-crc.rar", "rar3-solid.rar", "rar5-solid.rar"} {
		data, _ := os.ReadFile(filepath.Join(rarFolder, n))
		for at := 8; at < len(data); at += 11 {
			bad := append([]byte(nil), data...)
			bad[at] ^= 0x21
			a, err := Open(context.Background(), n, blob.Bytes(bad), ownEnv(t))
			if err != nil {
				if !Permanent(err) {
					t.Errorf("%s changed at %d: %v", n, at, err)
				}
				continue
			}
			for i := range a.(Indexed).Len() {
				info := a.(Indexed).At(i)
				if got, err := read(a, info.Path); err == nil && strings.HasPrefix(info.Path, "stest") && crc32.ChecksumIEEE(got) != 0xc5b7e6a2 {
					t.Errorf("%s changed at %d: %s: wrong bytes", n, at, info.Path)
				}
			}
		}
	}
}

func FuzzRar(f *testing.F) {
	files, _ := filepath.Glob(rarFolder + "/*.rar")
	for _, n := range files {
		if data, _ := os.ReadFile(n); len(data) < 10_000 {
			f.Add(data)
		}
	}
	spool := NewSpool(f.TempDir(), 1<<20)
	f.Cleanup(func() { spool.Close() })
	f.Fuzz(func(t *testing.T, data []byte) {
		env := Env{Spool: spool, Limits: Limits{Dictionary: 4 << 20, RatioFrom: 1 << 20, Ratio: 1100}}
		a, err := openBounded(t, "x.rar", data, env)
		if err == nil {
			checkArchive(t, a.(Indexed), int64(len(data)))
		}
	})
}
