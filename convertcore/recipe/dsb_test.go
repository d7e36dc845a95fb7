package recipe

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// shared is the folder of real data beside the repository.
func shared(t *testing.T, elem ...string) string {
	t.Helper()
	root := os.Getenv("OMNIMEDFS_SHARED")
	if root == "" {
		root = "../../../shared"
	}
	path := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("real data is absent: %v", err)
	}
	return path
}

// python runs a script of testdata with Debian's python3, which has NumPy,
// Pillow and nibabel.
func python(t *testing.T, args ...string) []byte {
	t.Helper()
	const bin = "/usr/bin/python3"
	if out, err := exec.Command(bin, "-c", "import numpy, PIL, nibabel").CombinedOutput(); err != nil {
		t.Skipf("no python3 with numpy, Pillow and nibabel: %v: %s", err, out)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(bin, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", args[0], err, stderr.Bytes())
	}
	return out
}

func find(t *testing.T, id string) *Recipe {
	t.Helper()
	for _, list := range []func() ([]*Recipe, error){Catalog, Demo} {
		all, err := list()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			if r.ID == id {
				return r
			}
		}
	}
	t.Fatalf("no recipe %s", id)
	return nil
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// compareNuclei converts all of a zip in the layout of DSB2018 and compares
// with what Pillow and NumPy make of it.
func compareNuclei(t *testing.T, r *Recipe, zipPath string, cases int) {
	data, err := os.ReadFile(zipPath)
	if err != nil {
		t.Fatal(err)
	}
	want := python(t, "testdata/union.py", zipPath)
	raw := zipRaw(t, "stage1_train.zip", bytes.NewReader(data), int64(len(data)))
	conv := r.Converter()
	list, err := conv.Cases(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != cases {
		t.Fatalf("%d cases, want %d", len(list), cases)
	}
	i := 0
	for sc := bufio.NewScanner(bytes.NewReader(want)); sc.Scan(); i++ {
		f := strings.Fields(sc.Text())
		c := &list[i]
		if c.ID != f[0] || c.Split != "train" {
			t.Fatalf("case %d is %s in %q, want %s in train", i, c.ID, c.Split, f[0])
		}
		if cases > 100 && i%everyNth != 0 {
			continue
		}
		for k, p := range []*convertcore.Part{&c.Images[0], &c.Labels[0]} {
			im := convertAndCheck(t, conv, raw, c, p)
			if got := sum(im.Payload()); got != f[1+k] {
				t.Errorf("%s %s: pixels %s, want %s", c.ID, p.Name, got, f[1+k])
			}
		}
	}
	if i != cases {
		t.Errorf("NumPy has %d cases, want %d", i, cases)
	}
}

// convertAndCheck converts a part and checks that its header was foretold.
func convertAndCheck(t *testing.T, conv convertcore.Converter, raw convertcore.Raw, c *convertcore.Case, p *convertcore.Part) convertcore.Image {
	t.Helper()
	h, err := conv.(convertcore.Headerer).Header(context.Background(), raw, c, p)
	if err != nil {
		t.Fatal(err)
	}
	im, err := conv.Convert(context.Background(), raw, c, p)
	if err != nil {
		t.Fatal(err)
	}
	if im.Header() != h {
		t.Fatalf("%s %s: header %+v, converted %+v", c.ID, p.Name, h, im.Header())
	}
	return im
}

func TestDSB2018(t *testing.T) {
	if testing.Short() {
		t.Skip("converts 29,650 files: not in -short")
	}
	compareNuclei(t, find(t, "dsb2018-bbbc038"), shared(t, "real", "dsb2018", "stage1_train.zip"), 664)
}
