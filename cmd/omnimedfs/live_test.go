package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/sources/sourcestest"
)

// liveRecipes writes recipes of the played record, of which one says another
// checksum than there is and one names a file by its URL, and returns their
// folder and options that lead to the fake.
func liveRecipes(t *testing.T, rec sourcestest.Record, files map[string][]byte) (options []string) {
	t.Helper()
	dir := t.TempDir()
	write := func(id, source string) {
		text := strings.Replace(fmt.Sprintf(keptRecipe, rec.Name, 0), `id = "kept"`, fmt.Sprintf("id = %q", id), 1)
		text = strings.Replace(text, "[case]\n", source+"\n[case]\n", 1)
		if err := os.WriteFile(filepath.Join(dir, id+".toml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	named := func(name string, sum [32]byte) string {
		return fmt.Sprintf("[[source.file]]\nname = %q\nsize = %d\nsum = \"sha256:%x\"\n", name, len(files[name]), sum)
	}
	all := "[[source.file]]\nname = \"all.zip\"\n"
	right := sha256.Sum256(files["images.zip"])
	srv := sourcestest.Serve(t, files)
	write("live-right", named("images.zip", right)+all)
	write("live-wrong", named("images.zip", sha256.Sum256([]byte("another")))+all)
	write("live-size", strings.Replace(named("images.zip", right), "size = ", "size = 1", 1)+all)
	write("live-url", named("images.zip", right)+"url = \"https://files.example.org/images.zip\"\n"+all)
	options = []string{"--recipes", dir, "--mirror", "https://files.example.org/=" + srv.URL + "/"}
	for _, m := range rec.Mirrors {
		options = append(options, "--mirror", m.Prefix+"="+m.Target)
	}
	return options
}

// TestRecipeRecord: sizes, checksums announced and checksums of bytes.
func TestRecipeRecord(t *testing.T) {
	rec, files := keptRecord(t)
	options := liveRecipes(t, rec, files)
	record := func(id string, more ...string) (int, []probed) {
		t.Helper()
		var out, errs bytes.Buffer
		p := &program{stdout: &out, stderr: &errs, lookup: func(string) (string, bool) { return "", false }, open: newApp, mount: mountTree}
		args := append(append([]string{"omnimedfs", "recipe", "record", id, "--json", "--config", os.DevNull, "--cache", t.TempDir()}, options...), more...)
		code := p.main(args)
		var got []probed
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || len(got) == 0 {
			t.Fatalf("%s: %v: %s%s", id, err, out.String(), errs.String())
		}
		return code, got
	}
	for _, tt := range []struct {
		id, hash      string
		code, records int
		verified      int
		unlike, error string
	}{
		{"live-right", "0", 0, 1, 0, "", ""},
		{"live-right", "1MiB", 0, 1, 2, "", ""},
		{"live-right", "16MiB", 0, 1, 3, "", ""}, // noise.bin, too
		{"live-wrong", "1MiB", 1, 1, 1, "", "images.zip: checksum mismatch"},
		{"live-size", "0", 1, 1, 0, "bytes, the recipe says 1", ""},
		{"live-url", "1MiB", 0, 2, 2, "", ""},
	} {
		code, got := record(tt.id, "--hash", tt.hash)
		if code != tt.code || len(got) != tt.records || got[0].Verified != tt.verified {
			t.Errorf("%s, %s: code %d, %+v", tt.id, tt.hash, code, got)
		}
		if text := strings.Join(got[0].Unlike, "; "); !strings.Contains(text, tt.unlike) || (text == "") != (tt.unlike == "") {
			t.Errorf("%s: unlike %q", tt.id, text)
		}
		if !strings.Contains(got[0].Error, tt.error) || (got[0].Error == "") != (tt.error == "") {
			t.Errorf("%s: error %q", tt.id, got[0].Error)
		}
	}
	rec.Server.SetFaults(sourcestest.Tampered())
	if code, got := record("live-right", "--hash", "1MiB"); code != 1 || got[0].Verified != 0 || !strings.Contains(got[0].Error, "checksum mismatch") {
		t.Errorf("other bytes than announced: code %d, %+v", code, got)
	}
}

// TestLive runs scripts/live.sh over played records.
func TestLive(t *testing.T) {
	rec, files := keptRecord(t)
	options := liveRecipes(t, rec, files)
	report := filepath.Join(t.TempDir(), "report.md")
	cmd := exec.Command("bash", "../../scripts/live.sh", report, "live-*")
	cmd.Env = append(os.Environ(), "LIVE_OPTIONS="+strings.Join(options, " "), "OMNIMEDFS_CONFIG="+os.DevNull)
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("it succeeds although records differ: %s", out)
	}
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	total := 0
	for _, data := range files {
		total += len(data)
	}
	for _, want := range []string{
		"| zenodo | 4 | 2 |",
		fmt.Sprintf("| live-right | zenodo | ok | 3 | %d | 3 | 2 | CC-BY-4.0 | fits |", total),
		"| live-wrong | zenodo | images.zip: checksum mismatch",
		"the recipe says 1",
		"| live-url | zenodo | ok |",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
}
