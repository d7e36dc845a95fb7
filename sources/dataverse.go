package sources

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

func init() { Register("dataverse", func(c *Client) Source { return dataverse{c} }) }

// dataverse is any Dataverse (guides.dataverse.org, "Native API"). The record
// is "host/doi:10.x/Y", with "@1.0" for a version; without a host it is
// dataverse.harvard.edu.
type dataverse struct{ c *Client }

type dataverseAnswer struct {
	Data struct {
		License struct{ Name, URI string } `json:"license"`
		Terms   string                     `json:"termsOfUse"`
		Files   []struct {
			Directory  string `json:"directoryLabel"`
			Label      string `json:"label"`
			Restricted bool   `json:"restricted"`
			File       struct {
				ID       int64                        `json:"id"`
				Size     int64                        `json:"filesize"`
				Checksum struct{ Type, Value string } `json:"checksum"`
				Original string                       `json:"originalFileName"`
				OrigSize int64                        `json:"originalFileSize"`
			} `json:"dataFile"`
		} `json:"files"`
	} `json:"data"`
}

func (s dataverse) fetch(ctx context.Context, record string) (host string, a *dataverseAnswer, err error) {
	host, doi := "dataverse.harvard.edu", record
	if i := strings.Index(record, "/doi:"); i > 0 {
		host, doi = record[:i], record[i+1:]
	}
	doi, version, ok := strings.Cut(doi, "@")
	if !ok {
		version = ":latest-published"
	}
	if !strings.HasPrefix(doi, "doi:10.") || !plainID(doi[4:], "-_./") || !plainID(host, "-.") || !plainID(version, ".:-") {
		return "", nil, badRecord(record, "host/doi:10.x/Y@version")
	}
	a = &dataverseAnswer{}
	return host, a, s.c.getJSON(ctx, "https://"+host+"/api/datasets/:persistentId/versions/"+version+"?persistentId="+url.QueryEscape(doi), "", a)
}

func (s dataverse) Files(ctx context.Context, record string) ([]File, error) {
	host, a, err := s.fetch(ctx, record)
	if err != nil {
		return nil, err
	}
	return a.list(host, record)
}

// list names tables as they were uploaded: Dataverse converts them, and its
// checksum and size are then of the converted form.
func (a *dataverseAnswer) list(host, record string) ([]File, error) {
	var l listing
	for _, f := range a.Data.Files {
		name, size, digest, query := f.Label, f.File.Size, sum(f.File.Checksum.Type, f.File.Checksum.Value), ""
		if f.File.Original != "" {
			name, size, digest, query = f.File.Original, f.File.OrigSize, "", "?format=original"
			if size == 0 {
				size = -1
			}
		}
		if f.Directory != "" {
			name = f.Directory + "/" + name
		}
		l.add(name, size, digest, fmt.Sprintf("https://%s/api/access/datafile/%d%s", host, f.File.ID, query))
	}
	return l.done(record)
}

func (s dataverse) License(ctx context.Context, record string) (string, error) {
	_, a, err := s.fetch(ctx, record)
	if err != nil {
		return "", err
	}
	if a.Data.License.Name == "" && a.Data.Terms != "" {
		return "LicenseRef-custom-terms", nil
	}
	return SPDX(a.Data.License.Name), nil
}

func parseDataverse(body []byte) ([]File, error) {
	var a dataverseAnswer
	if err := decode(body, &a); err != nil {
		return nil, err
	}
	return a.list("dataverse.nl", "x")
}
