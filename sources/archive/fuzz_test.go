package archive

import (
	"archive/zip"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// FuzzPackedFile opens single packed files as archives of one member.
func FuzzPackedFile(f *testing.F) {
	exts := []string{".gz", ".bz2", ".xz", ".zst"}
	for _, ext := range exts {
		for i, p := range packers {
			if p.ext == ext {
				f.Add(pack(f, i, []byte(strings.Repeat("voxel ", 300))), byte(slices.Index(exts, ext)))
				break
			}
		}
	}
	spool := NewSpool(f.TempDir(), 1<<20)
	f.Cleanup(func() { spool.Close() })
	f.Fuzz(func(t *testing.T, data []byte, kind byte) {
		name := "scan.nii" + exts[int(kind)%len(exts)]
		env := Env{Spool: spool, Unpack: true, Limits: Limits{Dictionary: 1 << 20, RatioFrom: 1 << 20, Ratio: 1100}}
		a, err := openBounded(t, name, data, env)
		if err != nil {
			return
		}
		x := a.(Indexed)
		if x.Len() != 1 || x.At(0).Path != "scan.nii" {
			t.Fatalf("%d members, %+v", x.Len(), x.At(0))
		}
		b, err := x.Open(t.Context(), "scan.nii")
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		if b.Size() <= 1<<20 {
			if got, err := blob.ReadAll(b); err == nil && int64(len(got)) != x.At(0).Size {
				t.Fatalf("%d bytes, listed with %d", len(got), x.At(0).Size)
			}
		}
	})
}

// FuzzSplitZip opens zips that are cut into volumes anywhere, split as zip
// itself does and as other programs do.
func FuzzSplitZip(f *testing.F) {
	whole := zipOf(f, file("a/b", noise(3000)), entry{zip.FileHeader{Name: "c", Method: zip.Store}, noise(2000)})
	f.Add(whole, uint16(700), uint16(2900), false)
	f.Add(whole, uint16(0), uint16(1), true)
	f.Fuzz(func(t *testing.T, data []byte, cut1, cut2 uint16, numbered bool) {
		lo, hi := min(int(cut1), len(data)), min(int(cut2), len(data))
		lo, hi = min(lo, hi), max(lo, hi)
		names := []string{"x.z01", "x.z02", "x.zip"}
		if numbered {
			names = []string{"x.zip.001", "x.zip.002", "x.zip.003"}
		}
		env := Env{}
		for i, part := range [][]byte{data[:lo], data[lo:hi], data[hi:]} {
			env.Volumes = append(env.Volumes, Volume{names[i], blob.Bytes(part)})
		}
		joined := Join(env.Volumes)
		defer joined.Close()
		if got, err := blob.ReadAll(joined); len(data) > 0 && err != nil || len(got) != len(data) {
			t.Fatal(len(got), err)
		}
		main := names[2]
		if numbered {
			main = names[0]
		}
		a, err := Open(t.Context(), main, joined, env)
		if err != nil {
			return
		}
		checkArchive(t, a.(Indexed), int64(len(data)))
	})
}

// FuzzVolumes groups names of files into archives of several.
func FuzzVolumes(f *testing.F) {
	for _, s := range []string{"a.zip\na.z01\na.z02", "a.7z.001\na.7z.002", "a.part1.rar\na.part2.rar", "a.rar\na.r00\na.r01", "a.zip.001\na.zip.003", "a.tar.gz.partaa\na.tar.gz.partab"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		names := strings.Split(text, "\n")
		seen := map[string]bool{}
		for main, parts := range Volumes(names) {
			if len(parts) == 0 || !slices.Contains(names, main) || !slices.Contains(parts, main) {
				t.Fatalf("%q: %q of %q", main, parts, names)
			}
			for _, p := range parts {
				if !slices.Contains(names, p) || seen[p] && !dup(names, p) {
					t.Fatalf("%q: %q is not listed, or is of two archives", main, p)
				}
				seen[p] = true
			}
		}
		for _, n := range names {
			_ = fmt.Sprint(IsArchive(n), IsPacked(n), IsVolume(n), ReadsWhole(n))
		}
	})
}

func dup(names []string, name string) bool {
	n := 0
	for _, x := range names {
		if x == name {
			n++
		}
	}
	return n > 1
}
