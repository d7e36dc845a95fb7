package dicom

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore/codec"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// TestTranscoded reads what Debian's tools make of images of every kind in every
// compressed transfer syntax: lossless ones give the samples of the original,
// the others those of pydicom within 1.
func TestTranscoded(t *testing.T) {
	for _, tool := range []string{"gdcmconv", "dcmcjpeg", "dcmcrle", "dcmcjpls"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("needs Debian's libgdcm-tools and dcmtk:", err)
		}
	}
	made := t.TempDir()
	needPydicom(t)
	if out, err := exec.Command(python3, filepath.Join("testdata", "transcode.py"), made).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dir, files := oracle(t, made)
	seen := map[string]int{}
	for _, f := range files {
		if !codec.HaveLibraries && needsLibrary(f.Syntax) {
			continue
		}
		name := strings.TrimSuffix(filepath.Base(f.Path), ".dcm")
		if name == "rgb16-extended" || name == "rgb1-jlsnear" { // pydicom converts 8 bits alone, and mixes up planes of JPEG-LS
			continue
		}
		seen[f.Syntax]++
		reason := ""
		if image, _, made := strings.Cut(name, "-"); made && !f.lossy() {
			got, want := samplesOf(t, f.Path), samplesOf(t, filepath.Join(filepath.Dir(f.Path), image+".dcm"))
			if !bytes.Equal(got, want) {
				reason = "other samples than the original's"
			}
		} else if f.Error != "" {
			reason = "pydicom: " + f.Error
		} else {
			reason = compareOracle(t, dir, &f)
		}
		if reason != "" {
			t.Errorf("%s (%s, %s as %s): %s", name, f.Syntax, f.Photometric, f.Now, reason)
		}
	}
	if want := map[bool]int{false: 6, true: 10}[codec.HaveLibraries]; len(seen) < want {
		t.Errorf("files of %d transfer syntaxes, want %d: %v", len(seen), want, seen)
	}
}

func samplesOf(t *testing.T, path string) []byte {
	t.Helper()
	b, err := blob.File(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	d, err := Read(b, b.Size())
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return nil
	}
	f, err := d.Frames()
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return nil
	}
	var out []byte
	for i := range f.Frames {
		p, err := f.Decode(i)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		out = append(out, p...)
	}
	return out
}
