package sources

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func init() { Register("kaggle", func(c *Client) Source { return kaggle{c} }) }

// kaggle is the datasets and competitions of kaggle.com (API v1). The record is
// "owner/name", "owner/name/versions/3" or "competitions/name". It needs a
// token: KAGGLE_USERNAME and KAGGLE_KEY, or ~/.kaggle/kaggle.json that only its
// owner can read. Kaggle gives no checksums.
type kaggle struct{ c *Client }

const kaggleAPI = "https://www.kaggle.com/api/v1/"

type kagglePage struct {
	Files    []kaggleFile `json:"files"`        // of a competition
	Datasets []kaggleFile `json:"datasetFiles"` // of a dataset
	Next     string       `json:"nextPageToken"`
}

type kaggleFile struct {
	Name  string `json:"name"`
	Bytes *int64 `json:"totalBytes"`
}

// kaggleToken returns the Authorization value.
func kaggleToken() (string, error) {
	user, key := os.Getenv("KAGGLE_USERNAME"), os.Getenv("KAGGLE_KEY")
	if user == "" || key == "" {
		var err error
		if user, key, err = kaggleFileToken(); err != nil {
			return "", fmt.Errorf("%w: kaggle: %w", ErrRefused, err)
		}
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+key)), nil
}

func kaggleFileToken() (user, key string, err error) {
	dir := os.Getenv("KAGGLE_CONFIG_DIR")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", "", err
		}
		dir = filepath.Join(home, ".kaggle")
	}
	path := filepath.Join(dir, "kaggle.json")
	st, err := os.Stat(path)
	if err != nil {
		return "", "", fmt.Errorf("no token: set KAGGLE_USERNAME and KAGGLE_KEY, or save kaggle.json from kaggle.com/settings as %s", path)
	}
	if st.Mode().Perm()&0o077 != 0 || !st.Mode().IsRegular() || st.Size() > 1<<16 {
		return "", "", fmt.Errorf("others can read %s: chmod 600 it", path)
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return "", "", err
	}
	var t struct{ Username, Key string }
	if json.Unmarshal(body, &t) != nil || t.Username == "" || t.Key == "" {
		return "", "", fmt.Errorf("%s: no username and key in it", path)
	}
	return t.Username, t.Key, nil
}

// place returns the URLs of a record's listing and of its downloads.
func (kaggle) place(record string) (list, download, version string, err error) {
	p := strings.Split(record, "/")
	ok := len(p) == 2 || len(p) == 4 && p[2] == "versions" && digits(p[3])
	for _, s := range p {
		ok = ok && plainID(s, "-_.")
	}
	switch {
	case !ok:
		return "", "", "", badRecord(record, "owner/name, owner/name/versions/3 or competitions/name")
	case p[0] == "competitions":
		return kaggleAPI + "competitions/data/list/" + p[1], kaggleAPI + "competitions/data/download/" + p[1] + "/", "", nil
	}
	if len(p) == 4 {
		version = p[3]
	}
	id := p[0] + "/" + p[1]
	return kaggleAPI + "datasets/list/" + id, kaggleAPI + "datasets/download/" + id + "/", version, nil
}

func (s kaggle) Files(ctx context.Context, record string) ([]File, error) {
	list, download, version, err := s.place(record)
	if err != nil {
		return nil, err
	}
	auth, err := kaggleToken()
	if err != nil {
		return nil, err
	}
	var l listing
	q := url.Values{"pageSize": {"200"}}
	if version != "" {
		q.Set("datasetVersionNumber", version)
	}
	for range apiPages {
		body, _, err := s.c.getPage(ctx, list+"?"+q.Encode(), auth, apiBytes)
		if err != nil {
			return nil, err
		}
		next, err := parseKaggle(&l, body, download, version)
		if err != nil {
			return nil, err
		}
		if next == "" {
			return l.done(record)
		}
		q.Set("pageToken", next)
	}
	return nil, fmt.Errorf("record %q: %w: a listing without end", record, ErrServer)
}

func parseKaggle(l *listing, body []byte, download, version string) (next string, err error) {
	var page kagglePage
	if err := decode(body, &page); err != nil {
		return "", err
	}
	suffix := ""
	if version != "" {
		suffix = "?datasetVersionNumber=" + version
	}
	for _, f := range append(page.Datasets, page.Files...) {
		size := int64(-1)
		if f.Bytes != nil {
			size = *f.Bytes
		}
		l.add(f.Name, size, "", download+escapePath(f.Name)+suffix)
	}
	return page.Next, l.err
}

func (s kaggle) Open(ctx context.Context, f File) (blob.Blob, error) {
	auth, err := kaggleToken()
	if err != nil {
		return nil, err
	}
	return s.c.openURL(ctx, f, access{auth: auth})
}

func (s kaggle) License(ctx context.Context, record string) (string, error) {
	_, _, _, err := s.place(record)
	if err != nil || strings.HasPrefix(record, "competitions/") {
		return "", err // a competition has rules in place of a licence
	}
	auth, err := kaggleToken()
	if err != nil {
		return "", err
	}
	p := strings.Split(record, "/")
	var r struct {
		LicenseName string `json:"licenseName"`
	}
	if err := s.c.getJSON(ctx, kaggleAPI+"datasets/view/"+p[0]+"/"+p[1], auth, &r); err != nil {
		return "", err
	}
	return SPDX(r.LicenseName), nil
}
