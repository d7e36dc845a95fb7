package sources

import (
	"context"
	"fmt"
	"path"
	"strings"
)

func init() { Register("mendeley", func(c *Client) Source { return mendeley{c} }) }

// mendeley is data.mendeley.com through the public API that its own pages use.
// The record is "id/version", as in the DOI 10.17632/id.version.
type mendeley struct{ c *Client }

const mendeleyAPI = "https://data.mendeley.com/public-api/datasets/"

type mendeleyFile struct {
	Filename string `json:"filename"`
	FolderID string `json:"folder_id"`
	Size     int64  `json:"size"`
	Details  struct {
		Size        int64  `json:"size"`
		SHA256      string `json:"sha256_hash"`
		DownloadURL string `json:"download_url"`
	} `json:"content_details"`
}

type mendeleyFolder struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	ParentID string `json:"parent_id"`
}

func (mendeley) split(record string) (id, version string, err error) {
	id, version, ok := strings.Cut(record, "/")
	if !ok {
		id, version, ok = strings.Cut(record, ".")
	}
	if !ok || !plainID(id, "") || !digits(version) {
		return "", "", badRecord(record, "id/version")
	}
	return id, version, nil
}

func (s mendeley) Files(ctx context.Context, record string) ([]File, error) {
	id, version, err := s.split(record)
	if err != nil {
		return nil, err
	}
	var folders []mendeleyFolder
	if err := s.c.getJSON(ctx, mendeleyAPI+id+"/folders/"+version, "", &folders); err != nil {
		return nil, err
	}
	var l listing
	for _, f := range append([]mendeleyFolder{{ID: "root"}}, folders...) {
		if !plainID(f.ID, "-_") {
			return nil, fmt.Errorf("%w: folder id %.80q", ErrServer, f.ID)
		}
		dir, err := mendeleyPath(folders, f)
		if err != nil {
			return nil, err
		}
		var files []mendeleyFile
		if err := s.c.getJSON(ctx, mendeleyAPI+id+"/files?folder_id="+f.ID+"&version="+version, "", &files); err != nil {
			return nil, err
		}
		mendeleyList(&l, dir, files)
	}
	return l.done(record)
}

// mendeleyPath follows the parents of a folder, at most 64 of them.
func mendeleyPath(all []mendeleyFolder, f mendeleyFolder) (string, error) {
	dir := f.Name
	for range 64 {
		i := 0
		for ; i < len(all) && (all[i].ID != f.ParentID || f.ParentID == ""); i++ {
		}
		if i == len(all) {
			return dir, nil
		}
		f = all[i]
		dir = path.Join(f.Name, dir)
	}
	return "", fmt.Errorf("%w: folders in a ring", ErrServer)
}

func mendeleyList(l *listing, dir string, files []mendeleyFile) {
	for _, f := range files {
		name := f.Filename
		if dir != "" {
			name = dir + "/" + name
		}
		l.add(name, max(f.Details.Size, f.Size), sum("sha256", f.Details.SHA256), f.Details.DownloadURL)
	}
}

func (s mendeley) License(ctx context.Context, record string) (string, error) {
	id, version, err := s.split(record)
	if err != nil {
		return "", err
	}
	var r struct {
		Licence struct {
			ShortName string `json:"short_name"`
			URL       string `json:"url"`
		} `json:"data_licence"`
	}
	if err := s.c.getJSON(ctx, mendeleyAPI+id+"?version="+version, "", &r); err != nil {
		return "", err
	}
	if r.Licence.URL != "" && TermsOf(SPDX(r.Licence.URL)) != TermsUnknown {
		return SPDX(r.Licence.URL), nil
	}
	return SPDX(r.Licence.ShortName), nil
}

func parseMendeley(body []byte) ([]File, error) {
	var files []mendeleyFile
	if err := decode(body, &files); err != nil {
		return nil, err
	}
	var l listing
	mendeleyList(&l, "", files)
	return l.done("1")
}
