package archive

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// TestZipMethods reads what other programs pack by the methods that Go's own
// library does not know.
func TestZipMethods(t *testing.T) {
	dir, files := volumeTree(t)
	// Deflate64's longest match, and a distance beyond 32 KiB.
	far := append(noise(50_000), make([]byte, 200_000)...)
	files["d/far"] = append(far, far[:50_000]...)
	os.WriteFile(filepath.Join(dir, "d/far"), files["d/far"], 0o644)
	for _, method := range []string{"Deflate64", "BZip2", "LZMA", "Deflate", "Copy"} {
		out := filepath.Join(t.TempDir(), "x.zip")
		run(t, dir, nil, "7z", "a", "-bd", "-tzip", "-mx=3", "-mm="+method, out, "d")
		data, _ := os.ReadFile(out)
		a := openEnv(t, "x.zip", data, ownEnv(t))
		checkMembers(t, a, files)
		if method == "LZMA" {
			env := ownEnv(t)
			env.Limits.Dictionary = 5000
			if _, err := read(openEnv(t, "x.zip", data, env), "d/text"); !errors.Is(err, ErrLimit) {
				t.Error(err)
			}
		}
	}
	for _, method := range []string{"ZIP_BZIP2", "ZIP_LZMA"} {
		out := filepath.Join(t.TempDir(), "x.zip")
		run(t, dir, nil, "python3", "-c", `
import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", getattr(zipfile, sys.argv[2])) as z:
    for n in sorted(os.listdir("d")):
        z.write("d/" + n)`, out, method)
		data, _ := os.ReadFile(out)
		checkMembers(t, openEnv(t, "x.zip", data, ownEnv(t)), files)
	}
	packed := map[uint16][]byte{
		methodZstd: run(t, "", files["d/far"], "zstd", "-q", "-c"), methodZstdOld: run(t, "", files["d/far"], "zstd", "-q", "-c", "-1"),
		methodXz: run(t, "", files["d/far"], "xz", "-1"),
	}
	for method, p := range packed {
		data := rawZip(t, method, p, files["d/far"])
		checkMembers(t, openEnv(t, "x.zip", data, ownEnv(t)), map[string][]byte{"x": files["d/far"]})
		bad := bytes.Clone(data)
		bad[len(bad)/2] ^= 1
		if _, err := read(openEnv(t, "x.zip", bad, ownEnv(t)), "x"); !errors.Is(err, ErrChecksum) {
			t.Errorf("method %d damaged: %v", method, err)
		}
	}
	out := filepath.Join(t.TempDir(), "x.zip")
	run(t, dir, nil, "7z", "a", "-bd", "-tzip", "-psecret", "-mem=AES256", out, "d")
	data, _ := os.ReadFile(out)
	if _, err := read(openEnv(t, "x.zip", data, ownEnv(t)), "d/text"); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "encrypted") {
		t.Error(err)
	}
}

// rawZip is a zip of one member "x" that was packed elsewhere.
func rawZip(t testing.TB, method uint16, packed, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	f, err := w.CreateRaw(&zip.FileHeader{Name: "x", Method: method, CRC32: crc32.ChecksumIEEE(data), CompressedSize64: uint64(len(packed)), UncompressedSize64: uint64(len(data))})
	if err != nil {
		t.Fatal(err)
	}
	f.Write(packed)
	w.Close()
	return buf.Bytes()
}

