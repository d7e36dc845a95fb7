package dicom

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

const pydicomFiles = "/usr/lib/python3/dist-packages/pydicom/data/test_files"

// knownDifferent are files whose pixels are not pydicom's, each with the reason.
var knownDifferent = map[string]string{
	"JPEG-lossy.dcm": "its scan names no coefficients (Se is 0), against ITU T.81, B.2.3",
}

type oracleFile struct {
	Path, Syntax, Dtype, Bin, Error, Photometric, Now string
	Shape                                             []int
}

// lossy tells by the transfer syntax whether ±1 is allowed.
func (o *oracleFile) lossy() bool {
	return strings.HasSuffix(o.Syntax, ".4.50") || strings.HasSuffix(o.Syntax, ".4.51") || strings.HasSuffix(o.Syntax, ".4.81") || strings.HasSuffix(o.Syntax, ".4.91")
}

// TestAgainstPydicom compares the pixels of every file of pydicom's that
// pydicom decodes. OMNIMED_DICOM_EXTRA names further folders.
func TestAgainstPydicom(t *testing.T) {
	const python3 = "/usr/bin/python3"
	if err := exec.Command(python3, "-c", "import numpy, PIL, pydicom, gdcm").Run(); err != nil {
		t.Skip("needs Debian's python3-pydicom, python3-gdcm, python3-pil and python3-numpy")
	}
	dir := t.TempDir()
	args := []string{filepath.Join("testdata", "pydicom_pixels.py"), dir, pydicomFiles}
	if extra := os.Getenv("OMNIMED_DICOM_EXTRA"); extra != "" {
		args = append(args, strings.Split(extra, ":")...)
	}
	cmd := exec.Command(python3, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var files []oracleFile
	if err := json.Unmarshal(text, &files); err != nil {
		t.Fatal(err)
	}
	equal, decoded, missing := 0, 0, 0
	for _, f := range files {
		if f.Error != "" {
			continue
		}
		name := filepath.Base(f.Path)
		if _, ok := codecs[f.Syntax]; !ok && strings.Contains(f.Syntax, ".1.2.4.") {
			missing++
			t.Logf("%s: this build has no decoder of %s", name, f.Syntax)
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
			t.Logf("%s: %s (known: %s)", name, reason, known)
		default:
			t.Errorf("%s (%s, %s as %s): %s", name, f.Syntax, f.Photometric, f.Now, reason)
		}
	}
	t.Logf("%d of %d files equal, %d of syntaxes that this build does not decode", equal, decoded, missing)
	if equal*100 < decoded*95 {
		t.Errorf("%d of %d files equal, want 95 %%", equal, decoded)
	}
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
