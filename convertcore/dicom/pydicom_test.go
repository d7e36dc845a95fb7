package dicom

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore/codec"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

const pydicomFiles = "/usr/lib/python3/dist-packages/pydicom/data/test_files"

// knownDifferent are files whose pixels are not pydicom's, each with the reason.
var knownDifferent = map[string]string{
	"JPEG2000-embedded-sequence-delimiter.dcm": "its codestream was damaged on purpose (pydicom's README): the image has 3,722,445,056 columns there, and gdcm returns memory that nobody wrote",
}

type oracleFile struct {
	Path, Syntax, Dtype, Bin, Error, Photometric, Now string
	Shape                                             []int
}

// lossy tells by the transfer syntax whether ±1 is allowed.
func (o *oracleFile) lossy() bool {
	return strings.HasSuffix(o.Syntax, ".4.50") || strings.HasSuffix(o.Syntax, ".4.51") || strings.HasSuffix(o.Syntax, ".4.81") || strings.HasSuffix(o.Syntax, ".4.91")
}

const python3 = "/usr/bin/python3"

func needPydicom(t *testing.T) {
	t.Helper()
	if err := exec.Command(python3, "-c", "import numpy, PIL, pydicom, gdcm").Run(); err != nil {
		t.Skip("needs Debian's python3-pydicom, python3-gdcm, python3-pil and python3-numpy")
	}
}

// oracle has pydicom decode all files of folders; Bin is a file in dir.
func oracle(t *testing.T, folders ...string) (dir string, files []oracleFile) {
	t.Helper()
	needPydicom(t)
	dir = t.TempDir()
	cmd := exec.Command(python3, append([]string{filepath.Join("testdata", "pydicom_pixels.py"), dir}, folders...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &files); err != nil {
		t.Fatal(err)
	}
	return dir, files
}

// TestAgainstPydicom compares the pixels of every file of pydicom's that
// pydicom decodes. OMNIMED_DICOM_EXTRA names further folders.
func TestAgainstPydicom(t *testing.T) {
	folders := []string{pydicomFiles}
	if extra := os.Getenv("OMNIMED_DICOM_EXTRA"); extra != "" {
		folders = append(folders, strings.Split(extra, ":")...)
	}
	dir, files := oracle(t, folders...)
	equal, decoded, missing, table := 0, 0, 0, ""
	for _, f := range files {
		if f.Error != "" {
			continue
		}
		name := filepath.Base(f.Path)
		if !codec.HaveLibraries && needsLibrary(f.Syntax) {
			missing++
			table += fmt.Sprintf("%-45s built without the tag codecs, which %s needs\n", name, f.Syntax)
			continue
		}
		decoded++
		reason := compareOracle(t, dir, &f)
		switch known := knownDifferent[name]; {
		case reason == "":
			equal++
			if known != "" {
				t.Errorf("%s is equal now", name)
			}
		case known != "":
			table += fmt.Sprintf("%-45s %s: %s\n", name, reason, known)
		default:
			t.Errorf("%s (%s, %s as %s): %s", name, f.Syntax, f.Photometric, f.Now, reason)
		}
	}
	t.Logf("%d of %d files that pydicom decodes are equal, %d need libraries that this build lacks\n%s", equal, decoded, missing, table)
	if equal*100 < decoded*95 {
		t.Errorf("%d of %d files equal, want 95 %%", equal, decoded)
	}
}

// needsLibrary reports whether a transfer syntax is JPEG-LS or JPEG 2000.
func needsLibrary(syntax string) bool {
	return slices.ContainsFunc([]string{".80", ".81", ".90", ".91", ".201", ".202", ".203"}, func(end string) bool { return strings.HasSuffix(syntax, ".1.2.4"+end) })
}

// compareOracle returns how our pixels differ; "" where they do not.
func compareOracle(t *testing.T, dir string, o *oracleFile) string {
	t.Helper()
	want, err := os.ReadFile(filepath.Join(dir, o.Bin))
	if err != nil {
		t.Fatal(err)
	}
	b, err := blob.File(o.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	d, err := Read(b, b.Size())
	if err != nil {
		return err.Error()
	}
	fr, err := d.Frames()
	if err != nil {
		return err.Error()
	}
	var got []byte
	for i := range fr.Frames {
		p, err := fr.Decode(i)
		if err != nil {
			return err.Error()
		}
		got = append(got, p...)
	}
	if len(got) != len(want) {
		return "length"
	}
	worst := 0
	size := fr.Bits() / 8
	for i := 0; i+size <= len(got); i += size {
		worst = max(worst, distance(got[i:i+size], want[i:i+size], fr.Signed))
	}
	if worst > 1 || worst > 0 && !o.lossy() {
		return fmt.Sprintf("largest difference %d", worst)
	}
	return ""
}

func distance(a, b []byte, signed bool) int {
	v := func(b []byte) int {
		switch {
		case len(b) == 1:
			return int(b[0])
		case len(b) == 2 && signed:
			return int(int16(binary.LittleEndian.Uint16(b)))
		case len(b) == 2:
			return int(binary.LittleEndian.Uint16(b))
		case len(b) == 4:
			return int(binary.LittleEndian.Uint32(b))
		}
		return int(binary.LittleEndian.Uint64(b))
	}
	if d := v(a) - v(b); d < 0 {
		return -d
	} else {
		return d
	}
}