// TestSplitZip reads the volumes that zip -s makes.
func TestSplitZip(t *testing.T) {
	dir, files := volumeTree(t)
	run(t, dir, nil, "zip", "-q", "-r", "-s", "64k", "x.zip", "d")
	entries, _ := os.ReadDir(dir)
	var found []string
	for _, e := range entries {
		if !e.IsDir() {
			found = append(found, e.Name())
		}
	}
	names := Volumes(found)["x.zip"]
	if len(names) < 4 || names[0] != "x.z01" || names[len(names)-1] != "x.zip" {
		t.Fatal(names)
	}
	v := volumesOf(t, dir, names...)
	a, err := openVolumes(t, ownEnv(t), "x.zip", v)
	if err != nil {
		t.Fatal(err)
	}
	checkMembers(t, a.(Indexed), files)
	last := len(v) - 1
	renamed := append(v[:last:last], Volume{"x.change2zip", v[last].Blob})
	if a, err = openVolumes(t, ownEnv(t), "x.change2zip", renamed); err != nil {
		t.Fatal(err)
	}
	checkMembers(t, a.(Indexed), files)
	for _, some := range [][]Volume{v[1:], v[len(v)-1:], append(v[:1:1], v[2:]...)} {
		if _, err := openVolumes(t, ownEnv(t), "x.zip", some); !errors.Is(err, ErrFormat) {
			t.Errorf("%d of %d volumes: %v", len(some), len(v), err)
		}
	}
	// A zip beside a file that is named like a volume of it.
	whole := zipOf(t, file("a", []byte("1")))
	env := ownEnv(t)
	env.Facts, env.Key = memFacts{}, "k"
	for range 2 {
		a, err = openVolumes(t, env, "x.zip", []Volume{{"x.z01", blob.Bytes(noise(70_000))}, {"x.zip", blob.Bytes(whole)}})
		if err != nil {
			t.Fatal(err)
		}
		checkMembers(t, a.(Indexed), map[string][]byte{"a": []byte("1")})
	}
	// A zip cut anywhere.
	cut := []Volume{{"x.zip.001", blob.Bytes(whole[:50])}, {"x.zip.002", blob.Bytes(whole[50:])}}
	if a, err = openVolumes(t, env, "x.zip.001", cut); err != nil {
		t.Fatal(err)
	}
	checkMembers(t, a.(Indexed), map[string][]byte{"a": []byte("1")})
}

func TestVolumes(t *testing.T) {
	got := Volumes([]string{
		"a.zip", "b.zip", "b.z01", "b.z02", "c.part2.rar", "c.part1.rar", "c.part10.rar", "d.rar", "d.r00", "d.s00", "d.r99",
		"e.7z.001", "e.7z.002", "f.z01", "g.txt.001", "g.txt.002", "h.tar.gz.001", "h.tar.gz.002", "i.part1.rar", "j/b.z03", "K.RAR", "K.R00",
		"l.change2zip", "l.z02", "l.z01", "m.change2zip",
	})
	want := map[string][]string{
		"b.zip": {"b.z01", "b.z02", "b.zip"}, "c.part1.rar": {"c.part1.rar", "c.part2.rar", "c.part10.rar"},
		"d.rar": {"d.rar", "d.r00", "d.r99", "d.s00"}, "e.7z.001": {"e.7z.001", "e.7z.002"}, "h.tar.gz.001": {"h.tar.gz.001", "h.tar.gz.002"},
		"K.RAR": {"K.RAR", "K.R00"}, "l.change2zip": {"l.z01", "l.z02", "l.change2zip"},
	}
	for n, w := range want {
		if strings.Join(got[n], " ") != strings.Join(w, " ") {
			t.Errorf("%s: %q, want %q", n, got[n], w)
		}
	}
	if len(got) != len(want) {
		t.Error(got)
	}
	for n, is := range map[string]bool{"a.7z.001": true, "a.rar": true, "a.txt.001": false, "a.zip.001": true, "a.001": false, "a.change2zip": true} {
		if IsArchive(n) != is {
			t.Error(n)
		}
	}
}

// TestHundredThousandMembers holds a listing to the directory's bytes.
func TestHundredThousandMembers(t *testing.T) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for i := range 100_000 {
		f, err := w.CreateHeader(&zip.FileHeader{Name: "case/" + strings.Repeat("0", 3) + string(rune('a'+i%26)) + "/" + itoa(i) + ".png", Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		f.Write([]byte(itoa(i)))
	}
	w.Close()
	c := count(buf.Bytes())
	end := buf.Bytes()[buf.Len()-lenEnd-lenLocator64-lenEnd64:]
	directory := int64(le.Uint64(end[40:]))
	a, err := Open(context.Background(), "x.zip", c, Env{})
	if err != nil || a.(Indexed).Len() != 100_000 {
		t.Fatal(err)
	}
	if cost := int64(len(c.blocks)) << 14; cost > directory+64<<10 {
		t.Errorf("a directory of %d bytes cost %d", directory, cost)
	}
	if got, err := read(a, "case/000a/"+itoa(78000)+".png"); err != nil || string(got) != itoa(78000) {
		t.Error(string(got), err)
	}
}

func itoa(i int) string {
	return string([]byte{byte('0' + i/100000%10), byte('0' + i/10000%10), byte('0' + i/1000%10), byte('0' + i/100%10), byte('0' + i/10%10), byte('0' + i%10)})
}

// TestDataDescriptors reads what was streamed: sizes behind the data.
func TestDataDescriptors(t *testing.T) {
	dir, files := volumeTree(t)
	data := run(t, dir, nil, "sh", "-c", "zip -q -r - d | cat")
	checkMembers(t, openEnv(t, "x.zip", data, ownEnv(t)), files)
}
