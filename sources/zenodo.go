package sources

import (
	"context"
	"encoding/json"
	"net/url"
)

func init() { Register("zenodo", func(c *Client) Source { return zenodo{c} }) }

// zenodo is zenodo.org (developers.zenodo.org, "Records"). The record is the
// number at the end of its DOI; of one version, since the concept's number
// leads to another version with each release.
type zenodo struct{ c *Client }

type zenodoRecord struct {
	Metadata struct {
		License struct{ ID string } `json:"license"`
	} `json:"metadata"`
	Files []struct {
		Key      string `json:"key"`
		Size     int64  `json:"size"`
		Checksum string `json:"checksum"` // "md5:…"
		Links    struct {
			Self string `json:"self"`
		} `json:"links"`
	} `json:"files"`
}

func (z zenodo) fetch(ctx context.Context, record string) (*zenodoRecord, error) {
	if !digits(record) {
		return nil, badRecord(record, "a number")
	}
	var r zenodoRecord
	return &r, z.c.getJSON(ctx, "https://zenodo.org/api/records/"+record, bearer("Bearer", "ZENODO_TOKEN"), &r)
}

func (z zenodo) Files(ctx context.Context, record string) ([]File, error) {
	r, err := z.fetch(ctx, record)
	if err != nil {
		return nil, err
	}
	return r.list(record)
}

func (r *zenodoRecord) list(record string) ([]File, error) {
	var l listing
	for _, f := range r.Files {
		link := f.Links.Self
		if link == "" {
			link = "https://zenodo.org/api/records/" + record + "/files/" + url.PathEscape(f.Key) + "/content"
		}
		l.add(f.Key, f.Size, f.Checksum, link)
	}
	return l.done(record)
}

func (z zenodo) License(ctx context.Context, record string) (string, error) {
	r, err := z.fetch(ctx, record)
	if err != nil {
		return "", err
	}
	return SPDX(r.Metadata.License.ID), nil
}

func parseZenodo(body []byte) ([]File, error) {
	var r zenodoRecord
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	return r.list("1")
}

func digits(s string) bool {
	n := json.Number(s)
	v, err := n.Int64()
	return err == nil && v > 0 && s[0] != '+' && len(s) < 19
}
