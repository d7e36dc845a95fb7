package sources

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func init() { Register("huggingface", func(c *Client) Source { return huggingface{c} }) }

// huggingface is the datasets of huggingface.co (Hub API). The record is
// "owner/name", better "owner/name@revision" with a commit: a branch moves.
// HF_TOKEN is sent where it is set, which gated datasets need.
type huggingface struct{ c *Client }

const hfHost = "https://huggingface.co"

type hfEntry struct {
	Type string `json:"type"`
	Path string `json:"path"`
	Size int64  `json:"size"`
	LFS  *struct {
		OID  string `json:"oid"` // SHA-256 of the content
		Size int64  `json:"size"`
	} `json:"lfs"`
}

type hfInfo struct {
	SHA  string   `json:"sha"`
	Tags []string `json:"tags"`
}

func (huggingface) token() string { return bearer("Bearer", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN") }

func (s huggingface) info(ctx context.Context, record string) (name string, info hfInfo, err error) {
	name, revision, ok := strings.Cut(record, "@")
	if !ok {
		revision = "main"
	}
	if !plainID(name, "-_./") || strings.Count(name, "/") > 1 || !plainID(revision, "-_./") {
		return "", info, badRecord(record, "owner/name@commit")
	}
	u := hfHost + "/api/datasets/" + name + "/revision/" + url.PathEscape(revision)
	if err := s.c.getJSON(ctx, u, s.token(), &info); err != nil {
		return "", info, err
	}
	if !plainID(info.SHA, "") {
		return "", info, fmt.Errorf("record %q: %w: no commit", record, ErrServer)
	}
	return name, info, nil
}

func (s huggingface) Files(ctx context.Context, record string) ([]File, error) {
	name, info, err := s.info(ctx, record)
	if err != nil {
		return nil, err
	}
	var l listing
	next := hfHost + "/api/datasets/" + name + "/tree/" + info.SHA + "?recursive=true"
	for page := 0; next != ""; page++ {
		if page == apiPages {
			return nil, fmt.Errorf("record %q: %w: a listing without end", record, ErrServer)
		}
		body, h, err := s.c.getPage(ctx, next, s.token(), apiBytes)
		if err != nil {
			return nil, err
		}
		if err := parseHF(&l, body, hfHost+"/datasets/"+name+"/resolve/"+info.SHA+"/"); err != nil {
			return nil, err
		}
		if next, err = nextLink(h, hfHost); err != nil {
			return nil, err
		}
	}
	return l.done(record)
}

func parseHF(l *listing, body []byte, base string) error {
	var entries []hfEntry
	if err := decode(body, &entries); err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type != "file" {
			continue
		}
		size, digest := e.Size, ""
		if e.LFS != nil {
			size, digest = e.LFS.Size, sum("sha256", e.LFS.OID)
		}
		l.add(e.Path, size, digest, base+escapePath(e.Path))
	}
	return l.err
}

var linkNext = regexp.MustCompile(`<([^>]+)>\s*;[^,]*rel="?next"?`)

// nextLink reads the Link header of RFC 8288; the next page must be at base's
// host.
func nextLink(h http.Header, base string) (string, error) {
	m := linkNext.FindStringSubmatch(strings.Join(h.Values("Link"), ", "))
	if m == nil {
		return "", nil
	}
	return m[1], sameHost(m[1], base)
}

func (s huggingface) Open(ctx context.Context, f File) (blob.Blob, error) {
	return s.c.openURL(ctx, f, access{auth: s.token()})
}

func (s huggingface) License(ctx context.Context, record string) (string, error) {
	_, info, err := s.info(ctx, record)
	if err != nil {
		return "", err
	}
	for _, t := range info.Tags {
		if id, ok := strings.CutPrefix(t, "license:"); ok {
			return SPDX(id), nil
		}
	}
	return "", nil
}
