package sources

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func init() { Register("dryad", func(c *Client) Source { return dryad{c} }) }

// dryad is datadryad.org (datadryad.org/api/v2/docs). The record is the DOI,
// "doi:10.5061/dryad.x", of which the newest version is meant, or the DOI and
// the number of one version in the API: "doi:10.5061/dryad.x@12345". DRYAD_TOKEN
// is sent where it is set.
type dryad struct{ c *Client }

const dryadHost = "https://datadryad.org"

type dryadLink struct {
	Href string `json:"href"`
}

type dryadDataset struct {
	License string `json:"license"` // a URL of spdx.org
	Links   struct {
		Version dryadLink `json:"stash:version"`
	} `json:"_links"`
}

type dryadPage struct {
	Links struct {
		Next dryadLink `json:"next"`
	} `json:"_links"`
	Embedded struct {
		Files []struct {
			Path       string `json:"path"`
			Size       *int64 `json:"size"`
			Status     string `json:"status"` // created, copied or deleted
			Digest     string `json:"digest"`
			DigestType string `json:"digestType"`
			Links      struct {
				Download dryadLink `json:"stash:download"`
			} `json:"_links"`
		} `json:"stash:files"`
	} `json:"_embedded"`
}

func (dryad) token() string { return bearer("Bearer", "DRYAD_TOKEN") }

func (s dryad) dataset(ctx context.Context, record string) (d dryadDataset, version string, err error) {
	doi, version, ok := strings.Cut(strings.TrimPrefix(record, "doi:"), "@")
	if !strings.HasPrefix(doi, "10.") || !plainID(doi, "-_./") || ok && !digits(version) {
		return d, "", badRecord(record, "doi:10.5061/dryad.x or doi:10.5061/dryad.x@version")
	}
	err = s.c.getJSON(ctx, dryadHost+"/api/v2/datasets/"+url.QueryEscape("doi:"+doi), s.token(), &d)
	return d, version, err
}

func (s dryad) Files(ctx context.Context, record string) ([]File, error) {
	d, version, err := s.dataset(ctx, record)
	if err != nil {
		return nil, err
	}
	if version == "" {
		version = d.Links.Version.Href[strings.LastIndexByte(d.Links.Version.Href, '/')+1:]
		if !digits(version) {
			return nil, fmt.Errorf("record %.200q: %w: it names no version", record, ErrServer)
		}
	}
	var l listing
	for page := 1; page <= apiPages; page++ {
		body, _, err := s.c.getPage(ctx, dryadHost+"/api/v2/versions/"+version+"/files?per_page=100&page="+strconv.Itoa(page), s.token(), apiBytes)
		if err != nil {
			return nil, err
		}
		more, err := parseDryad(&l, body)
		if err != nil {
			return nil, fmt.Errorf("record %.200q: %w", record, err)
		}
		if !more {
			return l.done(record)
		}
	}
	return nil, fmt.Errorf("record %.200q: %w: a listing without end", record, ErrServer)
}

func parseDryad(l *listing, body []byte) (more bool, err error) {
	var p dryadPage
	if err := decode(body, &p); err != nil {
		return false, err
	}
	for _, f := range p.Embedded.Files {
		if f.Status == "deleted" {
			continue
		}
		size := int64(-1)
		if f.Size != nil {
			size = *f.Size
		}
		href := f.Links.Download.Href
		if strings.HasPrefix(href, "/") {
			href = dryadHost + href
		}
		if sameHost(href, dryadHost) != nil {
			return false, fmt.Errorf("%w: %.200q has no link to its bytes", ErrServer, f.Path)
		}
		l.add(f.Path, size, sum(f.DigestType, f.Digest), href)
	}
	return p.Links.Next.Href != "", l.err
}

func (s dryad) Open(ctx context.Context, f File) (blob.Blob, error) {
	return s.c.openURL(ctx, f, access{auth: s.token()})
}

func (s dryad) License(ctx context.Context, record string) (string, error) {
	d, _, err := s.dataset(ctx, record)
	if err != nil {
		return "", err
	}
	return SPDX(d.License), nil
}
