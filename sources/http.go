package sources

import (
	"context"
	"fmt"
	"net/url"
	"path"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func init() {
	Register("http", func(c *Client) Source { return httpSource{} })
}

// httpSource is a plain web server. The record is the URL of its one file; or
// empty, where a recipe gives the URL of each file.
type httpSource struct{}

func (httpSource) Files(_ context.Context, record string) ([]File, error) {
	if record == "" {
		return nil, nil
	}
	u, err := url.Parse(record)
	if err != nil || checkURL(record) != nil {
		return nil, fmt.Errorf("record %.200q: not an http URL", record)
	}
	name := path.Base(u.Path)
	if name == "." || name == "/" || name == ".." {
		return nil, fmt.Errorf("record %.200q: no file name", record)
	}
	return []File{{blob.Info{Path: name, Size: -1}, record}}, nil
}
