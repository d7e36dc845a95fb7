package sourcestest

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/omnimedseg/omnimedfs/sources"
)

// Record is a played record of a platform.
type Record struct {
	Name    string           // for Source.Files
	Mirrors []sources.Mirror // that lead the platform's real URLs to the fake
	Server  *Server          // nil where there is none
	// Files is what the record holds where the platform cannot hold the files
	// that it was given under their names; nil: those.
	Files map[string][]byte
	Main  string // the largest of Files; "": scan.bin
}

// Fixture plays a platform. A platform adds one in the file of its fake.
type Fixture struct {
	Single bool // a record is one file
	Remote bool // content comes over the network
	// Unmeasured says that a transfer does not announce its length, so that none
	// can be wrong.
	Unmeasured bool
	Play       func(t testing.TB, files map[string][]byte) Record
}

var (
	fixturesMu sync.Mutex
	fixtures   = map[string]Fixture{}
)

// RegisterFixture makes Conform play a platform so. A duplicate panics.
func RegisterFixture(platform string, f Fixture) {
	fixturesMu.Lock()
	defer fixturesMu.Unlock()
	if _, ok := fixtures[platform]; ok {
		panic("sourcestest: fixture " + platform + " registered twice")
	}
	fixtures[platform] = f
}

// Play plays a record of a platform that holds the files; Record says under
// which names where the platform cannot hold them as they are.
func Play(t testing.TB, platform string, files map[string][]byte) Record {
	fixturesMu.Lock()
	f, ok := fixtures[platform]
	fixturesMu.Unlock()
	if !ok {
		t.Fatalf("no fixture of %q: add one with sourcestest.RegisterFixture", platform)
	}
	return f.Play(t, files)
}

func init() {
	RegisterFixture("http", Fixture{Single: true, Remote: true, Play: playHTTP})
	RegisterFixture("local", Fixture{Play: playLocal})
	RegisterFixture("embedded", Fixture{Play: playEmbedded})
}

func playHTTP(t testing.TB, files map[string][]byte) Record {
	srv := Serve(t, files)
	const prefix = "https://example.org/data/"
	for name := range files {
		return Record{Name: prefix + name, Mirrors: []sources.Mirror{{Prefix: prefix, Target: srv.URL + "/"}}, Server: srv}
	}
	return Record{}
}

func playLocal(t testing.TB, files map[string][]byte) Record {
	dir := t.TempDir()
	for name, data := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Record{Name: dir}
}

var embeddedCount atomic.Int64

func playEmbedded(t testing.TB, files map[string][]byte) Record {
	fsys := fstest.MapFS{}
	for name, data := range files {
		fsys[name] = &fstest.MapFile{Data: data}
	}
	name := fmt.Sprintf("conformance-%d", embeddedCount.Add(1))
	sources.RegisterEmbedded(name, fsys)
	return Record{Name: name}
}
