package archive_test

import (
	"os"
	"testing"

	"github.com/omnimedseg/omnimedfs/sources/sourcestest"
)

// No free program writes RAR.
func rarFixture(t testing.TB, _ string, _ map[string][]byte) ([]byte, map[string][]byte) {
	data, err := os.ReadFile("testdata/rar/rar5-subdirs.rar")
	if err != nil {
		t.Fatal(err)
	}
	return data, map[string][]byte{
		"sub/dir1/file1.txt": []byte("file1\n"), "sub/dir2/file2.txt": []byte("file2\n"),
		"sub/with space/long fn.txt": []byte("long fn\n"), "sub/üȵĩöḋè/file.txt": []byte("file\n"),
	}
}

func TestConformance(t *testing.T) {
	sourcestest.RegisterArchiveFixture("rar", sourcestest.ArchiveFixture{Name: "a.rar", Make: rarFixture})
	sourcestest.ConformArchives(t)
}
