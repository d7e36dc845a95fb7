package sources

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

func init() { Register("omnimedfs", func(c *Client) Source { return omnimedfs{c} }) }

// omnimedfs is another OmniMedFS. The record is the URL of a folder there,
// whose "files.json" lists what lies in its "files/", served with ranges:
//
//	{"omnimedfs": 1, "license": "CC-BY-4.0",
//	 "files": [{"path": "images/a.png", "size": 123, "sum": "sha256:…"}]}
type omnimedfs struct{ c *Client }

type omnimedfsIndex struct {
	Version int    `json:"omnimedfs"`
	License string `json:"license"`
	Files   []struct {
		Path string `json:"path"`
		Size int64  `json:"size"`
		Sum  string `json:"sum"`
	} `json:"files"`
}

func (s omnimedfs) index(ctx context.Context, record string) (base string, x *omnimedfsIndex, err error) {
	u, err := url.Parse(record)
	if err != nil || checkURL(record) != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", nil, badRecord(record, "an http URL")
	}
	base = strings.TrimSuffix(record, "/") + "/"
	x = &omnimedfsIndex{}
	return base, x, s.c.getJSON(ctx, base+"files.json", "", x)
}

func (s omnimedfs) Files(ctx context.Context, record string) ([]File, error) {
	base, x, err := s.index(ctx, record)
	if err != nil {
		return nil, err
	}
	return x.list(record, base)
}

func (x *omnimedfsIndex) list(record, base string) ([]File, error) {
	if x.Version != 1 {
		return nil, fmt.Errorf("record %.200q: %w: listing of version %d", record, ErrServer, x.Version)
	}
	var l listing
	for _, f := range x.Files {
		l.add(f.Path, f.Size, f.Sum, base+"files/"+escapePath(f.Path))
	}
	return l.done(record)
}

func (s omnimedfs) License(ctx context.Context, record string) (string, error) {
	_, x, err := s.index(ctx, record)
	if err != nil {
		return "", err
	}
	return SPDX(x.License), nil
}

func parseOmniMedFS(body []byte) ([]File, error) {
	var x omnimedfsIndex
	if err := decode(body, &x); err != nil {
		return nil, err
	}
	return x.list("x", "https://example.org/")
}
