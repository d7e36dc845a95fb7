package codec

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// python3 is Debian's, which has the decoders that users compare with.
const python3 = "/usr/bin/python3"

// makeStreams runs a script of testdata that writes streams and what reference
// decoders make of them to a folder, and returns it. Without the Debian
// packages that it needs the test is skipped.
func makeStreams(t testing.TB, script string, modules string, commands ...string) string {
	t.Helper()
	if err := exec.Command(python3, "-c", "import "+modules).Run(); err != nil {
		t.Skipf("%s with %s: %v", python3, modules, err)
	}
	for _, c := range commands {
		if _, err := exec.LookPath(c); err != nil {
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	if out, err := exec.Command(python3, filepath.Join("testdata", script), dir).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return dir
}

// sample is a stream with what it decodes to.
type sample struct {
	name         string
	f            Frame
	stream, want []byte
	tolerance    int
}

// samples reads what makeStreams wrote, or testdata: every file that ends in ext.
func samples(t testing.TB, dir, ext string) (out []sample) {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join(dir, "*"+ext))
	for _, p := range paths {
		base := strings.TrimSuffix(p, ext)
		s := sample{name: filepath.Base(base), stream: readFile(t, p), want: readFile(t, base+".raw")}
		var signed, rgb int
		text := string(readFile(t, base+".txt"))
		if _, err := fmt.Sscan(text, &s.f.Width, &s.f.Height, &s.f.Samples, &s.f.Bits, &s.f.Stored, &signed, &rgb, &s.tolerance); err != nil {
			t.Fatal(p, err)
		}
		s.f.Signed, s.f.RGB = signed != 0, rgb != 0
		out = append(out, s)
	}
	if len(out) == 0 {
		t.Fatalf("no %s in %s", ext, dir)
	}
	return out
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// worst is the greatest difference between two runs of samples.
func worst(a, b []byte, f Frame) int {
	if len(a) != len(b) {
		return 1 << 16
	}
	if bytes.Equal(a, b) {
		return 0
	}
	most := 0
	for i := 0; i < len(a); i += f.Bits / 8 {
		d := int(a[i]) - int(b[i])
		if f.Bits == 16 {
			d += (int(a[i+1]) - int(b[i+1])) << 8
		}
		most = max(most, d, -d)
	}
	return most
}

// compare decodes samples and compares with what they should be.
func compare(t *testing.T, decode decoder, list []sample) {
	t.Helper()
	exact := 0
	for _, s := range list {
		got, err := decode(s.stream, s.f)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		d := worst(got, s.want, s.f)
		if d > s.tolerance {
			t.Errorf("%s: differs by up to %d, %d is tolerated", s.name, d, s.tolerance)
		}
		if d == 0 {
			exact++
		}
	}
	t.Logf("%d of %d are exact", exact, len(list))
}

// addSamples fuzzes a decoder from the streams of testdata.
func addSamples(f *testing.F, decode decoder, ext string) {
	for _, s := range samples(f, "testdata", ext) {
		kind := uint16(map[int]int{1: 0, 3: 1}[s.f.Samples] + 3*(s.f.Bits/16))
		f.Add(s.stream, uint16(s.f.Width), uint16(s.f.Height), kind)
	}
	f.Fuzz(func(t *testing.T, stream []byte, width, height, kind uint16) {
		fuzz(t, decode, stream, width, height, kind)
	})
}
