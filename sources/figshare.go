package sources

import (
	"context"
	"fmt"
	"path"
	"strings"
)

func init() { Register("figshare", func(c *Client) Source { return figshare{c} }) }

// figshare is figshare.com and the portals of its API v2 (docs.figshare.com).
// The record is an article's number, "number/version", or "collections/number",
// whose files are then in a folder per article.
type figshare struct{ c *Client }

const figshareAPI = "https://api.figshare.com/v2"

type figshareArticle struct {
	License struct{ Name, URL string } `json:"license"`
	Files   []figshareFile             `json:"files"`
}

type figshareFile struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	Size        int64  `json:"size"`
	ComputedMD5 string `json:"computed_md5"`
	SuppliedMD5 string `json:"supplied_md5"`
	DownloadURL string `json:"download_url"`
	IsLink      bool   `json:"is_link_only"`
}

// address returns an article's URL.
func (figshare) address(record string) (string, error) {
	id, version, versioned := strings.Cut(record, "/")
	if !digits(id) || versioned && !digits(version) {
		return "", badRecord(record, "an article's number, number/version or collections/number")
	}
	if versioned {
		return figshareAPI + "/articles/" + id + "/versions/" + version, nil
	}
	return figshareAPI + "/articles/" + id, nil
}

func (s figshare) article(ctx context.Context, record string) (a figshareArticle, err error) {
	u, err := s.address(record)
	if err != nil {
		return a, err
	}
	return a, s.c.getJSON(ctx, u, bearer("token", "FIGSHARE_TOKEN"), &a)
}

// articles returns the articles of a collection, page after page.
func (s figshare) articles(ctx context.Context, id string) (out []string, err error) {
	const size = 100
	for page := 1; page <= apiPages; page++ {
		var found []struct {
			ID int64 `json:"id"`
		}
		u := fmt.Sprintf("%s/collections/%s/articles?page=%d&page_size=%d", figshareAPI, id, page, size)
		if err := s.c.getJSON(ctx, u, bearer("token", "FIGSHARE_TOKEN"), &found); err != nil {
			return nil, err
		}
		for _, a := range found {
			out = append(out, fmt.Sprint(a.ID))
		}
		if len(found) < size {
			return out, nil
		}
	}
	return nil, fmt.Errorf("%w: a collection without end", ErrServer)
}

func (s figshare) Files(ctx context.Context, record string) ([]File, error) {
	var l listing
	if id, ok := strings.CutPrefix(record, "collections/"); ok {
		if !digits(id) {
			return nil, badRecord(record, "collections/number")
		}
		all, err := s.articles(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, id := range all {
			a, err := s.article(ctx, id)
			if err != nil {
				return nil, err
			}
			a.list(&l, id)
		}
		return l.done(record)
	}
	a, err := s.article(ctx, record)
	if err != nil {
		return nil, err
	}
	a.list(&l, "")
	return l.done(record)
}

// list adds an article's files. Two may have one name: the later ones then
// live in a folder named after their id.
func (a *figshareArticle) list(l *listing, folder string) {
	for _, f := range a.Files {
		if f.IsLink {
			continue // a link to somewhere else, without size
		}
		digest := f.ComputedMD5
		if digest == "" {
			digest = f.SuppliedMD5
		}
		name := f.Name
		if folder != "" {
			name = folder + "/" + name
		}
		if l.seen[name] {
			name = path.Join(folder, fmt.Sprint(f.ID)) + "/" + f.Name
		}
		l.add(name, f.Size, sum("md5", digest), f.DownloadURL)
	}
}

func (s figshare) License(ctx context.Context, record string) (string, error) {
	if id, ok := strings.CutPrefix(record, "collections/"); ok && digits(id) {
		all, err := s.articles(ctx, id)
		if err != nil || len(all) == 0 {
			return "", err
		}
		record = all[0]
	}
	a, err := s.article(ctx, record)
	if err != nil {
		return "", err
	}
	if id := SPDX(a.License.URL); a.License.URL != "" && TermsOf(id) != TermsUnknown {
		return id, nil
	}
	return SPDX(a.License.Name), nil
}

func parseFigshare(body []byte) ([]File, error) {
	var a figshareArticle
	if err := decode(body, &a); err != nil {
		return nil, err
	}
	var l listing
	a.list(&l, "")
	return l.done("1")
}
