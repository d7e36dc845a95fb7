package sources

import (
	"context"
	"strings"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func init() {
	Register("grandchallenge", func(c *Client) Source { return grandChallenge{c} })
}

// grandChallenge is grand-challenge.org, whose challenges keep their data
// elsewhere: the record says where, as "zenodo:123" with any platform's name,
// or as the URLs of files, separated by spaces.
type grandChallenge struct{ c *Client }

// elsewhere returns the platform that a record points to; nil for URLs.
func (s grandChallenge) elsewhere(record string) (Source, string, string, error) {
	platform, rest, ok := strings.Cut(record, ":")
	if !ok || rest == "" || platform == "grandchallenge" || platform == "local" {
		return nil, "", "", badRecord(record, "platform:record or URLs")
	}
	if isURL(record) {
		return nil, "", "", nil
	}
	src, err := s.c.Source(platform)
	return src, platform, rest, err
}

func (s grandChallenge) Files(ctx context.Context, record string) ([]File, error) {
	src, platform, rest, err := s.elsewhere(record)
	if err != nil {
		return nil, err
	}
	if src != nil {
		files, err := src.Files(ctx, rest)
		for i := range files {
			files[i].URL = platform + "|" + files[i].URL
		}
		return files, err
	}
	var l listing
	for _, u := range strings.Fields(record) {
		files, err := httpSource{}.Files(ctx, u)
		if err != nil {
			return nil, err
		}
		l.add(files[0].Path, -1, "", files[0].URL)
	}
	return l.done(record)
}

func (s grandChallenge) Open(ctx context.Context, f File) (blob.Blob, error) {
	platform, u, ok := strings.Cut(f.URL, "|")
	if !ok || isURL(platform) {
		return s.c.openURL(ctx, f, access{})
	}
	f.URL = u
	return s.c.Open(ctx, platform, f)
}

func (s grandChallenge) License(ctx context.Context, record string) (string, error) {
	src, _, rest, err := s.elsewhere(record)
	if l, ok := src.(Licenser); ok && err == nil {
		return l.License(ctx, rest)
	}
	return "", err
}
