package sources

import (
	"context"
	"fmt"
	"strings"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func init() { Register("github", func(c *Client) Source { return github{c} }) }

// github is github.com (REST API). The record is "owner/name@commit" for the
// files of a tree, "owner/name/releases/tag" for the assets of a release, or
// "owner/name/archive/commit" for one zip, which GitHub makes on the fly.
// GITHUB_TOKEN is sent to the API where it is set: it raises the rate limit.
// Files in Git LFS come as their pointers.
type github struct{ c *Client }

const githubAPI = "https://api.github.com/repos/"

type githubTree struct {
	Truncated bool `json:"truncated"`
	Tree      []struct {
		Path string `json:"path"`
		Type string `json:"type"`
		Mode string `json:"mode"`
		Size int64  `json:"size"`
	} `json:"tree"`
}

type githubRelease struct {
	Assets []struct {
		Name   string `json:"name"`
		Size   int64  `json:"size"`
		Digest string `json:"digest"` // "sha256:…" since 2025
		URL    string `json:"browser_download_url"`
	} `json:"assets"`
}

func (github) token() string { return bearer("Bearer", "GITHUB_TOKEN", "GH_TOKEN") }

// split returns the repository, what is meant of it, and the ref.
func (github) split(record string) (repo, kind, ref string, err error) {
	if r, commit, ok := strings.Cut(record, "@"); ok {
		repo, kind, ref = r, "tree", commit
	} else if p := strings.SplitN(record, "/", 4); len(p) == 4 {
		repo, kind, ref = p[0]+"/"+p[1], p[2], p[3]
	}
	if strings.Count(repo, "/") != 1 || !plainID(repo, "-_./") || !plainID(ref, "-_.") || kind != "tree" && kind != "releases" && kind != "archive" {
		return "", "", "", badRecord(record, "owner/name@commit, owner/name/releases/tag or owner/name/archive/commit")
	}
	return repo, kind, ref, nil
}

func (s github) Files(ctx context.Context, record string) ([]File, error) {
	repo, kind, ref, err := s.split(record)
	if err != nil {
		return nil, err
	}
	var l listing
	var body []byte
	switch kind {
	case "archive":
		l.add(repo[strings.Index(repo, "/")+1:]+"-"+ref+".zip", -1, "", "https://github.com/"+repo+"/archive/"+ref+".zip")
		return l.done(record)
	case "releases":
		if body, _, err = s.c.getPage(ctx, githubAPI+repo+"/releases/tags/"+ref, s.token(), apiBytes); err == nil {
			err = parseGitHubRelease(&l, body)
		}
	default:
		if body, _, err = s.c.getPage(ctx, githubAPI+repo+"/git/trees/"+ref+"?recursive=1", s.token(), apiBytes); err == nil {
			err = parseGitHubTree(&l, body, "https://raw.githubusercontent.com/"+repo+"/"+ref+"/")
		}
	}
	if err != nil {
		return nil, err
	}
	return l.done(record)
}

func parseGitHubTree(l *listing, body []byte, base string) error {
	var t githubTree
	if err := decode(body, &t); err != nil {
		return err
	}
	if t.Truncated {
		return fmt.Errorf("%w: the tree is too large for its API; take the archive", ErrServer)
	}
	for _, e := range t.Tree {
		if e.Type == "blob" && e.Mode != "120000" { // a symbolic link's content is its target
			l.add(e.Path, e.Size, "", base+escapePath(e.Path))
		}
	}
	return l.err
}

func parseGitHubRelease(l *listing, body []byte) error {
	var r githubRelease
	if err := decode(body, &r); err != nil {
		return err
	}
	for _, a := range r.Assets {
		l.add(a.Name, a.Size, a.Digest, a.URL)
	}
	return l.err
}

func (s github) Open(ctx context.Context, f File) (blob.Blob, error) {
	return s.c.openURL(ctx, f, access{made: strings.Contains(f.URL, "/archive/")})
}

func (s github) License(ctx context.Context, record string) (string, error) {
	repo, _, _, err := s.split(record)
	if err != nil {
		return "", err
	}
	var r struct {
		License struct {
			SPDX string `json:"spdx_id"`
		} `json:"license"`
	}
	if err := s.c.getJSON(ctx, githubAPI+repo+"/license", s.token(), &r); err != nil {
		return "", err
	}
	return SPDX(r.License.SPDX), nil
}
