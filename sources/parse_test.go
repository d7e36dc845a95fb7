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
	"dryad": func(b []byte) ([]File, error) {
		var l listing
		_, err := parseDryad(&l, b)
		return l.files, err
	},
	"ftp": func(b []byte) ([]File, error) {
		var l listing
		_, err := parseFTP(&l, b, "", "ftp://ftp.example.org/")
		return l.files, err
	},
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
			if !fs.ValidPath(x.Path) || x.Size < -1 || checkRemote(x.URL) != nil {
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
func FuzzDryad(f *testing.F)         { fuzz(f, "dryad") }
func FuzzFTP(f *testing.F)           { fuzz(f, "ftp") }

const driveAsks = `<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head><body>
<form id="download-form" action="https://drive.usercontent.google.com/download" method="get">
<input type="submit" id="uc-download-link" value="Download anyway"/><input type="hidden" name="id" value="1a_B-c">
<input type="hidden" name="export" value="download"><input type="hidden" name="confirm" value="t"><input type="hidden" name="uuid" value="1-2&amp;3"></form></body></html>`

func TestDrivePages(t *testing.T) {
	to, err := parseDriveForm([]byte(driveAsks))
	if want := "https://drive.usercontent.google.com/download?confirm=t&export=download&id=1a_B-c&uuid=1-2%263"; to != want || err != nil {
		t.Error(to, err)
	}
	for page, want := range map[string]error{
		strings.Replace(driveAsks, "drive.usercontent.google.com", "drive.usercontent.google.com.evil.org", 1): ErrServer,
		strings.Replace(driveAsks, `name="id"`, `name="di"`, 1):                                                ErrServer,
		"<html><title>Google Drive - Quota exceeded</title>":                                                   ErrRateLimited,
		`<html><form action="https://accounts.google.com/v3/signin">`:                                          ErrRefused,
		"<html>": ErrGone,
	} {
		if to, err := parseDriveForm([]byte(page)); !errors.Is(err, want) {
			t.Errorf("%.60s: %s, %v; want %v", page, to, err, want)
		}
	}
	for link, want := range map[string]string{
		"https://drive.google.com/file/d/1a_B-c/view?usp=sharing": "1a_B-c", "https://drive.google.com/uc?export=download&id=1a_B-c": "1a_B-c",
		"https://drive.google.com/open?id=1a_B-c": "1a_B-c", driveURL("1a_B-c"): "1a_B-c",
		"https://drive.google.com/drive/folders/1a_B-c": "", "https://evil.org/file/d/1a_B-c": "", "https://drive.google.com/file/d/../x": "",
	} {
		if id, err := driveID(link); id != want || (err != nil) != (want == "") {
			t.Errorf("%s: %q, %v", link, id, err)
		}
	}
}

func FuzzDriveForm(f *testing.F) {
	f.Add([]byte(driveAsks))
	f.Fuzz(func(t *testing.T, page []byte) {
		if to, err := parseDriveForm(page); err == nil && sameHost(to, driveBase) != nil {
			t.Error(to)
		}
	})
}

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
