package sources

import (
	"context"
	"fmt"
	"strings"
)

func init() { Register("osf", func(c *Client) Source { return osf{c} }) }

// osf is osf.io (developer.osf.io, API v2). The record is a project's five
// letters; its files are those of the OSF storage.
type osf struct{ c *Client }

const osfHost = "https://api.osf.io"

type osfPage struct {
	Data []struct {
		Attributes struct {
			Kind  string `json:"kind"`
			Path  string `json:"materialized_path"`
			Size  *int64 `json:"size"`
			Extra struct {
				Hashes struct{ MD5, SHA256 string } `json:"hashes"`
			} `json:"extra"`
		} `json:"attributes"`
		Links struct {
			Download string `json:"download"`
		} `json:"links"`
		Relationships struct {
			Files struct {
				Links struct {
					Related struct{ Href string } `json:"related"`
				} `json:"links"`
			} `json:"files"`
		} `json:"relationships"`
	} `json:"data"`
	Links struct{ Next string } `json:"links"`
}

// Files walks the folders breadth first, each page after page.
func (s osf) Files(ctx context.Context, record string) ([]File, error) {
	if !plainID(record, "") {
		return nil, badRecord(record, "a project's id")
	}
	var l listing
	todo := []string{osfHost + "/v2/nodes/" + record + "/files/osfstorage/?page[size]=100"}
	seen := map[string]bool{}
	for ; len(todo) > 0; todo = todo[1:] {
		u := todo[0]
		if seen[u] || len(seen) == apiPages {
			return nil, fmt.Errorf("record %q: %w: a listing without end", record, ErrServer)
		}
		seen[u] = true
		if err := sameHost(u, osfHost); err != nil {
			return nil, err
		}
		body, _, err := s.c.getPage(ctx, u, bearer("Bearer", "OSF_TOKEN"), apiBytes)
		if err != nil {
			return nil, err
		}
		more, err := parseOSF(&l, body)
		if err != nil {
			return nil, err
		}
		todo = append(todo, more...)
	}
	return l.done(record)
}

// parseOSF adds a page's files and returns the pages that it leads to.
func parseOSF(l *listing, body []byte) (more []string, err error) {
	var p osfPage
	if err := decode(body, &p); err != nil {
		return nil, err
	}
	for _, e := range p.Data {
		if e.Attributes.Kind == "folder" {
			if href := e.Relationships.Files.Links.Related.Href; href != "" {
				more = append(more, href)
			}
			continue
		}
		size := int64(-1)
		if e.Attributes.Size != nil {
			size = *e.Attributes.Size
		}
		digest := sum("sha256", e.Attributes.Extra.Hashes.SHA256)
		if digest == "" {
			digest = sum("md5", e.Attributes.Extra.Hashes.MD5)
		}
		l.add(e.Attributes.Path, size, digest, e.Links.Download)
	}
	if p.Links.Next != "" {
		more = append(more, p.Links.Next)
	}
	return more, l.err
}

func (s osf) License(ctx context.Context, record string) (string, error) {
	if !plainID(record, "") {
		return "", badRecord(record, "a project's id")
	}
	var r struct {
		Data struct {
			Embeds struct {
				License struct {
					Data struct {
						Attributes struct{ Name string }
					}
				}
			}
		}
	}
	if err := s.c.getJSON(ctx, osfHost+"/v2/nodes/"+record+"/?embed=license", bearer("Bearer", "OSF_TOKEN"), &r); err != nil {
		return "", err
	}
	return SPDX(strings.TrimSpace(r.Data.Embeds.License.Data.Attributes.Name)), nil
}
