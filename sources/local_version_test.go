package sources

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A local file that was written anew, in the same size, lists as another
// version, so that nothing that was made of the old one is served for it.
func TestLocalTellsVersionsApart(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.png")
	if err := os.WriteFile(name, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	list := func() string {
		t.Helper()
		files, err := localSource{}.Files(context.Background(), dir)
		if err != nil || len(files) != 1 {
			t.Fatalf("%v, %v", files, err)
		}
		return files[0].Sum
	}
	before := list()
	if again := list(); again != before {
		t.Errorf("unchanged file lists as %s, then as %s", before, again)
	}
	if err := os.WriteFile(name, []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, time.Time{}, time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if after := list(); after == before {
		t.Error("a changed file lists as the same version")
	}
}
