package sources

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// parsers reads one answer of each API.
var parsers = map[string]func([]byte) ([]File, error){
	"zenodo": parseZenodo, "figshare": parseFigshare, "mendeley": parseMendeley, "tcia": parseTCIA, "omnimedfs": parseOmniMedFS,
	"huggingface": func(b []byte) ([]File, error) {
		var l listing
		err := parseHF(&l, b, "https://huggingface.co/datasets/a/b/resolve/c/")
		return l.files, err
	},
	"dataverse": parseDataverse,
	"osf": func(b []byte) ([]File, error) {
		var l listing
		_, err := parseOSF(&l, b)
		return l.files, err
	},
	"github": func(b []byte) ([]File, error) {
		var l listing
		err := parseGitHubTree(&l, b, "https://raw.githubusercontent.com/a/b/c/")
		return l.files, err
	},
	"githubrelease": func(b []byte) ([]File, error) {
		var l listing
		err := parseGitHubRelease(&l, b)
		return l.files, err
	},
	"kaggle": func(b []byte) ([]File, error) {
		var l listing
		_, err := parseKaggle(&l, b, "https://www.kaggle.com/x/", "")
		return l.files, err
	},
	"s3": func(b []byte) ([]File, error) {
		var l listing
		_, err := parseS3(&l, b, "https://b.s3.amazonaws.com", "data/", "")
		return l.files, err
	},
}

// TestAnswers reads answers of each platform's documented shape.
func TestAnswers(t *testing.T) {
	for name, parse := range parsers {
		body, err := os.ReadFile(filepath.Join("testdata", name+".answer"))
		if err != nil {
			t.Fatal(err)
		}
		files, err := parse(body)
		if err != nil || len(files) != 1 || !strings.HasSuffix(files[0].Path, ".zip") || files[0].Size != 1234 && name != "tcia" {
			t.Errorf("%s: %+v, %v", name, files, err)
		}
		for _, hostile := range []string{"../../etc/x.zip", "a/../x.zip", "a//x.zip", `a\\x.zip`} {
			if files, err := parse([]byte(strings.Replace(string(body), "x.zip", hostile, 1))); err == nil && name != "tcia" {
				t.Errorf("%s: %s passes: %+v", name, hostile, files)
			}
		}
		for i := range body {
			parse(body[:i])
		}
	}
}

func fuzz(f *testing.F, name string) {
	body, err := os.ReadFile(filepath.Join("testdata", name+".answer"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Fuzz(func(t *testing.T, body []byte) {
		files, err := parsers[name](body)
		if err != nil {
			return
		}
		for _, x := range files {
			if !fs.ValidPath(x.Path) || x.Size < -1 || checkURL(x.URL) != nil {
				t.Errorf("%+v", x)
			}
		}
	})
}

func FuzzZenodo(f *testing.F)        { fuzz(f, "zenodo") }
func FuzzFigshare(f *testing.F)      { fuzz(f, "figshare") }
func FuzzMendeley(f *testing.F)      { fuzz(f, "mendeley") }
func FuzzTCIA(f *testing.F)          { fuzz(f, "tcia") }
func FuzzOmniMedFS(f *testing.F)     { fuzz(f, "omnimedfs") }
func FuzzHuggingFace(f *testing.F)   { fuzz(f, "huggingface") }
func FuzzKaggle(f *testing.F)        { fuzz(f, "kaggle") }
func FuzzDataverse(f *testing.F)     { fuzz(f, "dataverse") }
func FuzzOSF(f *testing.F)           { fuzz(f, "osf") }
func FuzzGitHubTree(f *testing.F)    { fuzz(f, "github") }
func FuzzGitHubRelease(f *testing.F) { fuzz(f, "githubrelease") }
func FuzzS3(f *testing.F)            { fuzz(f, "s3") }

func TestKaggleToken(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("KAGGLE_USERNAME", "")
	t.Setenv("KAGGLE_KEY", "")
	t.Setenv("KAGGLE_CONFIG_DIR", dir)
	c := NewClient(Options{})
	defer c.Close()
	if _, err := (kaggle{c}).Files(context.Background(), "a/b"); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "KAGGLE_KEY") {
		t.Error(err)
	}
	path := filepath.Join(dir, "kaggle.json")
	os.WriteFile(path, []byte(`{"username":"u","key":"k"}`), 0o644)
	if _, err := kaggleToken(); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "chmod") {
		t.Error(err)
	}
	os.Chmod(path, 0o600)
	if v, err := kaggleToken(); err != nil || v != "Basic dTpr" {
		t.Error(v, err)
	}
}

func TestFigshareCollection(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v2/collections/7/articles":
			w.Write([]byte(`[{"id":1},{"id":2}]`))
		default:
			w.Write([]byte(`{"license":{"name":"CC0"},"files":[{"id":5,"name":"a","size":1,"download_url":"https://x.org/5"},{"id":6,"name":"a","size":2,"download_url":"https://x.org/6"}]}`))
		}
	}))
	defer s.Close()
	c := NewClient(Options{Mirrors: []Mirror{{"https://api.figshare.com", s.URL}}})
	defer c.Close()
	files, err := figshare{c}.Files(context.Background(), "collections/7")
	var got []string
	for _, f := range files {
		got = append(got, f.Path)
	}
	if strings.Join(got, " ") != "1/6/a 1/a 2/6/a 2/a" || err != nil {
		t.Error(got, err)
	}
	if id, err := (figshare{c}).License(context.Background(), "collections/7"); id != "CC0-1.0" {
		t.Error(id, err)
	}
}
